//! Base data, in registers: one for each kind.

use chrono::NaiveDate;
use platform::registers::{self, Entry, Record};
use sqlx::PgConnection;

use super::text::text_of;
use crate::domain::{
    base::{BaseContent, BaseKind, BaseVersion},
    command::BaseRecordVersion,
};

impl Record for BaseContent {
    fn register(&self) -> String {
        text_of(&self.kind())
    }
}

/// The names of the registers.
pub fn registers() -> Vec<String> {
    BaseKind::ALL.iter().map(text_of).collect()
}

/// All versions of all base data, in the order in which they were made.
pub async fn load(conn: &mut PgConnection) -> Result<Vec<BaseVersion>, sqlx::Error> {
    registers::load(conn, &registers()).await
}

/// Appends versions of base data.
pub async fn append(conn: &mut PgConnection, versions: &[BaseRecordVersion]) -> Result<(), sqlx::Error> {
    let entries = versions.iter().map(|BaseRecordVersion { version, reason, origin, .. }| Entry {
        version: version.clone(),
        reason: reason.clone(),
        maker: origin.operator.to_string(),
        checker: origin.authoriser.as_ref().map(ToString::to_string),
        request_id: origin.request_id,
        recorded_at: origin.at,
    });
    registers::append(conn, &entries.collect::<Vec<_>>()).await
}

/// The version of a record in force on a date.
pub async fn in_force(
    conn: &mut PgConnection,
    kind: BaseKind,
    code: &str,
    on: NaiveDate,
) -> Result<Option<BaseVersion>, sqlx::Error> {
    registers::in_force(conn, &text_of(&kind), code, on).await
}

/// Up to `limit` records of a kind in force on a date after a code, by code.
pub async fn list(
    conn: &mut PgConnection,
    kind: BaseKind,
    on: NaiveDate,
    after: &str,
    limit: i64,
) -> Result<Vec<BaseVersion>, sqlx::Error> {
    registers::list(conn, &text_of(&kind), on, after, limit).await
}

/// Up to `limit` versions of a record below a version, newest first.
pub async fn history(
    conn: &mut PgConnection,
    kind: BaseKind,
    code: &str,
    below: i32,
    limit: i64,
) -> Result<Vec<Entry<BaseContent>>, sqlx::Error> {
    registers::history(conn, &text_of(&kind), code, below, limit).await
}

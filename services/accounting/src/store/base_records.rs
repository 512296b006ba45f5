//! Base data as read: what is in force on a date, and all versions of a record.

use chrono::{DateTime, NaiveDate, Utc};
use sqlx::{PgConnection, types::Json};

use super::text::text_of;
use crate::domain::base::{BaseContent, BaseKind, BaseVersion};

/// The version of a record in force on a date.
pub async fn in_force(
    conn: &mut PgConnection,
    kind: BaseKind,
    code: &str,
    on: NaiveDate,
) -> Result<Option<BaseVersion>, sqlx::Error> {
    let row = sqlx::query!(
        r#"
        SELECT version, effective_date, content AS "content: Json<BaseContent>" FROM base_record
        WHERE kind = $1 AND code = $2 AND effective_date <= $3 ORDER BY effective_date DESC, version DESC LIMIT 1
        "#,
        text_of(&kind),
        code,
        on,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(|row| BaseVersion {
        version: row.version,
        effective_date: row.effective_date,
        content: row.content.0,
    }))
}

/// Up to `limit` records of a kind in force on a date after a code, by code.
pub async fn list(
    conn: &mut PgConnection,
    kind: BaseKind,
    on: NaiveDate,
    after: &str,
    limit: i64,
) -> Result<Vec<BaseVersion>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"
        SELECT DISTINCT ON (code) version, effective_date, content AS "content: Json<BaseContent>" FROM base_record
        WHERE kind = $1 AND effective_date <= $2 AND code > $3
        ORDER BY code, effective_date DESC, version DESC LIMIT $4
        "#,
        text_of(&kind),
        on,
        after,
        limit,
    )
    .fetch_all(conn)
    .await?;
    Ok(rows
        .into_iter()
        .map(|row| BaseVersion {
            version: row.version,
            effective_date: row.effective_date,
            content: row.content.0,
        })
        .collect())
}

/// One version of a record, with what the history keeps of it.
#[derive(Debug)]
pub struct VersionRow {
    pub version: i32,
    pub effective_date: NaiveDate,
    pub content: Json<BaseContent>,
    pub operator: String,
    pub authoriser: Option<String>,
    pub reason: String,
    pub recorded_at: DateTime<Utc>,
}

/// Up to `limit` versions of a record below a version, newest first.
pub async fn versions(
    conn: &mut PgConnection,
    kind: BaseKind,
    code: &str,
    below: i32,
    limit: i64,
) -> Result<Vec<VersionRow>, sqlx::Error> {
    sqlx::query_as!(
        VersionRow,
        r#"
        SELECT version, effective_date, content AS "content: _", operator, authoriser, reason, recorded_at
        FROM base_record WHERE kind = $1 AND code = $2 AND version < $3 ORDER BY version DESC LIMIT $4
        "#,
        text_of(&kind),
        code,
        below,
        limit,
    )
    .fetch_all(conn)
    .await
}

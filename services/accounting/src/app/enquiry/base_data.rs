//! Base data: what is in force on a date, and the history of a record.

use chrono::NaiveDate;
use platform::{refusal::Failure, registers::Entry};

use super::{Enquiries, not_found};
use crate::{
    domain::base::{BaseContent, BaseKind, BaseVersion},
    store::base_records,
};

impl Enquiries {
    /// One record, as it is in force on a date.
    pub async fn base_record(
        &self,
        kind: BaseKind,
        code: &str,
        on: Option<NaiveDate>,
    ) -> Result<BaseVersion, Failure> {
        let mut conn = self.connection().await?;
        let on = self.date(&mut conn, on).await?;
        let found = base_records::in_force(&mut conn, kind, code, on).await?;
        Ok(found.ok_or_else(|| not_found(&kind.record_name(code)))?)
    }

    /// Records of a kind in force on a date after a code, by code.
    pub async fn base_records(
        &self,
        kind: BaseKind,
        on: Option<NaiveDate>,
        after: &str,
        limit: i64,
    ) -> Result<Vec<BaseVersion>, Failure> {
        let mut conn = self.connection().await?;
        let on = self.date(&mut conn, on).await?;
        Ok(base_records::list(&mut conn, kind, on, after, limit).await?)
    }

    /// Versions of one record below a version, newest first.
    pub async fn base_record_versions(
        &self,
        kind: BaseKind,
        code: &str,
        below: i32,
        limit: i64,
    ) -> Result<Vec<Entry<BaseContent>>, Failure> {
        let found = base_records::history(&mut *self.connection().await?, kind, code, below, limit).await?;
        if found.is_empty() && below == i32::MAX {
            return Err(not_found(&kind.record_name(code)).into());
        }
        Ok(found)
    }
}

//! The ledger as a whole: the business day and the trial balance.

use std::collections::HashMap;

use chrono::NaiveDate;
use platform::refusal::Failure;
use sqlx::{Connection, PgConnection};

use super::{Enquiries, SNAPSHOT};
use crate::{
    domain::{
        base::{BaseContent, BaseKind, LedgerCode},
        command::BusinessDay,
        trial_balance::{TrialBalance, TrialBalanceQuery},
    },
    store::{base_records, opening, trial_balance},
};

/// More codes than a chart can have, so that it is read whole.
const CODES_MAX: i64 = 100_000;

impl Enquiries {
    /// The business day that is open.
    pub async fn business_day(&self) -> Result<Option<BusinessDay>, Failure> {
        Ok(opening::business_day(&mut *self.connection().await?).await?)
    }

    /// The accounts added up.
    pub async fn trial_balance(&self, query: &TrialBalanceQuery<'_>) -> Result<TrialBalance, Failure> {
        let mut conn = self.connection().await?;
        // One snapshot for all statements, so that the rows and the last posting belong together.
        let mut snapshot = conn.begin_with(SNAPSHOT).await?;
        let rows = trial_balance::totals(&mut snapshot, query).await?;
        let last_posting = trial_balance::last_posting(&mut snapshot, query.up_to).await?;
        let date = self.date(&mut snapshot, query.up_to).await?;
        // Imported history has no base data of its own: its codes are those of the first business day.
        let first_day = opening::first_day(&mut snapshot).await?;
        let chart = chart(&mut snapshot, first_day.map_or(date, |first_day| first_day.max(date))).await?;
        snapshot.rollback().await?;
        Ok(TrialBalance { rows, chart, last_posting })
    }
}

/// The chart of accounts in force on a date, by code.
async fn chart(conn: &mut PgConnection, on: NaiveDate) -> Result<HashMap<String, LedgerCode>, Failure> {
    let records = base_records::list(conn, BaseKind::LedgerCode, on, "", CODES_MAX).await?;
    Ok(records
        .into_iter()
        .filter_map(|record| match record.content {
            BaseContent::LedgerCode(code) => Some((code.code.to_string(), code)),
            _ => None,
        })
        .collect())
}

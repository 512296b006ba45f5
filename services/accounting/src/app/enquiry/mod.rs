//! Enquiries: what only reads, on any replica, from one state of the database each.

mod accounts;
mod base_data;
mod holds;
mod ledger;
mod postings;
mod suspense;

use chrono::NaiveDate;
use platform::{
    Dependencies,
    pages::PageTokens,
    refusal::{Failure, Refusal, reasons},
};
use sqlx::{PgConnection, Postgres, pool::PoolConnection};

use crate::store::opening;

/// Begins what reads in several statements and must see one state of the books in all of them.
const SNAPSHOT: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// What enquiries stand on.
#[derive(Clone)]
pub struct Enquiries {
    pub dependencies: Dependencies,
}

impl Enquiries {
    pub fn pages(&self) -> &PageTokens {
        &self.dependencies.page_tokens
    }

    async fn connection(&self) -> Result<PoolConnection<Postgres>, Failure> {
        Ok(self.dependencies.pool.acquire().await?)
    }

    /// The date of the request, else the business date, else the clock's date.
    async fn date(&self, conn: &mut PgConnection, on: Option<NaiveDate>) -> Result<NaiveDate, Failure> {
        if let Some(on) = on {
            return Ok(on);
        }
        let day = opening::business_day(conn).await?;
        Ok(day.map_or_else(|| self.dependencies.clock.now().date_naive(), |day| day.date))
    }
}

fn not_found(name: &str) -> Refusal {
    reasons::NOT_FOUND.refuse(format!("there is no {name}")).with("name", name)
}

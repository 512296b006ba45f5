//! Enquiries: what only reads, on any replica, from one state of the database each.

pub mod accounts;
pub mod base_data;
pub mod holds;
pub mod ledger;
pub mod postings;
pub mod suspense;

use std::sync::Arc;

use chrono::NaiveDate;
use platform::{
    clock::SharedClock,
    pages::{self, PageTokens},
    refusal::{Failure, Refusal, reasons},
};
use serde::{Serialize, de::DeserializeOwned};
use sqlx::{PgConnection, PgPool, Postgres, pool::PoolConnection};

use crate::store::opening;

/// Rows on a page when nothing else is asked for.
const PAGE_SIZE_DEFAULT: i64 = 50;
/// Rows on a page at most: a few hundred kilobytes.
const PAGE_SIZE_MAX: i64 = 500;

/// Begins what reads in several statements and must see one state of the books in all of them.
const SNAPSHOT: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// What enquiries stand on.
#[derive(Clone)]
pub struct Enquiries {
    pub pool: PgPool,
    pub pages: Arc<PageTokens>,
    pub clock: SharedClock,
}

impl Enquiries {
    async fn connection(&self) -> Result<PoolConnection<Postgres>, Failure> {
        Ok(self.pool.acquire().await?)
    }

    /// Where a page begins and how long it is; `first` begins the first page.
    fn page<C: DeserializeOwned>(
        &self,
        filter: &impl Serialize,
        size: i32,
        token: &str,
        first: C,
    ) -> Result<(C, i64), Failure> {
        let size = pages::page_size(size, PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX)?;
        Ok((self.pages.decode(filter, token)?.unwrap_or(first), size))
    }

    /// The token of the next page: none when this one was not full.
    fn next<T, C: Serialize>(
        &self,
        filter: &impl Serialize,
        rows: &[T],
        size: i64,
        cursor: impl FnOnce(&T) -> C,
    ) -> String {
        match rows.last() {
            Some(last) if i64::try_from(rows.len()) == Ok(size) => self.pages.encode(filter, &cursor(last)),
            _ => String::new(),
        }
    }
}

/// The date that is asked for, else the business date, else today in the calendar of the clock.
async fn as_of(
    conn: &mut PgConnection,
    requested: Option<NaiveDate>,
    clock: &SharedClock,
) -> Result<NaiveDate, Failure> {
    match requested {
        Some(date) => Ok(date),
        None => {
            Ok(opening::business_day(conn).await?.map_or_else(|| clock.now().date_naive(), |day| day.date))
        }
    }
}

fn not_found(name: &str) -> Refusal {
    reasons::NOT_FOUND.refuse(format!("there is no {name}")).with("name", name)
}

//! Answers that were kept for repeats go when their requests are no longer remembered.

use std::{convert::Infallible, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use platform::clock::SharedClock;
use sqlx::PgPool;
use tokio::time;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use crate::store::register;

/// How often the job looks.
const EVERY: Duration = Duration::from_mins(10);

/// Rows that one statement clears: few enough that its locks and its log are gone in milliseconds.
const ROWS_AT_ONCE: i64 = 5_000;

/// Forgets answers that are older than `days`, again and again until stopped.
pub async fn run(
    pool: PgPool,
    days: u32,
    clock: SharedClock,
    stop: CancellationToken,
) -> Result<(), Infallible> {
    loop {
        match forget(&pool, clock.now() - TimeDelta::days(days.into())).await {
            Ok(answers) => debug!(answers, "forgot answers that were kept long enough"),
            Err(error) => warn!(%error, "could not forget old answers"),
        }
        if stop.run_until_cancelled(time::sleep(EVERY)).await.is_none() {
            return Ok(());
        }
    }
}

async fn forget(pool: &PgPool, before: DateTime<Utc>) -> Result<u64, sqlx::Error> {
    let mut forgotten = 0;
    loop {
        let rows = register::forget_answers(pool, before, ROWS_AT_ONCE).await?;
        forgotten += rows;
        if rows < ROWS_AT_ONCE.unsigned_abs() {
            return Ok(forgotten);
        }
    }
}

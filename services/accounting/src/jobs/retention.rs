//! Answers that were kept for repeats go when their requests are no longer remembered, and approvals some time after they were
//! decided.

use std::{convert::Infallible, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use platform::{approval, clock::SharedClock};
use sqlx::PgPool;
use tokio::time;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use crate::store::register;

/// How often the job looks.
const EVERY: Duration = Duration::from_mins(10);

/// Rows that one statement clears: few enough that its locks and its log are gone in milliseconds.
const ROWS_AT_ONCE: i64 = 5_000;

/// For how many days what is kept.
#[derive(Clone, Copy, Debug)]
pub struct Days {
    pub answers: u32,
    pub approvals: u32,
}

/// Clears again and again until stopped. What fails is made up for by the next look.
pub async fn run(
    pool: PgPool,
    days: Days,
    clock: SharedClock,
    stop: CancellationToken,
) -> Result<(), Infallible> {
    loop {
        match clear(&pool, days, clock.now()).await {
            Ok((answers, approvals)) => debug!(answers, approvals, "cleared what was kept long enough"),
            Err(error) => warn!(%error, "could not clear old answers and approvals"),
        }
        if stop.run_until_cancelled(time::sleep(EVERY)).await.is_none() {
            return Ok(());
        }
    }
}

/// Each statement clears a bounded number: they are repeated until nothing is left.
async fn clear(pool: &PgPool, days: Days, now: DateTime<Utc>) -> Result<(u64, u64), sqlx::Error> {
    let before = |days: u32| now - TimeDelta::days(days.into());
    let (mut answers, mut approvals) = (0, 0);
    loop {
        let forgotten = register::forget_answers(pool, before(days.answers), ROWS_AT_ONCE).await?;
        let cleared = approval::clear(pool, before(days.approvals)).await?;
        answers += forgotten;
        approvals += cleared;
        if forgotten == 0 && cleared == 0 {
            return Ok((answers, approvals));
        }
    }
}

//! How long what the relay and the consumers leave behind is kept, and the job that clears it.
//!
//! Rows go by bounded deletes and not by dropping partitions: each of these tables must keep some of its old rows (facts not
//! yet published, letters not yet replayed), and the inbox is keyed by what it must not take in twice, which a key with a
//! date in it would not say.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::Deserialize;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::{clock::SharedClock, dead_letters, inbox, outbox};

/// Rows that one statement clears: few enough that its locks and its log are gone in milliseconds.
pub const ROWS_CLEARED_MAX: i64 = 5_000;

/// How often the job looks.
const EVERY: Duration = Duration::from_mins(10);

/// How long rows are kept.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Retention {
    /// Published facts in the outbox: only to answer questions.
    pub outbox_days: u32,
    /// Marks in the inbox. Longer than any record can still be delivered: the retention of the topics read, and the time that
    /// a relay could be stopped before it publishes a fact again. A handler that reads a compacted topic gets records older
    /// than that when its group starts over: it must tell by the aggregate's version what it has applied.
    pub inbox_days: u32,
    /// Dead letters after they were replayed. Others are kept until somebody deals with them.
    pub dead_letter_days: u32,
}

impl Default for Retention {
    fn default() -> Retention {
        Retention { outbox_days: 7, inbox_days: 40, dead_letter_days: 400 }
    }
}

/// How many rows a sweep has cleared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cleared {
    pub outbox: u64,
    pub inbox: u64,
    pub dead_letters: u64,
}

/// Clears every ten minutes until stopped. Several replicas may do so at once: they skip each other's rows. A sweep that fails
/// is logged and made up for by the next.
pub async fn run(pool: PgPool, retention: Retention, clock: SharedClock, stop: CancellationToken) {
    loop {
        match sweep(&pool, &retention, clock.now()).await {
            Ok(cleared) => tracing::debug!(?cleared, "cleared what was kept long enough"),
            Err(error) => tracing::warn!(error = %error, "could not clear old rows"),
        }
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep(EVERY) => {}
        }
    }
}

/// Clears everything that has been kept long enough at `now`.
pub async fn sweep(pool: &PgPool, retention: &Retention, now: DateTime<Utc>) -> Result<Cleared, sqlx::Error> {
    let before = |days: u32| now - TimeDelta::days(i64::from(days));
    let mut cleared = Cleared { outbox: 0, inbox: 0, dead_letters: 0 };
    loop {
        let outbox = outbox::clear(pool, before(retention.outbox_days)).await?;
        let inbox = inbox::clear(pool, before(retention.inbox_days)).await?;
        let dead_letters = dead_letters::clear(pool, before(retention.dead_letter_days)).await?;
        cleared.outbox += outbox;
        cleared.inbox += inbox;
        cleared.dead_letters += dead_letters;
        // Below its bound, a table has no more to clear.
        if [outbox, inbox, dead_letters].iter().all(|rows| *rows < ROWS_CLEARED_MAX.unsigned_abs()) {
            return Ok(cleared);
        }
    }
}

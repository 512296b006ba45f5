//! How long the rows of the mechanisms are kept, and the job that deletes them.
//!
//! Rows are removed by bounded deletes and not by dropping partitions: each of these tables must keep some of its old rows (facts not
//! yet published, letters not yet replayed, records of a seal that is kept), and the keys of the inbox and
//! of the requests must be unique over all time, which a key with a date in it would not ensure.

use std::{convert::Infallible, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Deserializer, de};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

use crate::{
    approval, audit, clock::SharedClock, db::ROWS_CLEARED_MAX, dead_letters, idempotency, inbox,
    jobs::Periodic, outbox,
};

/// The database refuses to delete any audit record of the last year, for every role.
pub const AUDIT_DAYS_MIN: u32 = 366;

/// How often the job runs.
const EVERY: Duration = Duration::from_mins(10);

/// How long rows are kept.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Retention {
    /// Published facts in the outbox: only to answer questions.
    pub outbox_days: u32,
    /// Marks in the inbox. Longer than any record can still be delivered: the retention of the topics read, and the time that
    /// a relay could be stopped before it publishes a fact again. A handler that reads a compacted topic gets records older
    /// than that when its group starts over: it must use the aggregate's version to know what it has applied.
    pub inbox_days: u32,
    /// Dead letters after they were replayed. Others are kept until they are replayed.
    pub dead_letter_days: u32,
    /// Requests with their answers. A repeat after that is a new request: longer than any caller goes on repeating.
    pub request_days: u32,
    /// Approvals after they were decided, or lapsed.
    pub approval_days: u32,
    /// Audit records and their seals; at least [`AUDIT_DAYS_MIN`]. By default for the ten years that auxiliary accounting
    /// records are kept (Measures for the Administration of Accounting Archives, Order 79 of 2015).
    #[serde(deserialize_with = "audit_days")]
    pub audit_days: u32,
}

impl Default for Retention {
    fn default() -> Retention {
        Retention {
            outbox_days: 7,
            inbox_days: 40,
            dead_letter_days: 400,
            request_days: 40,
            approval_days: 400,
            audit_days: 3_660,
        }
    }
}

/// How many rows a run has deleted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Cleared {
    pub outbox: u64,
    pub inbox: u64,
    pub dead_letters: u64,
    pub requests: u64,
    pub approvals: u64,
    pub audit_records: u64,
}

/// Clears every ten minutes until stopped. Several replicas may do so at once: they skip each other's rows.
pub async fn run(
    pool: PgPool,
    retention: Retention,
    clock: SharedClock,
    stop: CancellationToken,
) -> Result<(), Infallible> {
    let clear = || async {
        let cleared = sweep(&pool, &retention, clock.now()).await?;
        tracing::debug!(?cleared, "cleared what was kept long enough");
        Ok::<_, sqlx::Error>(())
    };
    Periodic::new("retention", EVERY).run(stop, clear).await
}

/// Clears everything that has been kept long enough at `now`.
pub async fn sweep(pool: &PgPool, retention: &Retention, now: DateTime<Utc>) -> Result<Cleared, sqlx::Error> {
    let mut cleared = Cleared {
        audit_records: retire_audit(pool, ago(now, retention.audit_days)).await?,
        ..Cleared::default()
    };
    loop {
        let outbox = outbox::clear(pool, ago(now, retention.outbox_days)).await?;
        let inbox = inbox::clear(pool, ago(now, retention.inbox_days)).await?;
        let dead_letters = dead_letters::clear(pool, ago(now, retention.dead_letter_days)).await?;
        let requests = idempotency::clear(pool, ago(now, retention.request_days)).await?;
        let approvals = approval::clear(pool, ago(now, retention.approval_days)).await?;
        cleared.outbox += outbox;
        cleared.inbox += inbox;
        cleared.dead_letters += dead_letters;
        cleared.requests += requests;
        cleared.approvals += approvals;
        // Below its bound, a table has no more to clear.
        if [outbox, inbox, dead_letters, requests, approvals]
            .iter()
            .all(|rows| *rows < ROWS_CLEARED_MAX.unsigned_abs())
        {
            return Ok(cleared);
        }
    }
}

/// Nothing is older than 1970, however long the retention is.
fn ago(now: DateTime<Utc>, days: u32) -> DateTime<Utc> {
    let then = now.checked_sub_signed(TimeDelta::days(i64::from(days)));
    then.map_or(DateTime::UNIX_EPOCH, |then| then.max(DateTime::UNIX_EPOCH))
}

async fn retire_audit(pool: &PgPool, sealed_before: DateTime<Utc>) -> Result<u64, sqlx::Error> {
    let mut retired = 0;
    loop {
        match audit::retire(pool, sealed_before).await? {
            0 => return Ok(retired),
            records => retired += records,
        }
    }
}

fn audit_days<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
    let days = u32::deserialize(deserializer)?;
    if days < AUDIT_DAYS_MIN {
        return Err(de::Error::custom(format_args!(
            "audit_days is {days}, and must be at least {AUDIT_DAYS_MIN}"
        )));
    }
    Ok(days)
}

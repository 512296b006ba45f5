//! Deletes the answers that were kept for repeats when their requests are no longer remembered.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use platform::db::ROWS_CLEARED_MAX;
use sqlx::PgPool;

use crate::store::register;

/// How often the job runs.
pub const EVERY: Duration = Duration::from_mins(10);

/// Deletes the answers to requests that are more than `days` old. A statement clears a bounded number of rows, so it is repeated
/// until none is left.
pub async fn forget(pool: &PgPool, days: u32, now: DateTime<Utc>) -> Result<(), sqlx::Error> {
    let before = now - TimeDelta::days(days.into());
    while register::forget_answers(pool, before, ROWS_CLEARED_MAX).await? > 0 {}
    Ok(())
}

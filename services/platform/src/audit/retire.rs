//! Retirement: deletes what was kept for long enough, in whole seals from the start of the chain.

use chrono::{DateTime, Utc};
use sqlx::PgPool;

/// Seals that one call retires at most: 20,000 records, which take well under a second.
const SEALS_MAX: i32 = 20;

/// Retires the oldest seals with their records, as far as all were sealed before `sealed_before`; a bounded number, and returns
/// how many records were deleted. Call it again until it deletes none. The database refuses what is younger than a year.
pub async fn retire(pool: &PgPool, sealed_before: DateTime<Utc>) -> Result<u64, sqlx::Error> {
    let records = sqlx::query_scalar!(
        r#"SELECT platform.retire_audit($1, $2) AS "records!""#,
        sealed_before,
        SEALS_MAX
    )
    .fetch_one(pool)
    .await?;
    Ok(records.unsigned_abs())
}

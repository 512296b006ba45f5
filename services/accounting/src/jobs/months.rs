//! Creates the journal's partitions for the months to come. Opening a business day creates a missing month, too; this job does it
//! earlier, so that no request waits for it.

use std::time::Duration;

use chrono::{Days, NaiveDate};
use sqlx::PgPool;

use crate::store::opening;

/// How often the job runs.
pub const EVERY: Duration = Duration::from_hours(1);

/// How far ahead there are partitions: longer than the books are ever closed.
const DAYS_AHEAD: [u64; 3] = [0, 20, 40];

/// Creates the partitions that are missing, from the open business day on, and from today on.
pub async fn ensure(pool: &PgPool, today: NaiveDate) -> Result<(), sqlx::Error> {
    let mut conn = pool.acquire().await?;
    let open = opening::business_day(&mut conn).await?.map(|day| day.date);
    for from in [Some(today), open].into_iter().flatten() {
        for ahead in DAYS_AHEAD {
            let day = from.checked_add_days(Days::new(ahead)).unwrap_or(NaiveDate::MAX);
            opening::ensure_month(&mut conn, day).await?;
        }
    }
    Ok(())
}

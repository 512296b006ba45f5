//! The journal read for verification: batches in order.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::text::digest;
use crate::domain::{book::BatchRow, ids::BatchNumber};

/// Up to `limit` batch rows after a number, in order.
pub async fn batches_after(conn: &mut PgConnection, number: i64, limit: i64) -> Result<Vec<BatchRow>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"
        SELECT number, first_posting, last_posting, first_hold_event, last_hold_event, previous_hash, hash,
               recorded_at AS "recorded_at: DateTime<Utc>"
        FROM batch WHERE number > $1 ORDER BY number LIMIT $2
        "#,
        number,
        limit,
    )
    .fetch_all(conn)
    .await?;
    rows.into_iter()
        .map(|row| {
            Ok(BatchRow {
                number: BatchNumber(row.number),
                first_posting: row.first_posting,
                last_posting: row.last_posting,
                first_hold_event: row.first_hold_event,
                last_hold_event: row.last_hold_event,
                previous: digest(&row.previous_hash)?,
                hash: digest(&row.hash)?,
                recorded_at: row.recorded_at,
            })
        })
        .collect()
}

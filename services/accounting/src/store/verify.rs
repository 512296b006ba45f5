//! The journal read for verification: batches in order.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use super::text::digest;
use crate::domain::{book::BatchRow, ids::BatchNumber};

/// How much there is in the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    pub batches: i64,
    pub postings: i64,
    pub entries: i64,
    pub hold_events: i64,
}

/// Counts every row of the journal, as it is at one moment.
pub async fn counts(conn: &mut PgConnection) -> Result<Counts, sqlx::Error> {
    sqlx::query_as!(
        Counts,
        r#"
        SELECT (SELECT count(*) FROM batch) AS "batches!", (SELECT count(*) FROM posting) AS "postings!",
               (SELECT count(*) FROM entry) AS "entries!", (SELECT count(*) FROM hold_event) AS "hold_events!"
        "#
    )
    .fetch_one(conn)
    .await
}

/// Up to `limit` batch rows after a number, in order.
pub async fn batches_after(
    conn: &mut PgConnection,
    number: i64,
    limit: i64,
) -> Result<Vec<BatchRow>, sqlx::Error> {
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

//! The inbox: which facts a handler has taken in. A mark is written in the transaction of the effect, so a fact that is
//! delivered again has no effect again. How long marks are kept: [`Retention::inbox_days`](crate::retention::Retention).

use std::collections::HashSet;

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::db::ROWS_CLEARED_MAX;

/// Marks facts as taken in by a handler, and returns those that were not marked before. Waits for another transaction that is
/// taking one of them in at the same time.
pub async fn mark(
    conn: &mut PgConnection,
    handler: &str,
    facts: &[Uuid],
    at: DateTime<Utc>,
) -> Result<HashSet<Uuid>, sqlx::Error> {
    // In order of id: two transactions that mark the same facts cannot wait for each other.
    let fresh = sqlx::query_scalar!(
        "INSERT INTO platform.inbox (handler, fact_id, taken_at)
         SELECT $1, fact_id, $3 FROM UNNEST($2::uuid[]) AS fact (fact_id) ORDER BY fact_id
         ON CONFLICT ON CONSTRAINT inbox_pk DO NOTHING
         RETURNING fact_id",
        handler,
        facts,
        at,
    )
    .fetch_all(conn)
    .await?;
    Ok(fresh.into_iter().collect())
}

/// Deletes old marks; at most [`ROWS_CLEARED_MAX`], and returns how many.
pub async fn clear(pool: &PgPool, taken_before: DateTime<Utc>) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        "DELETE FROM platform.inbox WHERE (handler, fact_id) IN (
             SELECT handler, fact_id FROM platform.inbox WHERE taken_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED
         )",
        taken_before,
        ROWS_CLEARED_MAX,
    )
    .execute(pool)
    .await?;
    Ok(done.rows_affected())
}

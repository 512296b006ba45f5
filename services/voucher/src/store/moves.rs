//! Moves: what was handed over to whom, line by line.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::domain::{
    batch::Batch,
    holding::{NewMove, Taken},
};

/// The line by which the receiving branch got the numbers of a batch.
pub async fn insert_receipt(conn: &mut PgConnection, batch: &Batch) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(
        "INSERT INTO move_line (move, kind, first_number, last_number, to_branch, giver, moved_on, recorded_at)
         VALUES (0, $1, $2, $3, $4, $5, $6, $7) RETURNING line",
        batch.kind,
        batch.range.first,
        batch.range.last,
        batch.branch.as_str(),
        batch.operator.as_str(),
        batch.received_on,
        batch.recorded_at,
    )
    .fetch_one(conn)
    .await
}

/// A move's number.
pub async fn next_number(conn: &mut PgConnection) -> Result<i64, sqlx::Error> {
    sqlx::query_scalar!(r#"SELECT nextval('range_move_number') AS "number!""#).fetch_one(conn).await
}

/// A line for each part of a move, in the order of the parts.
pub async fn insert(
    conn: &mut PgConnection,
    number: i64,
    new: &NewMove,
    taken: &[Taken],
    at: DateTime<Utc>,
) -> Result<Vec<i64>, sqlx::Error> {
    sqlx::query_scalar!(
        "INSERT INTO move_line
             (move, kind, first_number, last_number, from_branch, to_branch, giver, taker, moved_on, recorded_at, previous)
         SELECT $1, $2, first_number, last_number, $6, $7, $8, $9, $10, $11, previous
         FROM UNNEST($3::bigint[], $4::bigint[], $5::bigint[]) WITH ORDINALITY
             AS part (first_number, last_number, previous, place)
         ORDER BY place
         RETURNING line",
        number,
        new.kind.code,
        &taken.iter().map(|taken| taken.part.first).collect::<Vec<_>>(),
        &taken.iter().map(|taken| taken.part.last).collect::<Vec<_>>(),
        &taken.iter().map(|taken| taken.holding.line).collect::<Vec<_>>(),
        new.from_branch.as_str(),
        new.to_branch.as_str(),
        new.giver.as_str(),
        new.taker.as_ref().map(basedata::ids::OperatorCode::as_str),
        new.moved_on,
        at,
    )
    .fetch_all(conn)
    .await
}

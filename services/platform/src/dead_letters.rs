//! Dead letters: records that a handler refused permanently, kept whole so that an operator can look at them, correct what was
//! wrong, and replay them.
//!
//! A replay comes after the facts that followed on the same key. A handler for which the order matters sees by the version in
//! the fact that it is late.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::{
    clock::SharedClock,
    consumer::handler::{HandleError, Handler, handle},
    db::ROWS_CLEARED_MAX,
    facts::{RawRecord, record::Unreadable},
};

/// What is kept of the reason of a failure.
const REASON_CHARS_MAX: usize = 2_000;

/// Letters on one page at most.
pub const PAGE_LETTERS_MAX: i64 = 500;

/// One dead letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DeadLetter {
    /// Its name for operators.
    pub number: i64,
    /// The handler that refused the record.
    pub handler: String,
    pub record: RawRecord,
    /// The fact's id, when the record could be read.
    pub fact_id: Option<Uuid>,
    pub reason: String,
    pub failed_at: DateTime<Utc>,
    pub replayed_at: Option<DateTime<Utc>>,
}

/// A letter that was not replayed. It stays as it was.
#[derive(Debug, thiserror::Error)]
pub enum ReplayError {
    #[error("handler {handler} has no dead letter {number}")]
    NotFound { handler: String, number: i64 },
    #[error("dead letter {number} was replayed at {at}")]
    Replayed { number: i64, at: DateTime<Utc> },
    #[error("the record in dead letter {number} cannot be read")]
    Unreadable { number: i64, source: Unreadable },
    #[error("dead letter {number} failed again")]
    Failed { number: i64, source: HandleError },
    #[error("the dead letters' database does not answer")]
    Database(#[from] sqlx::Error),
}

/// Lists a handler's letters that have not been replayed, oldest first, after `after` (0 for the first page); at most `limit`,
/// and never more than [`PAGE_LETTERS_MAX`].
pub async fn list(
    pool: &PgPool,
    handler: &str,
    after: i64,
    limit: i64,
) -> Result<Vec<DeadLetter>, sqlx::Error> {
    let rows = sqlx::query_as!(
        Row,
        r#"SELECT number, handler, topic, partition, record_offset, fact_id, record_key, header_names,
                  header_values AS "header_values: Vec<Option<Vec<u8>>>", payload, reason, failed_at, replayed_at
           FROM platform.dead_letter
           WHERE handler = $1 AND number > $2 AND replayed_at IS NULL
           ORDER BY number LIMIT $3"#,
        handler,
        after,
        limit.clamp(1, PAGE_LETTERS_MAX),
    )
    .fetch_all(pool)
    .await?;
    Ok(rows.into_iter().map(DeadLetter::from).collect())
}

/// The state of a replay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Replay {
    /// It waits for the service that has the handler.
    Requested,
    Done(DateTime<Utc>),
    /// The handler has refused it again, for this reason.
    Failed(String),
}

/// Requests that the service which has the handler replays a letter.
pub async fn request_replay(
    pool: &PgPool,
    handler: &str,
    number: i64,
    at: DateTime<Utc>,
) -> Result<(), ReplayError> {
    let requested = sqlx::query!(
        "UPDATE platform.dead_letter SET replay_requested_at = $3, replay_failure = NULL
         WHERE handler = $1 AND number = $2 AND replayed_at IS NULL",
        handler,
        number,
        at,
    )
    .execute(pool)
    .await?;
    if requested.rows_affected() == 1 {
        return Ok(());
    }
    match replay_of(pool, handler, number).await? {
        Some(Replay::Done(at)) => Err(ReplayError::Replayed { number, at }),
        _ => Err(ReplayError::NotFound { handler: handler.to_owned(), number }),
    }
}

/// The state of the replay of a letter; none when no replay was requested.
pub async fn replay_of(pool: &PgPool, handler: &str, number: i64) -> Result<Option<Replay>, ReplayError> {
    let row = sqlx::query!(
        "SELECT replay_requested_at, replayed_at, replay_failure FROM platform.dead_letter WHERE handler = $1 AND number = $2",
        handler,
        number,
    )
    .fetch_optional(pool)
    .await?
    .ok_or_else(|| ReplayError::NotFound { handler: handler.to_owned(), number })?;
    Ok(match (row.replayed_at, row.replay_failure, row.replay_requested_at) {
        (Some(at), ..) => Some(Replay::Done(at)),
        (None, Some(reason), _) => Some(Replay::Failed(reason)),
        (None, None, Some(_)) => Some(Replay::Requested),
        (None, None, None) => None,
    })
}

/// Replays the letters of a handler whose replay was requested, and returns how many. One that fails again keeps the reason.
pub async fn replay_requested<H: Handler>(
    pool: &PgPool,
    handler: &H,
    clock: &SharedClock,
) -> Result<u32, ReplayError> {
    let mut replayed = 0;
    while let Some(number) = next_requested(pool, handler.name()).await? {
        match replay(pool, handler, number, clock).await {
            Ok(()) => replayed += 1,
            Err(ReplayError::Database(error)) => return Err(error.into()),
            // Another replica was faster.
            Err(ReplayError::Replayed { .. }) => {}
            Err(error) => refuse_replay(pool, number, &error).await?,
        }
    }
    Ok(replayed)
}

async fn next_requested(pool: &PgPool, handler: &str) -> Result<Option<i64>, sqlx::Error> {
    sqlx::query_scalar!(
        "SELECT number FROM platform.dead_letter
         WHERE handler = $1 AND replay_requested_at IS NOT NULL AND replayed_at IS NULL ORDER BY number LIMIT 1",
        handler,
    )
    .fetch_optional(pool)
    .await
}

async fn refuse_replay(pool: &PgPool, number: i64, error: &ReplayError) -> Result<(), sqlx::Error> {
    let reasons = std::iter::successors(std::error::Error::source(error), |error| error.source());
    let reason = reasons.fold(error.to_string(), |text, error| format!("{text}: {error}"));
    sqlx::query!(
        "UPDATE platform.dead_letter SET replay_requested_at = NULL, replay_failure = $2 WHERE number = $1",
        number,
        kept(&reason),
    )
    .execute(pool)
    .await?;
    Ok(())
}

/// Runs the handler on a letter once more and marks the letter replayed, in one transaction.
pub async fn replay<H: Handler>(
    pool: &PgPool,
    handler: &H,
    number: i64,
    clock: &SharedClock,
) -> Result<(), ReplayError> {
    let mut transaction = pool.begin().await?;
    let letter = lock(&mut transaction, handler.name(), number)
        .await?
        .ok_or_else(|| ReplayError::NotFound { handler: handler.name().to_owned(), number })?;
    if let Some(at) = letter.replayed_at {
        return Err(ReplayError::Replayed { number, at });
    }
    let record = letter.record.read().map_err(|source| ReplayError::Unreadable { number, source })?;
    handle(handler, &mut transaction, &record)
        .await
        .map_err(|source| ReplayError::Failed { number, source })?;
    sqlx::query!(
        "UPDATE platform.dead_letter SET replayed_at = greatest($2, failed_at) WHERE number = $1",
        number,
        clock.now(),
    )
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(())
}

/// Keeps a record that `handler` refused permanently.
#[expect(clippy::as_conversions, reason = "how sqlx learns the type of a parameter; nothing is converted")]
pub(crate) async fn keep(
    conn: &mut PgConnection,
    handler: &str,
    record: &RawRecord,
    fact_id: Option<Uuid>,
    reason: &str,
    at: DateTime<Utc>,
) -> Result<(), sqlx::Error> {
    let names: Vec<&str> = record.headers.iter().map(|(name, _)| name.as_str()).collect();
    let values: Vec<Option<&[u8]>> = record.headers.iter().map(|(_, value)| value.as_deref()).collect();
    sqlx::query!(
        "INSERT INTO platform.dead_letter
             (handler, topic, partition, record_offset, fact_id, record_key, header_names, header_values, payload,
              reason, failed_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        handler,
        record.topic,
        record.partition,
        record.offset,
        fact_id,
        record.key.as_deref(),
        &names as &[&str],
        &values as &[Option<&[u8]>],
        record.payload.as_deref(),
        kept(reason),
        at,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Postgres takes no NUL in a text.
fn kept(reason: &str) -> String {
    reason.chars().filter(|char| *char != '\0').take(REASON_CHARS_MAX).collect()
}

/// Deletes replayed letters; at most [`ROWS_CLEARED_MAX`], and returns how many.
pub async fn clear(pool: &PgPool, replayed_before: DateTime<Utc>) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        "DELETE FROM platform.dead_letter WHERE number IN (
             SELECT number FROM platform.dead_letter WHERE replayed_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED
         )",
        replayed_before,
        ROWS_CLEARED_MAX,
    )
    .execute(pool)
    .await?;
    Ok(done.rows_affected())
}

async fn lock(
    conn: &mut PgConnection,
    handler: &str,
    number: i64,
) -> Result<Option<DeadLetter>, sqlx::Error> {
    let row = sqlx::query_as!(
        Row,
        r#"SELECT number, handler, topic, partition, record_offset, fact_id, record_key, header_names,
                  header_values AS "header_values: Vec<Option<Vec<u8>>>", payload, reason, failed_at, replayed_at
           FROM platform.dead_letter
           WHERE handler = $1 AND number = $2
           FOR UPDATE"#,
        handler,
        number,
    )
    .fetch_optional(conn)
    .await?;
    Ok(row.map(DeadLetter::from))
}

struct Row {
    number: i64,
    handler: String,
    topic: String,
    partition: i32,
    record_offset: i64,
    fact_id: Option<Uuid>,
    record_key: Option<Vec<u8>>,
    header_names: Vec<String>,
    header_values: Vec<Option<Vec<u8>>>,
    payload: Option<Vec<u8>>,
    reason: String,
    failed_at: DateTime<Utc>,
    replayed_at: Option<DateTime<Utc>>,
}

impl From<Row> for DeadLetter {
    fn from(row: Row) -> DeadLetter {
        let values = row.header_values.into_iter().map(|value| value.map(Bytes::from));
        let record = RawRecord {
            topic: row.topic,
            partition: row.partition,
            offset: row.record_offset,
            key: row.record_key.map(Bytes::from),
            headers: row.header_names.into_iter().zip(values).collect(),
            payload: row.payload.map(Bytes::from),
        };
        DeadLetter {
            number: row.number,
            handler: row.handler,
            record,
            fact_id: row.fact_id,
            reason: row.reason,
            failed_at: row.failed_at,
            replayed_at: row.replayed_at,
        }
    }
}

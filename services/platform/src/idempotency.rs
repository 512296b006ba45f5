//! A repeated request gets the first answer and has no second effect.
//!
//! Every call that changes something carries a `request_id`, which its caller makes once and sends again with every repeat.
//! [`command`](crate::command) claims it first, and keeps its answer last, in the transaction of the change.
//!
//! Guarantees:
//! - Of repeats at the same time one runs. The others wait at the unique key until it has committed, and get its answer; when it
//!   is rolled back, one of them runs.
//! - The same id with another method or digest is refused with `REQUEST_ID_REUSED`. The digest covers the caller too, so that
//!   no caller reads another's answer.
//! - A refusal rolls the claim back: a repeat is decided again, and may succeed once the cause of the refusal is gone.
//! - No request commits without its answer: the constraint trigger `request_answered` enforces it.
//! - An answer is kept for [`Retention::request_days`](crate::retention::Retention). A repeat after that is a new request.
//!
//! A service whose journal holds request ids and digests anyway answers from it and does not use this table.

use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::{
    call::Digest,
    db::ROWS_CLEARED_MAX,
    refusal::{Failure, Refusal, reasons},
};

/// Bytes of an answer at most. `CHECK request_response_bounded` repeats it.
pub const RESPONSE_BYTES_MAX: usize = 1024 * 1024;

/// What claiming a request has found.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "only a new request is carried out"]
pub enum Claim {
    /// It has not been carried out: the caller owns it until the transaction ends.
    New,
    /// It was carried out, with this answer.
    Answered(Vec<u8>),
}

/// Claims a request in the caller's transaction. Waits for another transaction that carries it out at the same time.
pub async fn claim(
    conn: &mut PgConnection,
    request_id: Uuid,
    method: &str,
    digest: &Digest,
    at: DateTime<Utc>,
) -> Result<Claim, Failure> {
    let claimed = sqlx::query!(
        "INSERT INTO platform.request (request_id, method, digest, claimed_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT ON CONSTRAINT request_pk DO NOTHING",
        request_id,
        method,
        digest.as_slice(),
        at,
    )
    .execute(&mut *conn)
    .await?;
    if claimed.rows_affected() == 1 {
        return Ok(Claim::New);
    }
    // Committed meanwhile, so this statement sees it, unless it has just been cleared: then the caller's repeat claims it.
    let first = sqlx::query!(
        r#"SELECT method, digest, response AS "response!" FROM platform.request WHERE request_id = $1"#,
        request_id,
    )
    .fetch_one(conn)
    .await?;
    if (first.method.as_str(), first.digest.as_slice()) != (method, digest.as_slice()) {
        return Err(reused(request_id).into());
    }
    Ok(Claim::Answered(first.response))
}

/// Keeps the answer of a request that this transaction has claimed.
pub async fn keep(conn: &mut PgConnection, request_id: Uuid, response: &[u8]) -> Result<(), Failure> {
    let kept = sqlx::query!(
        "UPDATE platform.request SET response = $2 WHERE request_id = $1 AND response IS NULL",
        request_id,
        response,
    )
    .execute(conn)
    .await?;
    if kept.rows_affected() != 1 {
        return Err(Failure::fault(NotClaimed { request_id }));
    }
    Ok(())
}

/// An answer was to be kept for a request that the transaction has not claimed, or has answered already.
#[derive(Debug, thiserror::Error)]
#[error("request {request_id} is not open in this transaction")]
pub struct NotClaimed {
    request_id: Uuid,
}

fn reused(request_id: Uuid) -> Refusal {
    reasons::REQUEST_ID_REUSED
        .refuse("the request id was used for another request")
        .field("request_id", "must be fresh for a new request, and a repeat must be unchanged")
        .with("request_id", request_id.to_string())
}

/// Deletes old requests; at most [`ROWS_CLEARED_MAX`], and returns how many.
pub async fn clear(pool: &PgPool, claimed_before: DateTime<Utc>) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        "DELETE FROM platform.request WHERE request_id IN (
             SELECT request_id FROM platform.request WHERE claimed_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED
         )",
        claimed_before,
        ROWS_CLEARED_MAX,
    )
    .execute(pool)
    .await?;
    Ok(done.rows_affected())
}

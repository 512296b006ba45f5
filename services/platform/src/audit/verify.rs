//! Verification: walks the chain, computes every seal again from the records, and names the first broken place.

use std::fmt;

use chrono::{DateTime, Utc};
use futures::TryStreamExt;
use sqlx::{Acquire, PgConnection, PgPool};

use super::seal::{Head, Row, Seal};

/// Seals that are read together.
const SEALS_IN_PAGE: i64 = 100;

/// A chain without a fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verified {
    pub seals: u64,
    pub records: u64,
    /// Records that are not sealed yet: about as many as a second brings.
    pub waiting: u64,
    /// The last seal that was retired; number 0 when none was, and then the chain is whole from its start.
    pub origin: Head,
    /// Note it outside of the database, for [`verify_noted`].
    pub head: Head,
}

impl fmt::Display for Verified {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seals, records, waiting, .. } = self;
        write!(f, "{records} audit records in {seals} seals, {waiting} not sealed yet")
    }
}

/// The first place where the chain is broken. Somebody has changed the tables by hand.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Broken {
    #[error("seal {number} is missing")]
    SealMissing { number: i64 },
    #[error("record {position} of seal {number} is missing")]
    RecordMissing { number: i64, position: i64 },
    #[error(
        "seal {number} does not fit its records {first} to {last} and the seal before: one of these was changed"
    )]
    SealUnfit { number: i64, first: i64, last: i64 },
    #[error("record {position} is in no seal and does not wait for one")]
    RecordOutside { position: i64 },
    #[error("record {position} is in the chain {times} times")]
    RecordRepeated { position: i64, times: i64 },
    #[error("record {position} waits for its seal and is missing")]
    WaitingMissing { position: i64 },
    #[error("seal {number} is not the one that was noted: the chain was rewritten or cut off")]
    HeadUnknown { number: i64 },
}

#[derive(Debug, thiserror::Error)]
pub enum VerifyError {
    #[error("the audit chain is broken: {0}")]
    Broken(#[from] Broken),
    #[error("the audit chain could not be read")]
    Database(#[from] sqlx::Error),
}

/// Verifies the whole chain, as it is at one moment, while the service goes on.
pub async fn verify(pool: &PgPool) -> Result<Verified, VerifyError> {
    walk(pool, None).await
}

/// The same, and that the chain still holds a head that was noted before (see [`Verified::head`] and the sealer's log).
pub async fn verify_noted(pool: &PgPool, noted: &Head) -> Result<Verified, VerifyError> {
    walk(pool, Some(noted)).await
}

async fn walk(pool: &PgPool, noted: Option<&Head>) -> Result<Verified, VerifyError> {
    let mut conn = pool.acquire().await?;
    let mut transaction = conn.begin().await?;
    sqlx::query!("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")
        .execute(&mut *transaction)
        .await?;
    // A long chain takes longer than the statements of a service may.
    sqlx::query!("SET LOCAL statement_timeout = 0").execute(&mut *transaction).await?;
    let origin = origin(&mut transaction).await?;
    let mut verified = Verified { seals: 0, records: 0, waiting: 0, origin, head: origin };
    let mut is_noted = noted.is_none_or(|noted| noted.number < origin.number || *noted == origin);
    while let Some(page) = next_seals(&mut transaction, verified.head.number).await? {
        verify_page(&mut transaction, &page, &mut verified, |head| is_noted |= noted == Some(head)).await?;
    }
    verify_places(&mut transaction).await?;
    if let (Some(noted), false) = (noted, is_noted) {
        return Err(Broken::HeadUnknown { number: noted.number }.into());
    }
    verified.waiting = waiting(&mut transaction).await?;
    transaction.rollback().await?;
    Ok(verified)
}

struct StoredSeal {
    number: i64,
    sealed_at: DateTime<Utc>,
    positions: Vec<i64>,
    hash: Vec<u8>,
}

async fn origin(conn: &mut PgConnection) -> Result<Head, sqlx::Error> {
    let origin = sqlx::query!("SELECT number, hash FROM platform.audit_origin").fetch_one(conn).await?;
    Head::new(origin.number, &origin.hash)
}

/// The seals that come next; none at the end.
async fn next_seals(conn: &mut PgConnection, after: i64) -> Result<Option<Vec<StoredSeal>>, sqlx::Error> {
    let seals = sqlx::query_as!(
        StoredSeal,
        "SELECT number, sealed_at, positions, hash FROM platform.audit_seal
         WHERE number > $1 ORDER BY number LIMIT $2",
        after,
        SEALS_IN_PAGE,
    )
    .fetch_all(conn)
    .await?;
    Ok((!seals.is_empty()).then_some(seals))
}

/// Verifies a page of seals, reading their records as a stream in the order of the seals.
async fn verify_page(
    conn: &mut PgConnection,
    page: &[StoredSeal],
    verified: &mut Verified,
    mut seen: impl FnMut(&Head),
) -> Result<(), VerifyError> {
    let numbers: Vec<i64> = page.iter().map(|seal| seal.number).collect();
    let mut rows = sqlx::query_as!(
        Row,
        r#"
        SELECT position AS "position!", at, actor, approver, method, resource, scope, outcome, reason, request_id,
               correlation_id, detail::text AS "detail!"
        FROM platform.audit_seal AS seal
        CROSS JOIN LATERAL UNNEST(seal.positions) WITH ORDINALITY AS member (position, place)
        JOIN platform.audit_record AS record USING (position)
        WHERE seal.number = ANY($1)
        ORDER BY seal.number, place
        "#,
        &numbers,
    )
    .fetch(conn);
    for stored in page {
        let number = verified.head.number + 1;
        if stored.number != number {
            return Err(Broken::SealMissing { number }.into());
        }
        let mut seal = Seal::begin(&verified.head, stored.sealed_at, stored.positions.len());
        for &position in &stored.positions {
            match rows.try_next().await? {
                Some(row) if row.position == position => seal.add(&row),
                _ => return Err(Broken::RecordMissing { number, position }.into()),
            }
            verified.records += 1;
        }
        let head = seal.finish();
        if head.hash.as_bytes() != stored.hash.as_slice() {
            return Err(unfit(stored).into());
        }
        seen(&head);
        verified.seals += 1;
        verified.head = head;
    }
    Ok(())
}

fn unfit(seal: &StoredSeal) -> Broken {
    let first = seal.positions.iter().min().copied().unwrap_or_default();
    let last = seal.positions.iter().max().copied().unwrap_or_default();
    Broken::SealUnfit { number: seal.number, first, last }
}

/// Checks that every record is in one seal or waits for one, and that every waiting record exists.
async fn verify_places(conn: &mut PgConnection) -> Result<(), VerifyError> {
    let stray = sqlx::query!(
        r#"
        SELECT position AS "position!", record.position IS NOT NULL AS "exists!", coalesce(times, 0) AS "times!"
        FROM platform.audit_record AS record
        FULL JOIN (
            SELECT position, count(*) AS times
            FROM (
                SELECT UNNEST(positions) AS position FROM platform.audit_seal
                UNION ALL
                SELECT position FROM platform.audit_waiting
            ) AS place
            GROUP BY position
        ) AS chained USING (position)
        WHERE record.position IS NULL OR times IS DISTINCT FROM 1
        ORDER BY position LIMIT 1
        "#,
    )
    .fetch_optional(conn)
    .await?;
    let Some(stray) = stray else { return Ok(()) };
    let (position, times) = (stray.position, stray.times);
    Err(match (stray.exists, times) {
        (false, _) => Broken::WaitingMissing { position },
        (true, 0) => Broken::RecordOutside { position },
        (true, _) => Broken::RecordRepeated { position, times },
    }
    .into())
}

async fn waiting(conn: &mut PgConnection) -> Result<u64, sqlx::Error> {
    let waiting = sqlx::query_scalar!(r#"SELECT count(*) AS "waiting!" FROM platform.audit_waiting"#)
        .fetch_one(conn)
        .await?;
    Ok(waiting.unsigned_abs())
}

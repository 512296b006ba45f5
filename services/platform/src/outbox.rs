//! The outbox: facts inserted by the transaction that made them true, published by the [relay](crate::relay) afterwards.
//!
//! Rows are marked one by one when the broker has acknowledged them. Positions are assigned at insertion and visible at commit, so a
//! transaction may commit a position lower than one that is published already: its row is found late, and never lost.
//!
//! Facts of one key are published by position. To publish them in the order of the changes, a transaction must lock the aggregate
//! before it appends, as every change of an aggregate does anyway.

use bytes::Bytes;
use chrono::{DateTime, Utc};
use sqlx::{PgConnection, PgPool};
use uuid::Uuid;

use crate::{
    db::ROWS_CLEARED_MAX,
    facts::{Fact, PAYLOAD_BYTES_MAX},
    relay::{Backlog, Delivered, FactSource, PAGE_BYTES_MAX},
};

/// The channel on which the relay is notified of an append, by NOTIFY, when its transaction commits.
const CHANNEL: &str = "platform_outbox";

/// The outbox counts its backlog up to here: beyond it, "many" says enough.
const BACKLOG_COUNTED_MAX: i64 = 100_000;

/// Facts that could not be appended. The transaction must not commit.
#[derive(Debug, thiserror::Error)]
pub enum AppendError {
    #[error("fact {id} of {kind} is {bytes} bytes, more than the {PAYLOAD_BYTES_MAX} that a fact may have")]
    TooLarge { id: Uuid, kind: String, bytes: usize },
    #[error("facts could not be appended to the outbox")]
    Database(#[from] sqlx::Error),
}

/// Appends facts, in their order, in the caller's transaction: one statement, whatever their number.
#[expect(clippy::as_conversions, reason = "how sqlx learns the type of a parameter; nothing is converted")]
pub async fn append(conn: &mut PgConnection, facts: &[Fact]) -> Result<(), AppendError> {
    if facts.is_empty() {
        return Ok(());
    }
    if let Some(fact) = facts.iter().find(|fact| fact.payload.len() > PAYLOAD_BYTES_MAX) {
        let (id, kind) = (fact.id, fact.kind.clone());
        return Err(AppendError::TooLarge { id, kind, bytes: fact.payload.len() });
    }
    let ids: Vec<Uuid> = facts.iter().map(|fact| fact.id).collect();
    let topics: Vec<&str> = facts.iter().map(|fact| fact.topic.as_str()).collect();
    let kinds: Vec<&str> = facts.iter().map(|fact| fact.kind.as_str()).collect();
    let keys: Vec<&str> = facts.iter().map(|fact| fact.key.as_str()).collect();
    let times: Vec<DateTime<Utc>> = facts.iter().map(|fact| fact.time).collect();
    let actors: Vec<&str> = facts.iter().map(|fact| fact.actor.as_str()).collect();
    let correlation_ids: Vec<Uuid> = facts.iter().map(|fact| fact.correlation_id).collect();
    let traceparents: Vec<Option<&str>> = facts.iter().map(|fact| fact.traceparent.as_deref()).collect();
    let payloads: Vec<&[u8]> = facts.iter().map(|fact| &*fact.payload).collect();
    sqlx::query!(
        r#"
        WITH appended AS (
            INSERT INTO platform.outbox
                (fact_id, topic, kind, key, at, actor, correlation_id, traceparent, payload)
            SELECT fact_id, topic, kind, key, at, actor, correlation_id, traceparent, payload
            FROM UNNEST($1::uuid[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::text[], $7::uuid[],
                        $8::text[], $9::bytea[])
                WITH ORDINALITY
                AS fact (fact_id, topic, kind, key, at, actor, correlation_id, traceparent, payload, place)
            ORDER BY place
        )
        SELECT pg_notify($10, '')
        "#,
        &ids,
        &topics as &[&str],
        &kinds as &[&str],
        &keys as &[&str],
        &times,
        &actors as &[&str],
        &correlation_ids,
        &traceparents as &[Option<&str>],
        &payloads as &[&[u8]],
        CHANNEL,
    )
    .execute(conn)
    .await?;
    Ok(())
}

/// Deletes published facts; at most [`ROWS_CLEARED_MAX`], and returns how many.
pub async fn clear(pool: &PgPool, published_before: DateTime<Utc>) -> Result<u64, sqlx::Error> {
    let done = sqlx::query!(
        "DELETE FROM platform.outbox WHERE position IN (
             SELECT position FROM platform.outbox WHERE published_at < $1 LIMIT $2 FOR UPDATE SKIP LOCKED
         )",
        published_before,
        ROWS_CLEARED_MAX,
    )
    .execute(pool)
    .await?;
    Ok(done.rows_affected())
}

/// The outbox as the relay reads it.
#[derive(Debug, Clone, Copy, Default)]
pub struct OutboxSource;

impl FactSource for OutboxSource {
    fn name(&self) -> &'static str {
        "outbox"
    }

    fn channel(&self) -> &'static str {
        CHANNEL
    }

    /// Every pass begins at the first row that waits, wherever the last pass ended: a row may have committed late.
    async fn start(&self, _conn: &mut PgConnection) -> Result<i64, sqlx::Error> {
        Ok(0)
    }

    async fn pending(
        &self,
        conn: &mut PgConnection,
        after: i64,
        limit: i64,
    ) -> Result<Vec<(i64, Fact)>, sqlx::Error> {
        // The first row is taken whatever its size, so that a page is empty only when nothing waits.
        let rows = sqlx::query!(
            r#"
            SELECT position AS "position!", fact_id AS "fact_id!", topic AS "topic!", kind AS "kind!", key AS "key!",
                   at AS "at!", actor AS "actor!", correlation_id AS "correlation_id!", traceparent,
                   payload AS "payload!"
            FROM (
                SELECT *, sum(octet_length(payload)) OVER (ORDER BY position) - octet_length(payload) AS bytes_before
                FROM (
                    SELECT * FROM platform.outbox
                    WHERE published_at IS NULL AND position > $1
                    ORDER BY position LIMIT $2
                ) AS waiting
            ) AS page
            WHERE bytes_before < $3
            ORDER BY position
            "#,
            after,
            limit,
            PAGE_BYTES_MAX,
        )
        .fetch_all(conn)
        .await?;
        let facts = rows.into_iter().map(|row| {
            let fact = Fact {
                id: row.fact_id,
                topic: row.topic,
                kind: row.kind,
                key: row.key,
                time: row.at,
                actor: row.actor,
                correlation_id: row.correlation_id,
                traceparent: row.traceparent,
                payload: Bytes::from(row.payload),
            };
            (row.position, fact)
        });
        Ok(facts.collect())
    }

    async fn confirm(
        &self,
        conn: &mut PgConnection,
        delivered: &Delivered,
        at: DateTime<Utc>,
    ) -> Result<(), sqlx::Error> {
        sqlx::query!(
            "UPDATE platform.outbox SET published_at = $2 WHERE position = ANY($1) AND published_at IS NULL",
            &delivered.positions,
            at,
        )
        .execute(conn)
        .await?;
        Ok(())
    }

    async fn backlog(&self, conn: &mut PgConnection) -> Result<Backlog, sqlx::Error> {
        let waiting = sqlx::query!(
            r#"
            SELECT count(*) AS "facts!", min(at) AS oldest
            FROM (
                SELECT at FROM platform.outbox WHERE published_at IS NULL ORDER BY position LIMIT $1
            ) AS waiting
            "#,
            BACKLOG_COUNTED_MAX,
        )
        .fetch_one(conn)
        .await?;
        Ok(Backlog { facts: waiting.facts, oldest: waiting.oldest })
    }

    async fn drained(&self, conn: &mut PgConnection, position: i64) -> Result<bool, sqlx::Error> {
        sqlx::query_scalar!(
            r#"
            SELECT NOT EXISTS (
                SELECT FROM platform.outbox WHERE published_at IS NULL AND position <= $1
            ) AS "drained!"
            "#,
            position,
        )
        .fetch_one(conn)
        .await
    }
}

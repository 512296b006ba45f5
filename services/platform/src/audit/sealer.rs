//! The sealer seals what has been committed. It runs on one replica at a time.

use std::{convert::Infallible, time::Duration};

use chrono::{DateTime, TimeDelta, Utc};
use sqlx::{Connection, PgConnection, PgPool, postgres::PgListener};
use tokio::{sync::Notify, time};
use tokio_util::sync::CancellationToken;

use super::{
    CHANNEL,
    gauges::{Gauges, Unsealed},
    seal::{Head, ROWS_MAX, Row, Seal},
};
use crate::{
    backoff::Backoff,
    clock::SharedClock,
    leadership::{Leadership, NoAnswer, in_time},
};

/// The lock of the lead.
const LOCK: &str = "platform.audit/sealer";

/// What is committed within this time shares a seal.
const GATHERED_FOR: Duration = Duration::from_millis(200);

/// Without a notification the sealer polls this often.
const POLL_EVERY: Duration = Duration::from_secs(1);

/// Records that have waited for longer are overdue.
const OVERDUE_AFTER: TimeDelta = TimeDelta::seconds(5);

/// Overdue records are counted up to here: beyond it, "many" says enough.
const OVERDUE_COUNTED_MAX: i64 = 100_000;

const MEASURED_EVERY: Duration = Duration::from_secs(5);

/// How often the head of a chain that grows is logged.
const NOTED_EVERY: Duration = Duration::from_mins(1);

const RETRY_WAIT_LEAST: Duration = Duration::from_millis(100);
const RETRY_WAIT_MOST: Duration = Duration::from_secs(5);

/// Seals what has been committed.
pub struct Sealer {
    pool: PgPool,
    clock: SharedClock,
    gauges: Gauges,
    /// New records were announced.
    wake: Notify,
}

impl Sealer {
    /// Besides its own connection it takes two from the pool: one listens, and one measures now and then.
    pub fn new(pool: PgPool, clock: SharedClock) -> Sealer {
        Sealer { pool, clock, gauges: Gauges::new(), wake: Notify::new() }
    }

    /// Seals until stopped, and waits while the database is away. What is not sealed when it stops waits for the next sealer.
    pub async fn run(self, stop: CancellationToken) -> Result<(), Infallible> {
        tokio::select! {
            () = self.lead_whenever_possible(&stop) => Ok(()),
            never = self.listen() => match never {},
        }
    }

    async fn lead_whenever_possible(&self, stop: &CancellationToken) {
        let mut backoff = Backoff::new(RETRY_WAIT_LEAST, RETRY_WAIT_MOST);
        while !stop.is_cancelled() {
            if let Err(error) = self.lead(&mut backoff, stop).await {
                self.gauges.failed();
                let wait = backoff.wait();
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                tracing::warn!(%error, cause, ?wait, "sealing the audit begins again");
                tokio::select! {
                    () = stop.cancelled() => {}
                    () = time::sleep(wait) => {}
                }
            }
        }
    }

    /// Waits for the lead, and seals until stopped or something fails.
    async fn lead(&self, backoff: &mut Backoff, stop: &CancellationToken) -> Result<(), NoAnswer> {
        let stands_by = || self.gauges.idle();
        let won = Leadership::win(&self.pool, LOCK, stop, stands_by).await?;
        let Some(mut leadership) = won else { return Ok(()) };
        let done = tokio::select! {
            done = self.seal(&mut leadership.conn, backoff, stop) => done,
            never = self.measure() => match never {},
            never = self.note_the_head() => match never {},
        };
        if done.is_ok() {
            leadership.resign().await;
        }
        done
    }

    async fn seal(
        &self,
        conn: &mut PgConnection,
        backoff: &mut Backoff,
        stop: &CancellationToken,
    ) -> Result<(), NoAnswer> {
        loop {
            while in_time(seal_next(conn, self.clock.now(), &self.gauges)).await? == ROWS_MAX {}
            backoff.reset();
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = self.wake.notified() => {}
                () = time::sleep(POLL_EVERY) => {}
            }
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = time::sleep(GATHERED_FOR) => {}
            }
        }
    }

    /// Wakes the sealer when records are announced. While the database is away it does not listen; then only the poll wakes it.
    async fn listen(&self) -> Infallible {
        loop {
            let Err(error) = self.forward_notifications().await;
            tracing::debug!(%error, "not listening for audit records");
            time::sleep(RETRY_WAIT_MOST).await;
        }
    }

    async fn forward_notifications(&self) -> Result<Infallible, sqlx::Error> {
        let mut listener = PgListener::connect_with(&self.pool).await?;
        listener.listen(CHANNEL).await?;
        loop {
            self.wake.notify_one();
            listener.recv().await?;
        }
    }

    async fn measure(&self) -> Infallible {
        loop {
            let now = self.clock.now();
            match unsealed(&self.pool, now - OVERDUE_AFTER).await {
                Ok(unsealed) => self.gauges.unsealed(&unsealed, now),
                Err(error) => tracing::debug!(%error, "unsealed audit records not measured"),
            }
            time::sleep(MEASURED_EVERY).await;
        }
    }

    /// Logs are outside the database: who can change the database cannot change the heads in them.
    async fn note_the_head(&self) -> Infallible {
        let mut noted = None;
        loop {
            let head = async { head(&mut *self.pool.acquire().await?).await };
            if let Ok(head) = head.await
                && noted != Some(head)
            {
                tracing::info!(number = head.number, hash = %head.hash, "the audit chain's head");
                noted = Some(head);
            }
            time::sleep(NOTED_EVERY).await;
        }
    }
}

/// Seals the records that have waited for longest, [`ROWS_MAX`] at most, and returns how many.
async fn seal_next(
    conn: &mut PgConnection,
    now: DateTime<Utc>,
    gauges: &Gauges,
) -> Result<usize, sqlx::Error> {
    let rows = waiting(conn).await?;
    if rows.is_empty() {
        return Ok(0);
    }
    let mut seal = Seal::begin(&head(conn).await?, now, rows.len());
    for row in &rows {
        seal.add(row);
    }
    let positions: Vec<i64> = rows.iter().map(|row| row.position).collect();
    write(conn, &seal.finish(), now, &positions).await?;
    gauges.sealed(u64::try_from(rows.len()).expect("invariant: a seal has at most ROWS_MAX rows"));
    tracing::trace!(rows = rows.len(), "sealed audit records");
    Ok(rows.len())
}

/// The number is the fence: of two sealers that write the same seal, one fails.
async fn write(
    conn: &mut PgConnection,
    seal: &Head,
    now: DateTime<Utc>,
    positions: &[i64],
) -> Result<(), sqlx::Error> {
    let mut transaction = conn.begin().await?;
    let taken = sqlx::query!("DELETE FROM platform.audit_waiting WHERE position = ANY($1)", positions)
        .execute(&mut *transaction)
        .await?
        .rows_affected();
    if usize::try_from(taken).ok() != Some(positions.len()) {
        return Err(sqlx::Error::RowNotFound);
    }
    sqlx::query!(
        "INSERT INTO platform.audit_seal (number, sealed_at, positions, hash) VALUES ($1, $2, $3, $4)",
        seal.number,
        now,
        positions,
        seal.hash.as_bytes(),
    )
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await
}

/// The end of the chain: the last seal, or what the first one follows on.
async fn head(conn: &mut PgConnection) -> Result<Head, sqlx::Error> {
    let last = sqlx::query!(
        r#"
        (SELECT number AS "number!", hash AS "hash!" FROM platform.audit_seal ORDER BY number DESC LIMIT 1)
        UNION ALL
        (SELECT number, hash FROM platform.audit_origin)
        ORDER BY 1 DESC LIMIT 1
        "#
    )
    .fetch_one(conn)
    .await?;
    Head::new(last.number, &last.hash)
}

/// A record that waits and is not there is left waiting: verification names it.
async fn waiting(conn: &mut PgConnection) -> Result<Vec<Row>, sqlx::Error> {
    let limit = i64::try_from(ROWS_MAX).expect("invariant: a small number");
    sqlx::query_as!(
        Row,
        r#"
        SELECT position, record.at, actor, approver, method, resource, scope, outcome, reason, request_id,
               correlation_id, detail::text AS "detail!"
        FROM platform.audit_waiting JOIN platform.audit_record AS record USING (position)
        ORDER BY position LIMIT $1
        "#,
        limit,
    )
    .fetch_all(conn)
    .await
}

async fn unsealed(pool: &PgPool, overdue_before: DateTime<Utc>) -> Result<Unsealed, sqlx::Error> {
    sqlx::query_as!(
        Unsealed,
        r#"
        SELECT count(*) FILTER (WHERE at < $1) AS "overdue!", min(at) AS oldest
        FROM (SELECT at FROM platform.audit_waiting ORDER BY position LIMIT $2) AS waiting
        "#,
        overdue_before,
        OVERDUE_COUNTED_MAX,
    )
    .fetch_one(pool)
    .await
}

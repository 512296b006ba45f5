//! Takes the records of one partition in, in order: effect, mark and dead letter, each in the transaction where it belongs.

use std::time::{Duration, Instant};

use sqlx::{PgConnection, PgPool};
use tokio::time;
use tokio_util::sync::CancellationToken;
use tracing::Instrument;
use uuid::Uuid;

use super::{
    RETRY_WAIT_LEAST, RETRY_WAIT_MOST,
    gauges::Gauges,
    handler::{HandleError, Handler, handle},
};
use crate::{
    backoff::Backoff,
    clock::SharedClock,
    dead_letters::{self, ReplayError},
    facts::{RawRecord, Record},
    inbox, telemetry,
};

/// A lane that is stopped may finish its transaction within this; then it is rolled back.
const STOP_WAIT_MAX: Duration = Duration::from_secs(10);

/// A handler, and where its effects go.
pub struct Intake<H> {
    pub handler: H,
    pool: PgPool,
    clock: SharedClock,
    pub gauges: Gauges,
}

/// The lane was stopped before the record was done; nothing of it has happened.
struct Abandoned;

impl<H: Handler> Intake<H> {
    pub fn new(handler: H, pool: PgPool, clock: SharedClock) -> Intake<H> {
        let gauges = Gauges::new(handler.name());
        Intake { handler, pool, clock, gauges }
    }

    /// Replays the dead letters whose replay was requested.
    pub async fn replay_requested(&self) -> Result<(), ReplayError> {
        dead_letters::replay_requested(&self.pool, &self.handler, &self.clock).await.map(drop)
    }

    /// Takes a batch in, as one transaction when nothing is wrong with it, else record by record. Returns how many records,
    /// from the first on, are finished: all of them, unless stopped.
    pub async fn settle(&self, batch: &[RawRecord], stop: &CancellationToken) -> usize {
        if batch.len() > 1
            && let Ok(records) = batch.iter().map(RawRecord::read).collect::<Result<Vec<_>, _>>()
        {
            match self.attempt_until(stop, &records).await {
                Ok(Ok(())) => return batch.len(),
                Ok(Err(error)) => {
                    tracing::debug!(handler = self.handler.name(), %error, "a batch failed; one by one now");
                }
                Err(Abandoned) => return 0,
            }
        }
        let mut done = 0;
        for record in batch {
            if stop.is_cancelled() || self.settle_one(record, stop).await.is_err() {
                break;
            }
            done += 1;
        }
        done
    }

    /// Tries one record until it is taken in or refused permanently.
    async fn settle_one(&self, raw: &RawRecord, stop: &CancellationToken) -> Result<(), Abandoned> {
        let (records, mut refusal) = match raw.read() {
            Ok(record) => (vec![record], None),
            Err(unreadable) => (Vec::new(), Some(unreadable.to_string())),
        };
        let mut backoff = Backoff::new(RETRY_WAIT_LEAST, RETRY_WAIT_MOST);
        loop {
            let outcome = match &refusal {
                None => self.attempt_until(stop, &records).await?,
                Some(reason) => self.to_dead_letter(raw, records.first(), reason).await,
            };
            match outcome {
                Ok(()) => return Ok(()),
                Err(HandleError::Permanent(reason)) if refusal.is_none() => refusal = Some(reason),
                Err(error) => {
                    self.gauges.retried();
                    let wait = backoff.wait();
                    let cause = std::error::Error::source(&error).map(ToString::to_string);
                    tracing::warn!(
                        handler = self.handler.name(),
                        topic = raw.topic,
                        partition = raw.partition,
                        offset = raw.offset,
                        %error,
                        cause,
                        ?wait,
                        "a record is tried again"
                    );
                    tokio::select! {
                        () = stop.cancelled() => return Err(Abandoned),
                        () = time::sleep(wait) => {}
                    }
                }
            }
        }
    }

    async fn attempt_until(
        &self,
        stop: &CancellationToken,
        records: &[Record],
    ) -> Result<Result<(), HandleError>, Abandoned> {
        let overdue = async {
            stop.cancelled().await;
            time::sleep(STOP_WAIT_MAX).await;
        };
        tokio::select! {
            outcome = self.attempt(records) => Ok(outcome),
            () = overdue => Err(Abandoned),
        }
    }

    /// Marks and effects of all records, in one transaction.
    async fn attempt(&self, records: &[Record]) -> Result<(), HandleError> {
        let ids: Vec<Uuid> = records.iter().map(|record| record.fact.id).collect();
        let mut transaction = self.pool.begin().await?;
        let mut fresh = inbox::mark(&mut transaction, self.handler.name(), &ids, self.clock.now()).await?;
        let duplicates = records.len() - fresh.len();
        let mut taken = Vec::with_capacity(fresh.len());
        for record in records {
            if fresh.remove(&record.fact.id) {
                self.handle(&mut transaction, record).await?;
                taken.push(record.fact.time);
            }
        }
        transaction.commit().await?;
        let now = self.clock.now();
        for time in taken {
            self.gauges.handled(time, now);
        }
        self.gauges.duplicates(duplicates);
        Ok(())
    }

    /// Calls the handler, traced and timed.
    async fn handle(&self, conn: &mut PgConnection, record: &Record) -> Result<(), HandleError> {
        let span = tracing::info_span!(
            parent: None,
            "handle",
            otel.name = format!("process {}", record.fact.topic),
            otel.kind = "consumer",
            messaging.system = "kafka",
            messaging.operation.name = "process",
            messaging.destination.name = record.fact.topic,
            handler = self.handler.name(),
            kind = record.fact.kind,
            fact = %record.fact.id,
            correlation_id = %record.fact.correlation_id,
        );
        telemetry::follow(&span, record.fact.traceparent.as_deref());
        let began = Instant::now();
        let handled = handle(&self.handler, conn, record).instrument(span).await;
        self.gauges.worked(began.elapsed());
        handled
    }

    /// Makes a dead letter of a record, in one transaction with its mark.
    async fn to_dead_letter(
        &self,
        raw: &RawRecord,
        record: Option<&Record>,
        reason: &str,
    ) -> Result<(), HandleError> {
        let now = self.clock.now();
        let fact_id = record.map(|record| record.fact.id);
        let mut transaction = self.pool.begin().await?;
        let marked = inbox::mark(&mut transaction, self.handler.name(), fact_id.as_slice(), now).await?;
        // A record that cannot be read has no id to be marked by: if it is delivered again, there are two letters.
        if fact_id.is_none() || !marked.is_empty() {
            dead_letters::keep(&mut transaction, self.handler.name(), raw, fact_id, reason, now).await?;
        }
        transaction.commit().await?;
        self.gauges.dead_letter();
        tracing::error!(
            handler = self.handler.name(),
            topic = raw.topic,
            partition = raw.partition,
            offset = raw.offset,
            reason,
            "a record became a dead letter"
        );
        Ok(())
    }
}

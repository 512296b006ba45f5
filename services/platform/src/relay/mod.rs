//! The relay publishes facts: it reads them from a [`FactSource`] in order, sends them to Kafka, and remembers what the broker
//! has acknowledged.
//!
//! Guarantees, whatever fails:
//! - **No fact is lost**: a fact is confirmed only when every replica in sync has it, and reading begins after what is
//!   confirmed.
//! - **Order per key**: within a partition the relay always sends a stretch of the source without a gap, beginning no later
//!   than the first fact that nobody has sent. So the *first* copies of a key's facts are in order, even when a relay dies,
//!   or two send at once while a lock changes hands; later copies are duplicates that an [inbox](crate::inbox) leaves out.
//!   So a failure stops everything behind it, and reading begins again from the cursor.
//! - **One is active** for each source of a database, by an advisory lock; the others try again and again to take it.
//! - **Bounded**: one page is in flight and one is read ahead.
//!
//! NOTIFY wakes the relay; a poll makes up for a notification that was missed.

mod gauges;
mod publisher;
mod source;

use std::{convert::Infallible, time::Duration};

use sqlx::{PgConnection, PgPool, postgres::PgListener};
use tokio::{sync::Notify, time};
use tokio_util::sync::CancellationToken;

use self::{
    gauges::Gauges,
    publisher::{Delivery, Publisher},
};
pub use self::{
    publisher::Undelivered,
    source::{Backlog, Delivered, FactSource, JournalReader, JournalSource},
};
pub use crate::leadership::NoAnswer;
use crate::{
    backoff::Backoff,
    clock::SharedClock,
    facts::{KafkaConfig, kafka::KafkaConfigError},
    leadership::{Leadership, in_time},
};

/// Facts in a page at most: enough that reading and confirming cost next to nothing a fact.
pub const PAGE_FACTS_MAX: i64 = 5_000;

/// Bytes of payload in a page, about: with one page in flight and one read ahead this bounds the relay's memory.
pub const PAGE_BYTES_MAX: i64 = 16 * 1024 * 1024;

/// After a failure the relay begins with one fact and multiplies by this: a fact that the broker will not take is soon alone
/// in its page, and everything before it is published.
const PAGE_GROWTH: i64 = 8;

/// A pass begins this long after the one before it at the earliest: an idle source is published at once, and of a busy one many
/// facts share a page, a confirmation and a request to the broker.
const GATHERED_FOR: Duration = Duration::from_millis(50);

/// Without a notification the source is read this often.
const POLL_EVERY: Duration = Duration::from_secs(1);

/// How often backlog and lag are measured.
const MEASURED_EVERY: Duration = Duration::from_secs(5);

/// A stopped relay waits this long for the acknowledgements of the page in hand.
const STOP_WAIT_MAX: Duration = Duration::from_secs(5);

const RETRY_WAIT_LEAST: Duration = Duration::from_millis(100);
const RETRY_WAIT_MOST: Duration = Duration::from_secs(5);

/// How often [`drained`] checks.
const DRAINED_ASKED_EVERY: Duration = Duration::from_millis(50);

/// Why a relay stopped, or began again.
#[derive(Debug, thiserror::Error)]
pub enum RelayError {
    #[error(transparent)]
    Config(#[from] KafkaConfigError),
    #[error("no producer can be made of the Kafka configuration")]
    Producer(#[source] rdkafka::error::KafkaError),
    #[error("the relay cannot go on without its database")]
    Database(#[from] NoAnswer),
    #[error(transparent)]
    Undelivered(#[from] Undelivered),
}

/// Publishes one source.
pub struct Relay<S> {
    source: S,
    pool: PgPool,
    kafka: KafkaConfig,
    ce_source: String,
    /// The lock of the lead.
    lock: String,
    clock: SharedClock,
    gauges: Gauges,
    /// New facts were announced.
    wake: Notify,
}

impl<S: FactSource> Relay<S> {
    /// A relay for the facts of `service`. Besides a connection of its own it takes two from the pool: one listens, and one
    /// measures the backlog now and then.
    pub fn new(source: S, pool: PgPool, kafka: KafkaConfig, service: &str, clock: SharedClock) -> Relay<S> {
        let gauges = Gauges::new(source.name());
        let ce_source = format!("/countinghouse/{service}");
        let lock = format!("platform.relay/{}", source.name());
        Relay { source, pool, kafka, ce_source, lock, clock, gauges, wake: Notify::new() }
    }

    /// Publishes until stopped. It waits while the database or the brokers are away; only a configuration from which no producer
    /// can be made is an error.
    pub async fn run(self, stop: CancellationToken) -> Result<(), RelayError> {
        let give_up = CancellationToken::new();
        let overdue = async {
            stop.cancelled().await;
            time::sleep(STOP_WAIT_MAX).await;
            give_up.cancel();
            std::future::pending::<Infallible>().await
        };
        tokio::select! {
            done = self.lead_whenever_possible(&stop, &give_up) => done,
            never = self.listen() => match never {},
            never = overdue => match never {},
        }
    }

    async fn lead_whenever_possible(
        &self,
        stop: &CancellationToken,
        give_up: &CancellationToken,
    ) -> Result<(), RelayError> {
        let mut pace =
            Pace { page_facts: PAGE_FACTS_MAX, backoff: Backoff::new(RETRY_WAIT_LEAST, RETRY_WAIT_MOST) };
        while !stop.is_cancelled() {
            match self.lead(&mut pace, stop, give_up).await {
                Ok(()) | Err(RelayError::Undelivered(Undelivered::Stopped)) => return Ok(()),
                Err(error @ (RelayError::Config(_) | RelayError::Producer(_))) => return Err(error),
                Err(error) => {
                    self.gauges.failed();
                    let wait = pace.failed();
                    let cause = std::error::Error::source(&error).map(ToString::to_string);
                    tracing::warn!(source = self.source.name(), %error, cause, ?wait, "the relay begins again");
                    tokio::select! {
                        () = stop.cancelled() => {}
                        () = time::sleep(wait) => {}
                    }
                }
            }
        }
        Ok(())
    }

    /// Waits for the lead, and publishes until stopped or something fails.
    async fn lead(
        &self,
        pace: &mut Pace,
        stop: &CancellationToken,
        give_up: &CancellationToken,
    ) -> Result<(), RelayError> {
        let stands_by = || self.gauges.idle();
        let won = Leadership::win(&self.pool, &self.lock, stop, stands_by).await?;
        let Some(mut leadership) = won else { return Ok(()) };
        let publisher = Publisher::connect(&self.kafka, self.ce_source.clone(), give_up.clone())?;
        let done = tokio::select! {
            done = self.publish(&mut leadership.conn, &publisher, pace, stop) => done,
            never = self.measure() => match never {},
        };
        publisher.close().await;
        if done.is_ok() {
            leadership.resign().await;
        }
        done
    }

    /// Pass after pass over the source.
    async fn publish(
        &self,
        conn: &mut PgConnection,
        publisher: &Publisher,
        pace: &mut Pace,
        stop: &CancellationToken,
    ) -> Result<(), RelayError> {
        loop {
            let gathered = time::Instant::now() + GATHERED_FOR;
            let start = in_time(self.source.start(conn)).await?;
            let mut facts = in_time(self.source.pending(conn, start, pace.page_facts)).await?;
            while let Some((last, _)) = facts.last() {
                let read_ahead = in_time(self.source.pending(conn, *last, pace.page_facts));
                let (delivery, ahead) = tokio::join!(publisher.deliver(&facts), read_ahead);
                self.confirm(conn, delivery).await?;
                pace.succeeded();
                if stop.is_cancelled() {
                    return Ok(());
                }
                facts = ahead?;
            }
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = self.wake.notified() => {}
                () = time::sleep(POLL_EVERY) => {}
            }
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = time::sleep_until(gathered) => {}
            }
        }
    }

    /// Confirms what was acknowledged, and only then returns what was not.
    async fn confirm(&self, conn: &mut PgConnection, delivery: Delivery) -> Result<(), RelayError> {
        if !delivery.delivered.positions.is_empty() {
            in_time(self.source.confirm(conn, &delivery.delivered, self.clock.now())).await?;
        }
        self.gauges.published(delivery.facts);
        tracing::trace!(source = self.source.name(), facts = delivery.facts, "published");
        delivery.failure.map_or(Ok(()), |failure| Err(failure.into()))
    }

    /// Wakes the relay when facts are announced. While the database is away it does not listen; then only the poll wakes it.
    async fn listen(&self) -> Infallible {
        loop {
            let Err(error) = self.forward_notifications().await;
            tracing::debug!(source = self.source.name(), %error, "not listening");
            time::sleep(RETRY_WAIT_MOST).await;
        }
    }

    async fn forward_notifications(&self) -> Result<Infallible, sqlx::Error> {
        let mut listener = PgListener::connect_with(&self.pool).await?;
        listener.listen(self.source.channel()).await?;
        loop {
            self.wake.notify_one();
            listener.recv().await?;
        }
    }

    async fn measure(&self) -> Infallible {
        loop {
            let backlog = async { self.source.backlog(&mut *self.pool.acquire().await?).await };
            match backlog.await {
                Ok(backlog) => self.gauges.backlog(&backlog, self.clock.now()),
                Err(error) => tracing::debug!(source = self.source.name(), %error, "backlog not measured"),
            }
            time::sleep(MEASURED_EVERY).await;
        }
    }
}

/// How many facts the relay sends at once, and how long it waits after a failure.
struct Pace {
    page_facts: i64,
    backoff: Backoff,
}

impl Pace {
    fn succeeded(&mut self) {
        self.backoff.reset();
        self.page_facts = self.page_facts.saturating_mul(PAGE_GROWTH).min(PAGE_FACTS_MAX);
    }

    fn failed(&mut self) -> Duration {
        self.page_facts = 1;
        self.backoff.wait()
    }
}

/// A source that was not published in time.
#[derive(Debug, thiserror::Error)]
pub enum NotDrained {
    #[error("source {source_name} is not published up to position {position} after {within:?}")]
    Late { source_name: String, position: i64, within: Duration },
    #[error("the source's database does not answer")]
    Database(#[from] sqlx::Error),
}

/// Waits until everything up to `position`, it included, is on Kafka. For operators before they take something down, and for
/// tests.
pub async fn drained(
    pool: &PgPool,
    source: &impl FactSource,
    position: i64,
    within: Duration,
) -> Result<(), NotDrained> {
    let published = async {
        let mut conn = pool.acquire().await?;
        while !source.drained(&mut conn, position).await? {
            time::sleep(DRAINED_ASKED_EVERY).await;
        }
        Ok(())
    };
    let late = |_| NotDrained::Late { source_name: source.name().to_owned(), position, within };
    time::timeout(within, published).await.map_err(late)?
}

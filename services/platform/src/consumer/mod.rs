//! The consumer gives facts from Kafka to a [`Handler`]. Each fact takes effect once.
//!
//! Guarantees, whatever fails:
//! - A handler's effect and the [inbox](crate::inbox) mark of its fact are one transaction; the offset is committed after it. A
//!   fact that comes again, from the relay or because an offset was not committed in time, has no effect again.
//! - Facts of one key are handled in order: each partition is a lane of its own, handled by one task.
//! - A fact that the handler refuses permanently ([`HandleError::Permanent`]) becomes a [dead letter](crate::dead_letters) in the
//!   transaction of its mark, and those behind it go on.
//! - A fact that fails for now ([`HandleError::Transient`]) is tried again in its place, and never skipped. Its lane fills up
//!   and its partition is paused; the other lanes go on, and the member stays in its group.
//! - A partition is given up only when the work in hand on it is done or rolled back.
//! - Bounded: a lane holds at most [`LANE_RECORDS_MAX`] records or about [`LANE_BYTES_MAX`] bytes, a transaction at most
//!   [`BATCH_RECORDS_MAX`] facts.

mod gauges;
pub(crate) mod handler;
mod intake;
mod lanes;

use std::{sync::Arc, time::Duration};

use rdkafka::{
    consumer::{BaseConsumer, Consumer as _},
    error::KafkaError,
};
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;

pub use self::handler::{HANDLE_WAIT_MAX, HandleError, Handler};
use self::{intake::Intake, lanes::Lanes};
use crate::{
    backoff::Backoff,
    clock::SharedClock,
    facts::{KafkaConfig, kafka::KafkaConfigError},
    jobs::Periodic,
};

/// Facts in one transaction at most: enough that the cost of a commit is shared, and few enough that doing them again one by
/// one, after one of them failed, is quick.
pub const BATCH_RECORDS_MAX: usize = 64;

/// Records that wait in a lane before its partition is paused.
pub const LANE_RECORDS_MAX: usize = 512;

/// Bytes that wait in a lane before its partition is paused.
pub const LANE_BYTES_MAX: usize = 4 * 1024 * 1024;

/// How long a poll waits for a record: how late a pause is lifted or a stop is seen at most.
const POLL_WAIT: Duration = Duration::from_millis(20);

/// How often the number of waiting records is measured, in milliseconds.
const MEASURED_EVERY_MS: &str = "5000";

/// How often the consumer checks whether a replay is requested.
const REPLAYS_LOOKED_EVERY: Duration = Duration::from_secs(1);

const RETRY_WAIT_LEAST: Duration = Duration::from_millis(100);
const RETRY_WAIT_MOST: Duration = Duration::from_secs(10);

/// Why a consumer stopped by itself.
#[derive(Debug, thiserror::Error)]
pub enum ConsumerError {
    #[error(transparent)]
    Config(#[from] KafkaConfigError),
    #[error("no consumer can be made of the Kafka configuration")]
    Client(#[source] KafkaError),
    #[error("kafka has ended the consumer")]
    Fatal(#[source] KafkaError),
    #[error("the lane of partition {partition} of {topic} ended by itself")]
    LaneEnded { topic: String, partition: i32 },
}

/// Reads the topics of one handler. Several consumers of one handler, in one process or in many, share the partitions.
pub struct Consumer<H> {
    intake: Arc<Intake<H>>,
    kafka: KafkaConfig,
    group: String,
}

impl<H: Handler> Consumer<H> {
    /// A consumer in the group `countinghouse.<service>.<handler>`.
    pub fn new(
        handler: H,
        pool: PgPool,
        kafka: KafkaConfig,
        service: &str,
        clock: SharedClock,
    ) -> Consumer<H> {
        let group = format!("countinghouse.{service}.{}", handler.name());
        Consumer { intake: Arc::new(Intake::new(handler, pool, clock)), kafka, group }
    }

    /// Consumes until stopped; then finishes the work in hand, commits its offsets and leaves the group. When the database
    /// or the brokers are away, it waits for them. It also replays the dead letters whose replay is requested.
    pub async fn run(self, stop: CancellationToken) -> Result<(), ConsumerError> {
        let replaying = Periodic::new("replay of dead letters", REPLAYS_LOOKED_EVERY)
            .run(CancellationToken::new(), || self.intake.replay_requested());
        tokio::select! {
            consumed = self.consume(stop) => consumed,
            Ok(()) = replaying => Ok(()),
        }
    }

    async fn consume(&self, stop: CancellationToken) -> Result<(), ConsumerError> {
        let mut backoff = Backoff::new(RETRY_WAIT_LEAST, RETRY_WAIT_MOST);
        loop {
            let error = match self.poll(&stop).await {
                Err(ConsumerError::Fatal(error)) => error,
                done => return done,
            };
            tracing::error!(group = self.group, %error, "kafka has ended the consumer; it begins again");
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                () = tokio::time::sleep(backoff.wait()) => {}
            }
        }
    }

    /// Polls on its own thread: during a rebalance it waits there for the work in hand, which continues in the runtime.
    async fn poll(&self, stop: &CancellationToken) -> Result<(), ConsumerError> {
        let lanes = Lanes::new(Arc::clone(&self.intake), self.kafka.clone());
        let mut client = self.kafka.consumer(&self.group)?;
        client.set("statistics.interval.ms", MEASURED_EVERY_MS);
        let consumer: BaseConsumer<Lanes<H>> =
            client.create_with_context(lanes).map_err(ConsumerError::Client)?;
        let topics: Vec<String> =
            self.intake.handler.topics().iter().map(|topic| self.kafka.prefixed(topic)).collect();
        let names: Vec<&str> = topics.iter().map(String::as_str).collect();
        consumer.subscribe(&names).map_err(ConsumerError::Client)?;

        // The thread also stops when this future is dropped.
        let stop = stop.child_token();
        let _stop_on_drop = stop.clone().drop_guard();
        let thread = tokio::task::spawn_blocking(move || poll_until(&stop, consumer));
        let ended = thread.await.expect("invariant: polling does not panic");
        // The next owner of the partitions measures what waits.
        self.intake.handler.topics().iter().for_each(|topic| self.intake.gauges.lag(topic, 0));
        ended
    }
}

fn poll_until<H: Handler>(
    stop: &CancellationToken,
    consumer: BaseConsumer<Lanes<H>>,
) -> Result<(), ConsumerError> {
    let lanes = Arc::clone(consumer.context());
    let done = loop {
        if stop.is_cancelled() {
            break Ok(());
        }
        match consumer.poll(POLL_WAIT) {
            Some(Ok(message)) => lanes.take(&consumer, &message),
            Some(Err(error @ KafkaError::MessageConsumptionFatal(_))) => {
                break Err(ConsumerError::Fatal(error));
            }
            Some(Err(error)) => tracing::warn!(%error, "kafka reported an error"),
            None => {}
        }
        if let Err(ended) = lanes.tend(&consumer) {
            break Err(ended);
        }
    };
    lanes.close_all(&consumer);
    // Leaves the group; the partitions go to the other members at once.
    drop(consumer);
    done
}

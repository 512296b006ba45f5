//! Follows compacted topics from their beginning, for a copy in memory of what another service keeps: every process reads all of
//! it and then what is added, without a consumer group and without marks. Reading a record twice does no harm.
//!
//! A copy says how far it has come: [`Freshness`] has the time at which it had read everything there was. A decision that uses
//! the copy is refused once that is too long ago; the caller says how long.

use std::{sync::Arc, time::Duration};

use chrono::{DateTime, Utc};
use rdkafka::{
    Message, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer as _},
    error::KafkaError,
};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::{
    backoff::Backoff,
    clock::SharedClock,
    facts::{KafkaConfig, RawRecord, Record, kafka::KafkaConfigError},
};

/// How long a poll waits for a record: how late a stop is seen at most.
const POLL_WAIT: Duration = Duration::from_millis(100);

/// How often the follower checks whether it has read everything.
const MEASURED_EVERY: Duration = Duration::from_secs(1);

/// How long the broker may take over one answer.
const BROKER_WAIT_MAX: Duration = Duration::from_secs(5);

/// Named because a client needs a group; nothing is ever committed to it.
const GROUP: &str = "countinghouse.followers";

const RETRY_WAIT_LEAST: Duration = Duration::from_millis(200);
const RETRY_WAIT_MOST: Duration = Duration::from_secs(10);

/// When a copy had last read everything there was; none before the first time.
pub type Freshness = watch::Receiver<Option<DateTime<Utc>>>;

/// A copy that a follower keeps. It is called with every record from the beginning of its topic on, and with all of them again whenever
/// the follower begins again.
pub trait Copy: Send + Sync + 'static {
    /// Takes one record in. What cannot be understood is logged and skipped: the next record of its key replaces it.
    fn take(&self, record: &Record) -> Result<(), serde_json::Error>;
}

/// Why a follower stopped by itself.
#[derive(Debug, thiserror::Error)]
pub enum FollowError {
    #[error(transparent)]
    Config(#[from] KafkaConfigError),
    #[error("kafka does not serve the topics that are followed")]
    Kafka(#[from] KafkaError),
    #[error("topic {0} is not there yet")]
    TopicMissing(String),
}

/// Follows some topics.
pub struct Follower<C> {
    copy: Arc<C>,
    topics: Vec<String>,
    kafka: KafkaConfig,
    clock: SharedClock,
    read: watch::Sender<Option<DateTime<Utc>>>,
}

impl<C: Copy> Follower<C> {
    /// Follows `topics`, by their contract names, for `copy`.
    pub fn new(copy: Arc<C>, topics: &[&str], kafka: KafkaConfig, clock: SharedClock) -> Self {
        let topics = topics.iter().map(|topic| (*topic).to_owned()).collect();
        Self { copy, topics, kafka, clock, read: watch::Sender::new(None) }
    }

    /// How far the copy has come.
    pub fn freshness(&self) -> Freshness {
        self.read.subscribe()
    }

    /// Follows until stopped. It waits for brokers that are away and for topics that are not there yet; only a configuration from
    /// which no consumer can be made is an error.
    pub async fn run(self, stop: CancellationToken) -> Result<(), FollowError> {
        let follower = Arc::new(self);
        let mut backoff = Backoff::new(RETRY_WAIT_LEAST, RETRY_WAIT_MOST);
        loop {
            // The thread also stops when this future is dropped.
            let until = stop.child_token();
            let _stop_on_drop = until.clone().drop_guard();
            let reading = follower.clone();
            let read = tokio::task::spawn_blocking(move || reading.read(&until)).await;
            match read.expect("invariant: following does not panic") {
                Ok(()) => return Ok(()),
                Err(error @ FollowError::Config(_)) => return Err(error),
                Err(error) => tracing::warn!(%error, topics = ?follower.topics, "following begins again"),
            }
            if stop.run_until_cancelled(tokio::time::sleep(backoff.wait())).await.is_none() {
                return Ok(());
            }
        }
    }

    /// Reads everything from the beginning, and goes on until stopped or something fails.
    fn read(&self, stop: &CancellationToken) -> Result<(), FollowError> {
        let consumer: BaseConsumer = self.kafka.consumer(GROUP)?.create()?;
        // On a connection of its own: on the consumer's, each question waits for a fetch that waits for records, half a second long.
        let watermarks: BaseConsumer = self.kafka.consumer(GROUP)?.create()?;
        let mut partitions = self.partitions(&consumer)?;
        consumer.assign(&partitions)?;
        let mut measured = std::time::Instant::now();
        while !stop.is_cancelled() {
            match consumer.poll(POLL_WAIT) {
                Some(Ok(message)) => {
                    let next = Offset::Offset(message.offset() + 1);
                    partitions.set_partition_offset(message.topic(), message.partition(), next)?;
                    self.take(&RawRecord::copy(&message, self.kafka.contract_name(message.topic())));
                }
                Some(Err(error @ KafkaError::MessageConsumptionFatal(_))) => return Err(error.into()),
                Some(Err(error)) => tracing::debug!(%error, "kafka reported an error to a follower"),
                None => {}
            }
            if measured.elapsed() >= MEASURED_EVERY {
                measured = std::time::Instant::now();
                self.measure(&watermarks, &partitions);
            }
        }
        Ok(())
    }

    /// All partitions of the topics, from their beginning.
    fn partitions(&self, consumer: &BaseConsumer) -> Result<TopicPartitionList, FollowError> {
        // The whole list is requested: a cluster may be set up to make a topic that is requested by name.
        let metadata = consumer.fetch_metadata(None, BROKER_WAIT_MAX)?;
        let mut partitions = TopicPartitionList::new();
        for topic in self.topics.iter().map(|topic| self.kafka.prefixed(topic)) {
            let found = metadata.topics().iter().find(|found| found.name() == topic);
            let found = found.ok_or_else(|| FollowError::TopicMissing(topic.clone()))?;
            for partition in found.partitions() {
                partitions.add_partition_offset(&topic, partition.id(), Offset::Beginning)?;
            }
        }
        Ok(partitions)
    }

    fn take(&self, raw: &RawRecord) {
        let place = format!("{}[{}]@{}", raw.topic, raw.partition, raw.offset);
        match raw.read() {
            Ok(record) => {
                if let Err(error) = self.copy.take(&record) {
                    tracing::error!(%error, place, "a followed record is not what its contract says");
                }
            }
            Err(error) => tracing::error!(%error, place, "a followed record cannot be read"),
        }
    }

    /// Updates the freshness when everything there is has been read.
    fn measure(&self, watermarks: &BaseConsumer, partitions: &TopicPartitionList) {
        let began = self.clock.now();
        let is_read = |element: &rdkafka::topic_partition_list::TopicPartitionListElem<'_>| {
            let ends = watermarks.fetch_watermarks(element.topic(), element.partition(), BROKER_WAIT_MAX);
            let Ok((first, end)) = ends else { return false };
            match element.offset() {
                Offset::Offset(next) => next >= end,
                // Nothing of it has been read: it is empty, or compacted away.
                _ => first == end,
            }
        };
        if partitions.elements().iter().all(is_read) {
            self.read.send_replace(Some(began));
        }
    }
}

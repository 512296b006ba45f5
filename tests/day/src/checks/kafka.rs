//! Topics, read from their beginning.

use std::{
    collections::BTreeMap,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use platform::facts::{KafkaConfig, RawRecord};
use rdkafka::{
    Message, Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer},
    metadata::MetadataTopic,
};

/// How long to wait for a record; when none comes, it is looked whether there are more.
const POLL: Duration = Duration::from_millis(100);

/// How long the broker may take to say what it has.
const BROKER_WITHIN: Duration = Duration::from_secs(10);

/// Topics that are read whole, until what they hold is what was looked for.
pub struct Reader {
    consumer: BaseConsumer,
    /// Asks how far the topics go, on a connection of its own: the consumer's is busy waiting for more.
    asker: BaseConsumer,
    /// The next offset of each partition.
    next: BTreeMap<(String, i32), i64>,
}

impl Reader {
    /// A reader of `topics` from their beginning.
    pub fn of(brokers: &str, topics: &[&str]) -> Result<Self> {
        let mut client = KafkaConfig::plaintext(brokers, "").client()?;
        client.set("group.id", "day").set("enable.auto.commit", "false");
        let consumer: BaseConsumer = client.create().context("a Kafka consumer")?;
        let asker = client.create().context("a Kafka consumer")?;
        let (mut next, mut assignment) = (BTreeMap::new(), TopicPartitionList::new());
        for topic in topics {
            let metadata =
                consumer.fetch_metadata(Some(topic), BROKER_WITHIN).with_context(|| (*topic).to_owned())?;
            for partition in metadata.topics().iter().flat_map(MetadataTopic::partitions) {
                assignment.add_partition_offset(topic, partition.id(), Offset::Beginning)?;
                next.insert(((*topic).to_owned(), partition.id()), 0);
            }
        }
        consumer.assign(&assignment)?;
        Ok(Self { consumer, asker, next })
    }

    /// Gives each record to `take`, and asks `done` whenever everything has been read, until it agrees or `bound` has passed.
    pub fn read(
        &mut self,
        bound: Duration,
        mut take: impl FnMut(RawRecord) -> Result<()>,
        mut done: impl FnMut() -> bool,
    ) -> Result<()> {
        let began = Instant::now();
        while began.elapsed() < bound {
            match self.consumer.poll(POLL) {
                Some(Ok(message)) => {
                    let topic = message.topic().to_owned();
                    take(RawRecord::copy(&message, &topic))?;
                    self.next.insert((topic, message.partition()), message.offset() + 1);
                }
                Some(Err(error)) => bail!("Kafka: {error}"),
                None if self.is_at_end()? && done() => break,
                None => {}
            }
        }
        Ok(())
    }

    fn is_at_end(&self) -> Result<bool> {
        for ((topic, partition), next) in &self.next {
            let (first, end) = self.asker.fetch_watermarks(topic, *partition, BROKER_WITHIN)?;
            // A partition from which everything was dropped has an end and no records.
            if *next < end && first < end {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

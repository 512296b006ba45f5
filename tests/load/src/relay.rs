//! How far Kafka is behind the books: one record a posting, counted by the topic's own offsets, so that looking costs the
//! broker nothing.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use rdkafka::{
    ClientConfig,
    consumer::{BaseConsumer, Consumer},
};
use tokio::time::sleep;

/// The facts of postings.
const TOPIC: &str = "countinghouse.accounting.posting.v1";

/// One question to the broker.
const ANSWER_MAX: Duration = Duration::from_secs(10);

/// Between two looks: what the lag is exact to.
const LOOK_EVERY: Duration = Duration::from_millis(10);

/// A relay that is this far behind does not keep pace in any sense.
const CATCH_UP_MAX: Duration = Duration::from_mins(5);

/// For how long nothing more may come before a topic counts as still.
const STILL_FOR: Duration = Duration::from_millis(300);

/// The topic of postings.
#[derive(Clone)]
pub struct Records {
    consumer: Arc<BaseConsumer>,
}

/// What the relay was behind at the end of a row.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Lag {
    /// From the last acknowledged posting until its record was on Kafka.
    pub time: Duration,
    /// Records that were missing when the last posting was acknowledged.
    pub backlog: u64,
}

impl Records {
    pub fn of(brokers: &str) -> Result<Self> {
        let consumer: BaseConsumer = ClientConfig::new().set("bootstrap.servers", brokers).create()?;
        Ok(Self { consumer: Arc::new(consumer) })
    }

    /// How many records there have ever been.
    pub async fn count(&self) -> Result<u64> {
        let consumer = self.consumer.clone();
        tokio::task::spawn_blocking(move || ends(&consumer)).await?
    }

    /// Waits until the records of `postings` postings are there and no more come, and counts them.
    pub async fn settled(&self, postings: u64) -> Result<u64> {
        let began = Instant::now();
        let (mut count, mut changed) = (self.count().await?, Instant::now());
        while count < postings || changed.elapsed() < STILL_FOR {
            ensure!(
                began.elapsed() < CATCH_UP_MAX,
                "Kafka has {count} records of {postings} postings, and no more come"
            );
            sleep(LOOK_EVERY).await;
            let now = self.count().await?;
            if now != count {
                (count, changed) = (now, Instant::now());
            }
        }
        Ok(count)
    }

    /// Waits until there are `expected` records, the last of which is that of the posting acknowledged at `acknowledged_at`.
    pub async fn lag(&self, expected: u64, acknowledged_at: Instant) -> Result<Lag> {
        let mut count = self.count().await?;
        let backlog = expected.saturating_sub(count);
        while count < expected {
            let behind = acknowledged_at.elapsed();
            ensure!(
                behind < CATCH_UP_MAX,
                "Kafka has {count} of {expected} records {behind:?} after the last posting"
            );
            sleep(LOOK_EVERY).await;
            count = self.count().await?;
        }
        Ok(Lag { time: acknowledged_at.elapsed(), backlog })
    }
}

fn ends(consumer: &BaseConsumer) -> Result<u64> {
    let metadata =
        consumer.fetch_metadata(Some(TOPIC), ANSWER_MAX).context("ask Kafka for the topic of postings")?;
    let topic = metadata.topics().first().context("there is no topic of postings")?;
    ensure!(!topic.partitions().is_empty(), "the topic of postings has no partitions");
    let mut records = 0;
    for partition in topic.partitions() {
        let (_, end) = consumer.fetch_watermarks(TOPIC, partition.id(), ANSWER_MAX)?;
        records += u64::try_from(end).context("an offset below zero")?;
    }
    Ok(records)
}

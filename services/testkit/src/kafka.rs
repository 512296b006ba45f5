//! Topics and consumer groups of one test's own, on the shared broker.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use rdkafka::{
    ClientConfig, Message, Offset, TopicPartitionList,
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    client::DefaultClientContext,
    consumer::{BaseConsumer, Consumer},
    error::RDKafkaErrorCode,
    message::OwnedMessage,
};

use crate::{names, private::PrivateBroker, shared};

/// For one answer of the broker; a busy machine takes a second.
const ANSWER_BOUND: Duration = Duration::from_secs(30);

/// One wait for a record, between looks at the bound.
const POLL_TIMEOUT: Duration = Duration::from_millis(100);

/// A broker and a prefix that no other test has.
#[derive(Debug, Clone)]
pub struct TestKafka {
    brokers: String,
    prefix: String,
}

/// The shared broker, with a prefix for this test.
pub async fn kafka() -> TestKafka {
    TestKafka::on(shared::servers().await.brokers.clone())
}

impl PrivateBroker {
    /// This broker, with a prefix for this test.
    pub fn kafka(&self) -> TestKafka {
        TestKafka::on(self.brokers())
    }
}

impl TestKafka {
    fn on(brokers: String) -> Self {
        Self { brokers, prefix: format!("t{}.", names::unique()) }
    }

    /// `bootstrap.servers`.
    pub fn brokers(&self) -> &str {
        &self.brokers
    }

    /// What this test's topics and groups begin with.
    pub fn prefix(&self) -> &str {
        &self.prefix
    }

    /// This test's name for a topic or a group.
    pub fn name(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// The settings of any client of this broker.
    pub fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", &self.brokers);
        config
    }

    /// Makes this test's topic `name`, waits until it can be written to, and gives its full name.
    pub async fn topic(&self, name: &str, partitions: i32) -> String {
        let topic = self.name(name);
        self.create(&NewTopic::new(&topic, partitions, TopicReplication::Fixed(1))).await.expect("a topic");
        topic
    }

    /// As [`Self::topic`], compacted: the last record of each key stays.
    pub async fn compacted_topic(&self, name: &str, partitions: i32) -> String {
        let topic = self.name(name);
        let new =
            NewTopic::new(&topic, partitions, TopicReplication::Fixed(1)).set("cleanup.policy", "compact");
        self.create(&new).await.expect("a topic");
        topic
    }

    async fn create(&self, topic: &NewTopic<'_>) -> Result<()> {
        let admin: AdminClient<DefaultClientContext> = self.client().create()?;
        let options = AdminOptions::new().operation_timeout(Some(ANSWER_BOUND));
        for outcome in admin.create_topics([topic], &options).await? {
            match outcome {
                Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
                Err((name, code)) => anyhow::bail!("create topic {name}: {code}"),
            }
        }
        Ok(())
    }

    /// The records of `topic` from its beginning, in the order of each partition: as soon as there are `count` of them,
    /// or all there are after `bound`.
    pub async fn records(&self, topic: &str, count: usize, bound: Duration) -> Vec<OwnedMessage> {
        let (config, topic) = (self.client(), topic.to_owned());
        let reading = tokio::task::spawn_blocking(move || read(config, &topic, count, bound));
        reading.await.expect("the reader does not panic").expect("the topic can be read")
    }
}

fn read(mut config: ClientConfig, topic: &str, count: usize, bound: Duration) -> Result<Vec<OwnedMessage>> {
    // A group is named because the client wants one; nothing is ever committed to it.
    let consumer: BaseConsumer = config.set("group.id", format!("{topic}.reader")).create()?;
    let metadata = consumer.fetch_metadata(Some(topic), ANSWER_BOUND)?;
    let partitions = metadata.topics().first().context("no such topic")?.partitions();
    let mut assignment = TopicPartitionList::new();
    for partition in partitions {
        assignment.add_partition_offset(topic, partition.id(), Offset::Beginning)?;
    }
    consumer.assign(&assignment)?;

    let began = Instant::now();
    let mut records = Vec::new();
    while records.len() < count && began.elapsed() < bound {
        // An error here is the broker being away, which the client rides out within the bound.
        if let Some(Ok(message)) = consumer.poll(POLL_TIMEOUT) {
            records.push(message.detach());
        }
    }
    records.sort_by_key(|record| (record.partition(), record.offset()));
    Ok(records)
}

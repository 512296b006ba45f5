//! The topics of the contract: one for each fact that some message says it publishes.

use std::collections::BTreeMap;

use anyhow::{Result, bail};
use countinghouse_proto::descriptor_pool;
use rdkafka::{
    ClientConfig,
    admin::{AdminClient, AdminOptions, NewTopic, TopicReplication},
    client::DefaultClientContext,
    error::RDKafkaErrorCode,
};

/// As many as one machine's consumers can share; a cluster in earnest has its own setting.
pub const PARTITIONS: i32 = 4;

/// Makes the topics that are not there.
pub async fn provide(brokers: &str) -> Result<usize> {
    let topics = of_the_contract();
    let new: Vec<NewTopic<'_>> = topics
        .iter()
        .map(|(name, compacted)| {
            let policy = if *compacted { "compact" } else { "delete" };
            NewTopic::new(name, PARTITIONS, TopicReplication::Fixed(1)).set("cleanup.policy", policy)
        })
        .collect();
    let admin: AdminClient<DefaultClientContext> =
        ClientConfig::new().set("bootstrap.servers", brokers).create()?;
    for outcome in admin.create_topics(&new, &AdminOptions::new()).await? {
        match outcome {
            Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
            Err((name, code)) => bail!("topic {name} could not be made: {code}"),
        }
    }
    Ok(new.len())
}

/// Each topic of the contract, and whether it is compacted.
fn of_the_contract() -> BTreeMap<String, bool> {
    let fact = descriptor_pool()
        .get_extension_by_name("countinghouse.event.v1.fact")
        .expect("invariant: the contract defines what a fact is");
    let mut topics = BTreeMap::new();
    for message in descriptor_pool().all_messages() {
        let options = message.options();
        if !options.has_extension(&fact) {
            continue;
        }
        let value = options.get_extension(&fact);
        let Some(fact) = value.as_message() else { continue };
        let topic = fact.get_field_by_name("topic").and_then(|topic| topic.as_str().map(str::to_owned));
        let compacted = fact.get_field_by_name("compacted").and_then(|compacted| compacted.as_bool());
        topics.insert(topic.unwrap_or_default(), compacted.unwrap_or_default());
    }
    topics
}

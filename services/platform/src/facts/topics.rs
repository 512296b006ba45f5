//! Topics are declared and made explicitly: a broker that makes them by itself would guess partitions and retention, and
//! producing to a missing one holds the sender for half a minute.

use std::{sync::Arc, time::Duration};

use rdkafka::{
    admin::{AdminClient, AdminOptions, NewTopic, ResourceSpecifier, TopicReplication},
    client::DefaultClientContext,
    error::{KafkaError, RDKafkaErrorCode},
};
use serde::Deserialize;

use super::{KafkaConfig, kafka::KafkaConfigError};

/// How long the cluster may take over one request about its topics.
const ADMIN_WAIT_MAX: Duration = Duration::from_secs(15);

const CLEANUP_POLICY: &str = "cleanup.policy";
const RETENTION_MS: &str = "retention.ms";

/// A topic as it must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Topic {
    /// Its contract name, without the prefix of an installation.
    pub name: String,
    /// Never changed afterwards: a key's facts keep their order only as long as the key keeps its partition.
    pub partitions: i32,
    pub replication: i32,
    /// Compacted topics keep the last record of each key for ever; the others keep every record for `retention`.
    pub compacted: bool,
    pub retention: Duration,
}

/// How an installation makes its topics.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TopicSettings {
    /// Also the most consumers of one group that share the work.
    pub partitions: i32,
    /// Replicas of each partition; 3 where losing a broker must lose nothing.
    pub replication: i32,
    /// How long records stay on topics that are not compacted.
    pub retention_days: u32,
}

impl Default for TopicSettings {
    fn default() -> TopicSettings {
        TopicSettings { partitions: 6, replication: 1, retention_days: 14 }
    }
}

impl TopicSettings {
    /// Declares a topic of the installation's size.
    pub fn topic(&self, name: &str, compacted: bool) -> Topic {
        Topic {
            name: name.to_owned(),
            partitions: self.partitions,
            replication: self.replication,
            compacted,
            retention: Duration::from_hours(24 * u64::from(self.retention_days)),
        }
    }
}

/// Topics that are not as declared.
#[derive(Debug, thiserror::Error)]
pub enum TopicsError {
    #[error(transparent)]
    Config(#[from] KafkaConfigError),
    #[error("kafka does not answer about topics")]
    Unreachable(#[from] KafkaError),
    #[error("topic {topic} could not be made: {code}")]
    NotMade { topic: String, code: RDKafkaErrorCode },
    #[error("topic {topic} has {found} partitions and {declared} are declared; they cannot be changed")]
    Partitions { topic: String, found: usize, declared: i32 },
    #[error("topic {topic} has cleanup.policy {found} and {declared} is declared")]
    CleanupPolicy { topic: String, found: String, declared: &'static str },
}

impl Topic {
    const fn cleanup_policy(&self) -> &'static str {
        if self.compacted { "compact" } else { "delete" }
    }
}

/// Makes the topics that are missing and checks those that exist. A retention that an operator has changed is left alone.
pub async fn ensure(kafka: &KafkaConfig, topics: &[Topic]) -> Result<(), TopicsError> {
    let admin: Arc<AdminClient<DefaultClientContext>> = Arc::new(kafka.client()?.create()?);
    let existing = partition_counts(Arc::clone(&admin)).await?;
    let (mut found, mut missing) = (Vec::new(), Vec::new());
    for topic in topics {
        let name = kafka.prefixed(&topic.name);
        match existing.iter().find(|(existing, _)| *existing == name) {
            Some((_, partitions)) => found.push((topic, name, *partitions)),
            None => missing.push((topic, name)),
        }
    }
    for (topic, name, partitions) in &found {
        if usize::try_from(topic.partitions) != Ok(*partitions) {
            return Err(TopicsError::Partitions {
                topic: name.clone(),
                found: *partitions,
                declared: topic.partitions,
            });
        }
    }
    check_policies(&admin, &found).await?;
    make(&admin, &missing).await
}

/// Every topic of the cluster with its number of partitions. The whole list is requested: a cluster may be set up to make a
/// topic whose metadata is requested by name.
async fn partition_counts(
    admin: Arc<AdminClient<DefaultClientContext>>,
) -> Result<Vec<(String, usize)>, TopicsError> {
    let metadata = tokio::task::spawn_blocking(move || {
        let metadata = admin.inner().fetch_metadata(None, ADMIN_WAIT_MAX)?;
        let count =
            |topic: &rdkafka::metadata::MetadataTopic| (topic.name().to_owned(), topic.partitions().len());
        Ok::<_, KafkaError>(metadata.topics().iter().map(count).collect())
    });
    Ok(metadata.await.expect("invariant: reading metadata does not panic")?)
}

async fn check_policies(
    admin: &AdminClient<DefaultClientContext>,
    found: &[(&Topic, String, usize)],
) -> Result<(), TopicsError> {
    if found.is_empty() {
        return Ok(());
    }
    let resources: Vec<_> = found.iter().map(|(_, name, _)| ResourceSpecifier::Topic(name)).collect();
    let answers = admin.describe_configs(&resources, &options()).await?;
    for ((topic, name, _), answer) in found.iter().zip(answers) {
        let described = answer.map_err(|code| TopicsError::NotMade { topic: name.clone(), code })?;
        let policy = described.get(CLEANUP_POLICY).and_then(|entry| entry.value.clone()).unwrap_or_default();
        if policy != topic.cleanup_policy() {
            return Err(TopicsError::CleanupPolicy {
                topic: name.clone(),
                found: policy,
                declared: topic.cleanup_policy(),
            });
        }
    }
    Ok(())
}

async fn make(
    admin: &AdminClient<DefaultClientContext>,
    missing: &[(&Topic, String)],
) -> Result<(), TopicsError> {
    if missing.is_empty() {
        return Ok(());
    }
    let retentions: Vec<String> =
        missing.iter().map(|(topic, _)| topic.retention.as_millis().to_string()).collect();
    let new_topics: Vec<NewTopic<'_>> = missing
        .iter()
        .zip(&retentions)
        .map(|((topic, name), retention)| {
            let replication = TopicReplication::Fixed(topic.replication);
            let new = NewTopic::new(name, topic.partitions, replication)
                .set(CLEANUP_POLICY, topic.cleanup_policy());
            if topic.compacted { new } else { new.set(RETENTION_MS, retention) }
        })
        .collect();
    for answer in admin.create_topics(&new_topics, &options()).await? {
        match answer {
            // Another replica of the service was faster.
            Ok(_) | Err((_, RDKafkaErrorCode::TopicAlreadyExists)) => {}
            Err((topic, code)) => return Err(TopicsError::NotMade { topic, code }),
        }
    }
    Ok(())
}

fn options() -> AdminOptions {
    AdminOptions::new().request_timeout(Some(ADMIN_WAIT_MAX)).operation_timeout(Some(ADMIN_WAIT_MAX))
}

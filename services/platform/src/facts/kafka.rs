//! How the Kafka clients are configured: what an installation may set, and what is fixed for correctness.

use std::collections::BTreeMap;

use rdkafka::ClientConfig;
use serde::Deserialize;

use super::TopicSettings;
use crate::config::Secret;

/// How to reach Kafka.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KafkaConfig {
    /// `host:port`, several separated by commas.
    pub brokers: String,
    /// Put before every topic and consumer group, so that installations and tests can share a cluster. Empty in production.
    #[serde(default)]
    pub topic_prefix: String,
    /// Further properties of librdkafka, above all those of security: `security_protocol`, `sasl_mechanism`,
    /// `sasl_username`, `ssl_ca_location` ... Written with `_` for `.`, so that an environment variable can name them.
    /// Secret as a whole, since passwords are among them.
    #[serde(default)]
    pub properties: BTreeMap<String, Secret>,
    /// How the topics are made.
    #[serde(default)]
    pub topics: TopicSettings,
}

/// A Kafka configuration that no client can be made of.
#[derive(Debug, thiserror::Error)]
pub enum KafkaConfigError {
    #[error("kafka.properties.{name} cannot be set: {reason}")]
    Reserved { name: String, reason: &'static str },
    #[error("kafka.brokers is empty")]
    NoBrokers,
}

/// Facts would be lost, doubled or out of order if these could be changed.
const RESERVED: &[(&str, &str)] = &[
    ("bootstrap.servers", "kafka.brokers says it"),
    ("group.id", "the handler names its group"),
    ("enable.auto.commit", "offsets are committed after the effect"),
    ("enable.auto.offset.store", "offsets are committed after the effect"),
    ("auto.offset.reset", "a new handler reads from the beginning"),
    ("partition.assignment.strategy", "members of one group must agree"),
    ("enable.idempotence", "a retry must not double a fact"),
    ("enable.gapless.guarantee", "a failed fact holds back those after it"),
    ("acks", "a fact is published when every replica in sync has it"),
    ("message.timeout.ms", "a fact that expires in the queue would be overtaken"),
    ("partitioner", "all publishers must agree where a key goes"),
];

/// A broker that comes back is found again within this, in milliseconds (librdkafka waits up to 10 s by default).
const RECONNECT_WAIT_MS_MAX: &str = "1000";

/// What one page of facts may wait in the producer, in KiB: four times the relay's page.
const PRODUCER_QUEUE_KIB_MAX: &str = "65536";

/// What the consumer fetches ahead, over all partitions, in KiB.
const CONSUMER_QUEUE_KIB_MAX: &str = "16384";

impl KafkaConfig {
    /// For a broker without security, as tests and the local stack have it.
    pub fn plaintext(brokers: impl Into<String>, topic_prefix: impl Into<String>) -> KafkaConfig {
        KafkaConfig {
            brokers: brokers.into(),
            topic_prefix: topic_prefix.into(),
            properties: BTreeMap::new(),
            topics: TopicSettings::default(),
        }
    }

    /// The name of a topic or a group on this cluster.
    pub fn prefixed(&self, name: &str) -> String {
        format!("{}{name}", self.topic_prefix)
    }

    /// The contract name of a topic of this cluster.
    pub fn contract_name<'a>(&self, topic: &'a str) -> &'a str {
        topic.strip_prefix(&self.topic_prefix).unwrap_or(topic)
    }

    /// What any client needs.
    pub fn client(&self) -> Result<ClientConfig, KafkaConfigError> {
        if self.brokers.is_empty() {
            return Err(KafkaConfigError::NoBrokers);
        }
        let mut client = ClientConfig::new();
        client
            .set("bootstrap.servers", &self.brokers)
            .set("client.id", "countinghouse")
            .set("socket.keepalive.enable", "true")
            .set("reconnect.backoff.max.ms", RECONNECT_WAIT_MS_MAX);
        for (name, value) in &self.properties {
            let property = name.replace('_', ".");
            if let Some((_, reason)) = RESERVED.iter().find(|(reserved, _)| *reserved == property) {
                return Err(KafkaConfigError::Reserved { name: name.clone(), reason });
            }
            client.set(property, value.expose());
        }
        Ok(client)
    }

    /// A producer that neither doubles nor reorders, and never drops a record while a later one of the same partition is
    /// sent: it waits for the broker without a limit (whoever sends gives up by purging everything), and an error that
    /// would leave a gap stops it permanently.
    pub fn producer(&self) -> Result<ClientConfig, KafkaConfigError> {
        let mut client = self.client()?;
        client
            .set("enable.idempotence", "true")
            .set("enable.gapless.guarantee", "true")
            .set("acks", "all")
            .set("message.timeout.ms", "0")
            .set("partitioner", "murmur2_random")
            .set("queue.buffering.max.kbytes", PRODUCER_QUEUE_KIB_MAX);
        self.default(&mut client, "linger.ms", "2");
        self.default(&mut client, "compression.type", "lz4");
        Ok(client)
    }

    /// A member of a consumer group that commits nothing by itself.
    pub fn consumer(&self, group: &str) -> Result<ClientConfig, KafkaConfigError> {
        let mut client = self.client()?;
        client
            .set("group.id", self.prefixed(group))
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("auto.offset.reset", "earliest")
            .set("partition.assignment.strategy", "cooperative-sticky");
        self.default(&mut client, "queued.max.messages.kbytes", CONSUMER_QUEUE_KIB_MAX);
        // A member that dies is replaced within ten seconds, not 45.
        self.default(&mut client, "session.timeout.ms", "10000");
        self.default(&mut client, "heartbeat.interval.ms", "2000");
        // A topic that is made after the consumer began is found within seconds, not five minutes.
        self.default(&mut client, "topic.metadata.refresh.interval.ms", "10000");
        Ok(client)
    }

    /// Sets what an installation may set otherwise.
    fn default(&self, client: &mut ClientConfig, property: &str, value: &str) {
        if !self.properties.contains_key(&property.replace('.', "_"))
            && !self.properties.contains_key(property)
        {
            client.set(property, value);
        }
    }
}

#[cfg(test)]
mod tests {
    use rdkafka::producer::BaseProducer;

    use super::*;

    fn with(properties: &str) -> KafkaConfig {
        let text = format!("brokers = 'b:9092'\ntopic_prefix = 'x.'\n[properties]\n{properties}");
        config::Config::builder()
            .add_source(config::File::from_str(&text, config::FileFormat::Toml))
            .build()
            .unwrap()
            .try_deserialize()
            .unwrap()
    }

    #[test]
    fn passes_properties_of_security_on_and_hides_them() {
        let kafka = with("security_protocol = 'sasl_plaintext'\nsasl_password = 'hush'");
        let client = kafka.client().unwrap();
        assert_eq!(client.get("security.protocol"), Some("sasl_plaintext"));
        assert_eq!(client.get("sasl.password"), Some("hush"));
        assert!(!format!("{kafka:?}").contains("hush"));
    }

    #[test]
    fn tls_and_sasl_are_built_in() {
        let kafka = with(
            "security_protocol = 'sasl_ssl'\nsasl_mechanism = 'SCRAM-SHA-512'\nsasl_username = 'accounting'\n\
             sasl_password = 'hush'\nssl_ca_location = 'probe'",
        );
        kafka.producer().unwrap().create::<BaseProducer>().unwrap();
        let unknown = with("security_protocol = 'telepathy'").producer().unwrap();
        assert!(unknown.create::<BaseProducer>().is_err(), "what librdkafka does not know is refused");
    }

    #[test]
    fn an_installation_tunes_but_cannot_break_delivery() {
        let tuned = with("linger_ms = '20'").producer().unwrap();
        assert_eq!(tuned.get("linger.ms"), Some("20"));
        for (property, _) in RESERVED {
            let name = property.replace('.', "_");
            let error = with(&format!("{name} = '1'")).producer().unwrap_err();
            assert!(error.to_string().contains(&name), "{error}");
        }
    }

    #[test]
    fn names_go_to_the_cluster_with_the_prefix_and_come_back_without() {
        let kafka = with("");
        assert_eq!(kafka.prefixed("countinghouse.a.b.v1"), "x.countinghouse.a.b.v1");
        assert_eq!(kafka.contract_name("x.countinghouse.a.b.v1"), "countinghouse.a.b.v1");
    }
}

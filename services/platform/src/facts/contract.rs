//! Where each message of the contract is published, read from its `(countinghouse.event.v1.fact)` option.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
};

use bytes::Bytes;
use chrono::SubsecRound;
use prost::Name;
use prost_reflect::{DescriptorPool, Kind, MessageDescriptor};
use proto_common::options;
use serde::{
    Serialize,
    de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor},
};

use super::{Fact, FactMetadata, PAYLOAD_BYTES_MAX, Topic, TopicSettings};

const FACT_OPTION: &str = "countinghouse.event.v1.fact";

/// The facts of a contract.
#[derive(Debug)]
pub struct Contract {
    facts: HashMap<String, Publication>,
}

/// Where one message is published.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Publication {
    topic: String,
    kind: String,
    /// The key's field by its JSON name.
    key_field: String,
    compacted: bool,
}

/// A message that cannot be published: the fault is in the contract or in the code that made the message.
#[derive(Debug, thiserror::Error)]
pub enum FactError {
    #[error("message {message} has no ({FACT_OPTION}) option")]
    NotAFact { message: String },
    #[error("message {message} has no key: field {field} is missing or empty")]
    KeyMissing { message: String, field: String },
    #[error(
        "message {message} is {bytes} bytes as JSON, more than the {PAYLOAD_BYTES_MAX} that a fact may have"
    )]
    TooLarge { message: String, bytes: usize },
    #[error("message {message} cannot be written as JSON")]
    NotJson { message: String, source: serde_json::Error },
}

/// A `(countinghouse.event.v1.fact)` option that is not valid.
#[derive(Debug, thiserror::Error)]
pub enum ContractError {
    #[error("message {message}: `{part}` of its fact option is empty")]
    Incomplete { message: String, part: &'static str },
    #[error("message {message}: key_field {field} is not a singular string field of it")]
    NoSuchKey { message: String, field: String },
    #[error("topic {topic} is compacted by one message and not by another")]
    Compaction { topic: String },
}

impl Contract {
    /// Reads the facts of a contract and checks their options.
    pub fn of(pool: &DescriptorPool) -> Result<Contract, ContractError> {
        let mut facts = HashMap::new();
        for message in pool.all_messages() {
            if let Some(fact) = options::fact(&message) {
                facts.insert(message.full_name().to_owned(), Publication::read(&message, fact)?);
            }
        }
        let contract = Contract { facts };
        contract.check_compaction()?;
        Ok(contract)
    }

    /// Makes a fact of a message, whose `(countinghouse.event.v1.fact)` option says topic, type and key.
    pub fn fact<M: Name + Serialize>(&self, message: &M, metadata: FactMetadata) -> Result<Fact, FactError> {
        let message_name = &M::full_name();
        let publication = self
            .facts
            .get(message_name)
            .ok_or_else(|| FactError::NotAFact { message: message_name.clone() })?;
        let not_json = |source| FactError::NotJson { message: message_name.clone(), source };
        let payload = serde_json::to_vec(message).map_err(not_json)?;
        if payload.len() > PAYLOAD_BYTES_MAX {
            return Err(FactError::TooLarge { message: message_name.clone(), bytes: payload.len() });
        }
        let key = StringField(&publication.key_field)
            .deserialize(&mut serde_json::Deserializer::from_slice(&payload))
            .map_err(not_json)?
            .filter(|key| !key.is_empty())
            .ok_or_else(|| FactError::KeyMissing {
                message: message_name.clone(),
                field: publication.key_field.clone(),
            })?;
        Ok(Fact {
            id: metadata.id,
            topic: publication.topic.clone(),
            kind: publication.kind.clone(),
            key,
            time: metadata.time.trunc_subsecs(6),
            actor: metadata.actor,
            correlation_id: metadata.correlation_id,
            traceparent: metadata.traceparent,
            payload: Bytes::from(payload),
        })
    }

    /// The topics that a service publishes to, as declared by the contract and sized by the installation's settings.
    pub fn topics(&self, service: &str, settings: &TopicSettings) -> Vec<Topic> {
        let prefix = format!("countinghouse.{service}.");
        let names: BTreeMap<&str, bool> = self
            .facts
            .values()
            .filter(|publication| publication.topic.starts_with(&prefix))
            .map(|publication| (publication.topic.as_str(), publication.compacted))
            .collect();
        names.into_iter().map(|(name, compacted)| settings.topic(name, compacted)).collect()
    }

    /// The topics of a service that are compacted, by their contract names.
    pub fn compacted(&self, service: &str) -> impl Iterator<Item = &str> {
        let prefix = format!("countinghouse.{service}.");
        let publications = self.facts.values().filter(|publication| publication.compacted);
        publications
            .map(|publication| publication.topic.as_str())
            .filter(move |topic| topic.starts_with(&prefix))
    }

    fn check_compaction(&self) -> Result<(), ContractError> {
        let mut topics = HashMap::new();
        for publication in self.facts.values() {
            let compacted = *topics.entry(publication.topic.as_str()).or_insert(publication.compacted);
            if compacted != publication.compacted {
                return Err(ContractError::Compaction { topic: publication.topic.clone() });
            }
        }
        Ok(())
    }
}

impl Publication {
    fn read(
        message: &MessageDescriptor,
        fact: proto_common::event::v1::Fact,
    ) -> Result<Publication, ContractError> {
        let named = |part: &'static str, text: String| {
            if text.is_empty() {
                return Err(ContractError::Incomplete { message: message.full_name().to_owned(), part });
            }
            Ok(text)
        };
        let key_field = named("key_field", fact.key_field)?;
        let key = message
            .get_field_by_name(&key_field)
            .filter(|field| field.kind() == Kind::String && !field.is_list())
            .ok_or_else(|| ContractError::NoSuchKey {
                message: message.full_name().to_owned(),
                field: key_field.clone(),
            })?;
        Ok(Publication {
            topic: named("topic", fact.topic)?,
            kind: named("type", fact.r#type)?,
            key_field: key.json_name().to_owned(),
            compacted: fact.compacted,
        })
    }
}

/// Reads one string field of a JSON object and skips the rest, without building them.
struct StringField<'a>(&'a str);

impl<'de> DeserializeSeed<'de> for StringField<'_> {
    type Value = Option<String>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for StringField<'_> {
    type Value = Option<String>;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "an object with the string field {}", self.0)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut found = None;
        while let Some(name) = map.next_key::<String>()? {
            if name == self.0 {
                found = Some(map.next_value()?);
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(found)
    }
}

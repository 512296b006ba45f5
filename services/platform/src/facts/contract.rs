//! Where each message of the contract is published, read from its `(countinghouse.event.v1.fact)` option.

use std::{
    collections::{BTreeMap, HashMap},
    fmt,
    sync::LazyLock,
};

use bytes::Bytes;
use chrono::SubsecRound;
use prost_reflect::{DescriptorPool, Kind, MessageDescriptor, Value};
use serde::{
    Serialize,
    de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, Visitor},
};

use super::{Fact, PAYLOAD_BYTES_MAX, Stamp, Topic, TopicSettings};

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

/// A `(countinghouse.event.v1.fact)` option that cannot hold.
#[derive(Debug, thiserror::Error)]
pub enum ContractError {
    #[error("the contract does not define the option ({FACT_OPTION})")]
    NoOption,
    #[error("message {message}: `{part}` of its fact option is empty")]
    Incomplete { message: String, part: &'static str },
    #[error("message {message}: key_field {field} is not a singular string field of it")]
    NoSuchKey { message: String, field: String },
    #[error("topic {topic} is compacted by one message and not by another")]
    Compaction { topic: String },
}

impl Contract {
    /// The contract that this build ships.
    pub fn shipped() -> &'static Contract {
        static SHIPPED: LazyLock<Contract> = LazyLock::new(|| {
            Contract::of(countinghouse_proto::descriptor_pool())
                .expect("invariant: the fact options of the shipped contract hold (a test reads them)")
        });
        &SHIPPED
    }

    /// Reads the facts of a contract and checks their options.
    pub fn of(pool: &DescriptorPool) -> Result<Contract, ContractError> {
        let option = pool.get_extension_by_name(FACT_OPTION).ok_or(ContractError::NoOption)?;
        let mut facts = HashMap::new();
        for message in pool.all_messages() {
            let options = message.options();
            if !options.has_extension(&option) {
                continue;
            }
            let publication = Publication::read(&message, &options.get_extension(&option))?;
            facts.insert(message.full_name().to_owned(), publication);
        }
        let contract = Contract { facts };
        contract.check_compaction()?;
        Ok(contract)
    }

    /// Makes a fact of a message; see [`super::fact`].
    pub fn fact<M: Serialize>(
        &self,
        message_name: &str,
        message: &M,
        stamp: Stamp,
    ) -> Result<Fact, FactError> {
        let publication = self
            .facts
            .get(message_name)
            .ok_or_else(|| FactError::NotAFact { message: message_name.to_owned() })?;
        let not_json = |source| FactError::NotJson { message: message_name.to_owned(), source };
        let payload = serde_json::to_vec(message).map_err(not_json)?;
        if payload.len() > PAYLOAD_BYTES_MAX {
            return Err(FactError::TooLarge { message: message_name.to_owned(), bytes: payload.len() });
        }
        let key = StringField(&publication.key_field)
            .deserialize(&mut serde_json::Deserializer::from_slice(&payload))
            .map_err(not_json)?
            .filter(|key| !key.is_empty())
            .ok_or_else(|| FactError::KeyMissing {
                message: message_name.to_owned(),
                field: publication.key_field.clone(),
            })?;
        Ok(Fact {
            id: stamp.id,
            topic: publication.topic.clone(),
            kind: publication.kind.clone(),
            key,
            time: stamp.time.trunc_subsecs(6),
            actor: stamp.actor,
            correlation_id: stamp.correlation_id,
            traceparent: stamp.traceparent,
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
    fn read(message: &MessageDescriptor, option: &Value) -> Result<Publication, ContractError> {
        let text = |part: &'static str| {
            option
                .as_message()
                .and_then(|option| option.get_field_by_name(part)?.as_str().map(str::to_owned))
                .filter(|text| !text.is_empty())
                .ok_or_else(|| ContractError::Incomplete { message: message.full_name().to_owned(), part })
        };
        let key_field = text("key_field")?;
        let key = message
            .get_field_by_name(&key_field)
            .filter(|field| field.kind() == Kind::String && !field.is_list())
            .ok_or_else(|| ContractError::NoSuchKey {
                message: message.full_name().to_owned(),
                field: key_field.clone(),
            })?;
        Ok(Publication {
            topic: text("topic")?,
            kind: text("type")?,
            key_field: key.json_name().to_owned(),
            compacted: option
                .as_message()
                .and_then(|option| option.get_field_by_name("compacted")?.as_bool())
                .unwrap_or(false),
        })
    }
}

/// Reads one string field of a JSON object and steps over the rest, without building them.
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

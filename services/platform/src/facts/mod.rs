//! Facts: what has happened, as it travels on Kafka.
//!
//! A [`Fact`] is made from a message of the contract ([`Contract::fact`]), kept until it is published (the [outbox](crate::outbox) or a
//! journal of the service's own), published by the [relay](crate::relay), and read by a [consumer](crate::consumer) as a
//! [`Record`]. On the wire it is a CloudEvent 1.0 in Kafka's binary mode: [`record`] has the headers, the value is JSON.

pub mod contract;
pub mod kafka;
pub mod record;
pub mod topics;

use bytes::Bytes;
use chrono::{DateTime, Utc};
use uuid::Uuid;

pub use self::{
    contract::{Contract, FactError},
    kafka::KafkaConfig,
    record::{RawRecord, Record},
    topics::{Topic, TopicSettings},
};

/// The largest payload of a fact, in bytes. Kafka takes records of 1 MiB by default; this leaves room for the key
/// and the headers. `CHECK outbox_payload_bounded` repeats it.
pub const PAYLOAD_BYTES_MAX: usize = 768 * 1024;

/// Something that has happened, ready to be published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// `ce_id`: the same however often the fact is delivered. Consumers know a duplicate by it.
    pub id: Uuid,
    /// The topic by its contract name, without the prefix of an installation.
    pub topic: String,
    /// `ce_type`: `countinghouse.<service>.<aggregate>.v1.<FactInThePastTense>`.
    pub kind: String,
    /// The record's key and `ce_subject`: which aggregate it is about. Facts of one key keep their order.
    pub key: String,
    /// `ce_time`: when it was recorded, to the microsecond.
    pub time: DateTime<Utc>,
    /// Who caused it.
    pub actor: String,
    /// The request that caused it.
    pub correlation_id: Uuid,
    /// W3C trace context of that request.
    pub traceparent: Option<String>,
    /// The message as JSON, by the protobuf JSON mapping. At most [`PAYLOAD_BYTES_MAX`] bytes.
    pub payload: Bytes,
}

/// What a fact carries besides its message: its identity, and where it came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FactMetadata {
    pub id: Uuid,
    pub time: DateTime<Utc>,
    pub actor: String,
    pub correlation_id: Uuid,
    pub traceparent: Option<String>,
}

//! A fact as a Kafka record: a CloudEvent 1.0 in binary mode, written and read.

use bytes::Bytes;
use chrono::{DateTime, SecondsFormat, Utc};
use proto_common::Published;
use rdkafka::{
    Message,
    message::{Header, Headers, OwnedHeaders},
};
use serde::de::{DeserializeOwned, Error as _};
use uuid::Uuid;

use super::Fact;

const SPECVERSION: &str = "ce_specversion";
const ID: &str = "ce_id";
const TYPE: &str = "ce_type";
const SOURCE: &str = "ce_source";
const SUBJECT: &str = "ce_subject";
const TIME: &str = "ce_time";
const CONTENT_TYPE: &str = "content-type";
const TRACEPARENT: &str = "traceparent";
const ACTOR: &str = "actor";
const CORRELATION_ID: &str = "correlationid";

const CLOUDEVENTS_VERSION: &str = "1.0";
const JSON: &str = "application/json";
const HEADERS_COUNT: usize = 10;

/// A fact as it was read from Kafka.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The fact, as it was published.
    pub fact: Fact,
    /// `ce_source`: the service that published it, as `/countinghouse/accounting`.
    pub source: String,
    pub partition: i32,
    pub offset: i64,
}

impl Record {
    /// The fact as a message of the contract. A reader of several kinds matches on `fact.kind` first.
    pub fn decode<M: Published + DeserializeOwned>(&self) -> Result<M, serde_json::Error> {
        if self.fact.kind != M::KIND {
            return Err(serde_json::Error::custom(format!("{} is not {}", self.fact.kind, M::KIND)));
        }
        serde_json::from_slice(&self.fact.payload)
    }
}

/// A Kafka record that nobody has made sense of yet. Dead letters keep it whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RawRecord {
    /// The topic by its contract name, without the prefix of an installation.
    pub topic: String,
    pub partition: i32,
    pub offset: i64,
    pub key: Option<Bytes>,
    pub headers: Vec<(String, Option<Bytes>)>,
    pub payload: Option<Bytes>,
}

/// A record that is not a fact of ours.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unreadable {
    #[error("header {name} is missing")]
    HeaderMissing { name: &'static str },
    #[error("header {name} is not {rule}")]
    HeaderInvalid { name: &'static str, rule: &'static str },
    #[error("the record has no value")]
    PayloadMissing,
    #[error("the record's key is not its ce_subject")]
    KeyNotSubject,
}

/// The headers of a fact that `source` publishes.
pub fn headers(fact: &Fact, source: &str) -> OwnedHeaders {
    let text =
        |headers: OwnedHeaders, key: &str, value: &str| headers.insert(Header { key, value: Some(value) });
    let mut uuid = Uuid::encode_buffer();
    let mut headers = OwnedHeaders::new_with_capacity(HEADERS_COUNT);
    headers = text(headers, SPECVERSION, CLOUDEVENTS_VERSION);
    headers = text(headers, ID, fact.id.hyphenated().encode_lower(&mut uuid));
    headers = text(headers, TYPE, &fact.kind);
    headers = text(headers, SOURCE, source);
    headers = text(headers, SUBJECT, &fact.key);
    headers = text(headers, TIME, &fact.time.to_rfc3339_opts(SecondsFormat::Micros, true));
    headers = text(headers, CONTENT_TYPE, JSON);
    headers = text(headers, ACTOR, &fact.actor);
    headers = text(headers, CORRELATION_ID, fact.correlation_id.hyphenated().encode_lower(&mut uuid));
    match &fact.traceparent {
        Some(traceparent) => text(headers, TRACEPARENT, traceparent),
        None => headers,
    }
}

impl RawRecord {
    /// Copies a message out of the client. `topic` is its contract name.
    pub fn copy(message: &impl Message, topic: &str) -> RawRecord {
        let headers = message.headers().map_or_else(Vec::new, |headers| {
            headers
                .iter()
                .map(|header| (header.key.to_owned(), header.value.map(Bytes::copy_from_slice)))
                .collect()
        });
        RawRecord {
            topic: topic.to_owned(),
            partition: message.partition(),
            offset: message.offset(),
            key: message.key().map(Bytes::copy_from_slice),
            headers,
            payload: message.payload().map(Bytes::copy_from_slice),
        }
    }

    /// What the record holds in memory, in bytes, near enough to bound a queue by.
    pub fn bytes(&self) -> usize {
        let length = |bytes: &Option<Bytes>| bytes.as_ref().map_or(0, Bytes::len);
        let headers: usize = self.headers.iter().map(|(name, value)| name.len() + length(value)).sum();
        length(&self.key) + headers + length(&self.payload)
    }

    /// Reads the fact in the record.
    pub fn read(&self) -> Result<Record, Unreadable> {
        if self.text(SPECVERSION)? != CLOUDEVENTS_VERSION {
            return Err(Unreadable::HeaderInvalid { name: SPECVERSION, rule: "1.0" });
        }
        if self.text(CONTENT_TYPE)? != JSON {
            return Err(Unreadable::HeaderInvalid { name: CONTENT_TYPE, rule: JSON });
        }
        let subject = self.text(SUBJECT)?;
        if self.key.as_deref() != Some(subject.as_bytes()) {
            return Err(Unreadable::KeyNotSubject);
        }
        let fact = Fact {
            id: self.uuid(ID)?,
            topic: self.topic.clone(),
            kind: self.text(TYPE)?.to_owned(),
            key: subject.to_owned(),
            time: self.time()?,
            actor: self.text(ACTOR)?.to_owned(),
            correlation_id: self.uuid(CORRELATION_ID)?,
            traceparent: self.text(TRACEPARENT).ok().map(str::to_owned),
            payload: self.payload.clone().ok_or(Unreadable::PayloadMissing)?,
        };
        Ok(Record {
            fact,
            source: self.text(SOURCE)?.to_owned(),
            partition: self.partition,
            offset: self.offset,
        })
    }

    fn text(&self, name: &'static str) -> Result<&str, Unreadable> {
        let value = self
            .headers
            .iter()
            .find_map(|(header, value)| if header == name { value.as_ref() } else { None })
            .ok_or(Unreadable::HeaderMissing { name })?;
        str::from_utf8(value).map_err(|_| Unreadable::HeaderInvalid { name, rule: "UTF-8" })
    }

    fn uuid(&self, name: &'static str) -> Result<Uuid, Unreadable> {
        self.text(name)?.parse().map_err(|_| Unreadable::HeaderInvalid { name, rule: "a UUID" })
    }

    fn time(&self) -> Result<DateTime<Utc>, Unreadable> {
        DateTime::parse_from_rfc3339(self.text(TIME)?)
            .map(|time| time.to_utc())
            .map_err(|_| Unreadable::HeaderInvalid { name: TIME, rule: "an RFC 3339 time" })
    }
}

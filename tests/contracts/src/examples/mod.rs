//! A record of each fact, for the documents: made of typed messages by the way that services make theirs, so that an example
//! is what is really sent. Each service has a file here.

mod accounting;
mod voucher;

use std::sync::OnceLock;

use anyhow::{Context, Result};
use chrono::{DateTime, Utc};
use pbjson_types::Timestamp;
use platform::facts::{self, Fact, FactMetadata, record};
use prost::Name;
use rdkafka::message::Headers;
use serde::Serialize;
use uuid::Uuid;

use testkit::contract::PublishedFact;

/// A record as it is on Kafka.
#[derive(Debug)]
pub struct Example {
    pub fact: Fact,
    /// The headers, in the order in which they are sent.
    pub headers: Vec<(String, String)>,
    /// The value, on many lines.
    pub value: String,
}

/// The example of a fact.
pub fn of(published: &PublishedFact) -> Result<Example> {
    let name = published.message.full_name();
    let (_, make) = [accounting::EXAMPLES, voucher::EXAMPLES]
        .into_iter()
        .flatten()
        .find(|(message, _)| *message == name)
        .with_context(|| format!("{name} has no example"))?;
    let (fact, value) = make()?;
    let headers = headers(&fact, &published.source())?;
    Ok(Example { fact, headers, value })
}

/// Makes a fact of an example, and its value on many lines.
type Make = fn() -> Result<(Fact, String)>;

/// Where each fact is published.
fn published() -> Result<&'static facts::Contract> {
    static CONTRACT: OnceLock<facts::Contract> = OnceLock::new();
    if let Some(contract) = CONTRACT.get() {
        return Ok(contract);
    }
    let contract = facts::Contract::of(testkit::contract::pool())?;
    Ok(CONTRACT.get_or_init(|| contract))
}

fn time(text: &str) -> Result<Timestamp> {
    let time = DateTime::parse_from_rfc3339(text).with_context(|| format!("not a time: {text}"))?;
    Ok(time.to_utc().into())
}

/// A fact of this message, caused by `actor` at this time.
fn caused_by<M: Name + Serialize>(actor: &str, time: &str, message: &M) -> Result<(Fact, String)> {
    let metadata = FactMetadata {
        id: Uuid::parse_str("019ab3f0-6a5e-7c21-9d53-4e8f0a1b2c3d")?,
        time: DateTime::parse_from_rfc3339(time)?.with_timezone(&Utc),
        actor: actor.to_owned(),
        correlation_id: Uuid::parse_str("019ab3f0-6a40-7f0e-8b11-2d3c4b5a6978")?,
        traceparent: Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned()),
    };
    Ok((published()?.fact(message, metadata)?, serde_json::to_string_pretty(message)?))
}

fn headers(fact: &Fact, source: &str) -> Result<Vec<(String, String)>> {
    let headers = record::headers(fact, source);
    let text = |value: Option<&[u8]>| anyhow::Ok(str::from_utf8(value.unwrap_or_default())?.to_owned());
    headers.iter().map(|header| Ok((header.key.to_owned(), text(header.value)?))).collect()
}

//! Facts: made of the contract's messages, sized, declared to Kafka, written as records and read back.

use bytes::Bytes;
use chrono::DateTime;
use platform::{
    facts::{
        Contract, Fact, FactError, FactMetadata, PAYLOAD_BYTES_MAX, RawRecord, Record, Topic, TopicSettings,
        contract::ContractError,
        record::{self, Unreadable},
        topics::{self, TopicsError},
    },
    outbox::{self, AppendError, OutboxSource},
    relay::FactSource,
};
use proptest::prelude::*;
use prost::Name;
use proto_common::Published;
use protox::file::{ChainFileResolver, DescriptorSetFileResolver, File, FileResolver, GoogleFileResolver};
use rdkafka::{
    Timestamp,
    message::{OwnedHeaders, OwnedMessage},
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, ser::Error as _};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::support::bench::{Bench, MARKS, NOTES, SERVICE, note};

/// A message of the contract whose JSON is what the test makes of it.
#[derive(Clone, PartialEq, prost::Message)]
struct NoteWritten {
    #[prost(string, tag = "1")]
    json: String,
}

impl Name for NoteWritten {
    const NAME: &'static str = "NoteWritten";
    const PACKAGE: &'static str = "countinghouse.test.v1";
}

impl Published for NoteWritten {
    const TOPIC: &'static str = NOTES;
    const KIND: &'static str = "countinghouse.test.note.v1.NoteWritten";
}

impl<'de> Deserialize<'de> for NoteWritten {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Value::deserialize(deserializer).map(|json| written(&json))
    }
}

impl Serialize for NoteWritten {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let json: Value = serde_json::from_str(&self.json).map_err(S::Error::custom)?;
        json.serialize(serializer)
    }
}

fn written(json: &Value) -> NoteWritten {
    NoteWritten { json: json.to_string() }
}

/// A message of the contract that is no fact.
#[derive(Clone, PartialEq, prost::Message, Serialize)]
struct Writer {
    #[prost(string, tag = "1")]
    #[serde(rename = "noteName")]
    note_name: String,
}

impl Name for Writer {
    const NAME: &'static str = "Writer";
    const PACKAGE: &'static str = "countinghouse.test.v1";
}

/// A file that is not on disk.
struct Text(String);

impl FileResolver for Text {
    fn open_file(&self, name: &str) -> Result<File, protox::Error> {
        if name == "test.proto" {
            File::from_source(name, &self.0)
        } else {
            Err(protox::Error::file_not_found(name))
        }
    }
}

/// A contract of one file, whose messages are `messages`.
fn contract(messages: &str) -> Result<Contract, ContractError> {
    let text = format!(
        r#"syntax = "proto3";
           package countinghouse.test.v1;
           import "countinghouse/event/v1/envelope.proto";
           {messages}"#
    );
    let mut files = ChainFileResolver::new();
    files.add(Text(text));
    files.add(
        DescriptorSetFileResolver::decode(proto_common::descriptors().encode_to_vec().as_slice()).unwrap(),
    );
    files.add(GoogleFileResolver::new());
    let mut compiler = protox::Compiler::with_file_resolver(files);
    compiler.include_imports(true).open_file("test.proto").unwrap();
    Contract::of(&compiler.descriptor_pool())
}

fn option(key_field: &str, compacted: bool) -> String {
    option_of(NOTES, key_field, compacted)
}

fn option_of(topic: &str, key_field: &str, compacted: bool) -> String {
    format!(
        r#"option (countinghouse.event.v1.fact) = {{
             topic: "{topic}"
             type: "{topic}.NoteWritten"
             key_field: "{key_field}"
             compacted: {compacted}
           }};"#
    )
}

fn notes_contract() -> Contract {
    let option = option("note_name", false);
    contract(&format!(
        "message NoteWritten {{ {option} Writer writer = 2; string note_name = 1; }}
         message Writer {{ string note_name = 1; }}"
    ))
    .unwrap()
}

fn stamp() -> FactMetadata {
    FactMetadata {
        id: Uuid::from_u128(7),
        time: DateTime::from_timestamp_nanos(1_774_000_000_123_456_789),
        actor: "T110101".to_owned(),
        correlation_id: Uuid::from_u128(8),
        traceparent: None,
    }
}

#[test]
fn a_fact_gets_topic_type_and_key_from_the_contract() {
    let message = json!({ "writer": { "noteName": "inner" }, "noteName": "notes/\u{8d26}\"1\"" });
    let fact = notes_contract().fact(&written(&message), stamp()).unwrap();
    assert_eq!(fact.topic, NOTES);
    assert_eq!(fact.kind, "countinghouse.test.note.v1.NoteWritten");
    assert_eq!(fact.key, "notes/\u{8d26}\"1\"");
    assert_eq!(fact.time.timestamp_subsec_nanos(), 123_456_000, "Postgres keeps microseconds");
    assert_eq!(serde_json::from_slice::<Value>(&fact.payload).unwrap(), message);
}

#[test]
fn a_record_is_decoded_as_what_it_is_and_as_nothing_else() {
    let message = json!({ "noteName": "notes/1" });
    let mut fact = notes_contract().fact(&written(&message), stamp()).unwrap();
    let record = |fact: &Fact| Record { fact: fact.clone(), source: String::new(), partition: 0, offset: 0 };
    assert_eq!(record(&fact).decode::<NoteWritten>().unwrap(), written(&message));
    fact.kind = "countinghouse.test.note.v1.NoteShredded".to_owned();
    let other = record(&fact).decode::<NoteWritten>().unwrap_err().to_string();
    assert_eq!(other, format!("{} is not {}", fact.kind, NoteWritten::KIND));
    fact.kind = NoteWritten::KIND.to_owned();
    fact.payload = Bytes::from_static(b"{");
    record(&fact).decode::<NoteWritten>().unwrap_err();
}

#[test]
fn a_message_that_cannot_be_a_fact_is_refused() {
    let contract = notes_contract();
    let not_a_fact = contract.fact(&Writer { note_name: "1".to_owned() }, stamp()).unwrap_err();
    assert!(matches!(not_a_fact, FactError::NotAFact { .. }), "{not_a_fact}");
    let refused = |message: Value| contract.fact(&written(&message), stamp()).unwrap_err();
    for message in [json!({}), json!({ "noteName": "" }), json!({ "writer": { "noteName": "inner" } })] {
        let no_key = refused(message);
        assert!(matches!(no_key, FactError::KeyMissing { .. }), "{no_key}");
    }
    let large = refused(json!({ "noteName": "1", "writer": "x".repeat(PAYLOAD_BYTES_MAX) }));
    assert!(matches!(large, FactError::TooLarge { bytes, .. } if bytes > PAYLOAD_BYTES_MAX), "{large}");
    let not_json = refused(json!({ "noteName": 1 }));
    assert!(matches!(not_json, FactError::NotJson { .. }), "{not_json}");
}

#[test]
fn an_option_that_cannot_hold_is_refused() {
    for field in ["no_such_field", "writer", "names"] {
        let option = option(field, false);
        let error = contract(&format!(
            "message NoteWritten {{ {option} Writer writer = 1; repeated string names = 2; }} message Writer {{}}"
        ));
        assert!(matches!(error.unwrap_err(), ContractError::NoSuchKey { .. }), "{field}");
    }
    let incomplete =
        contract("message NoteWritten { option (countinghouse.event.v1.fact) = {topic: \"t\"}; }");
    assert!(matches!(incomplete.unwrap_err(), ContractError::Incomplete { part: "key_field", .. }));
    let (kept, compacted) = (option("name", false), option("name", true));
    let both = contract(&format!(
        "message One {{ {kept} string name = 1; }} message Other {{ {compacted} string name = 1; }}"
    ));
    assert!(matches!(both.unwrap_err(), ContractError::Compaction { .. }));
}

#[test]
fn a_contract_declares_the_topics_of_each_service() {
    let message = |name: &str, topic: &str, compacted: bool| {
        format!("message {name} {{ {} string name = 1; }}", option_of(topic, "name", compacted))
    };
    let contract = contract(
        &[
            message("NoteWritten", NOTES, false),
            message("NoteBurnt", NOTES, false),
            message("MarkMade", MARKS, true),
            message("BookOpened", "countinghouse.tester.book.v1", false),
        ]
        .concat(),
    )
    .unwrap();
    let settings = TopicSettings { partitions: 12, ..TopicSettings::default() };
    assert_eq!(
        contract.topics(SERVICE, &settings),
        [settings.topic(MARKS, true), settings.topic(NOTES, false)]
    );
    assert_eq!(settings.topic(NOTES, false).partitions, 12);
    assert_eq!(contract.topics("tester", &settings).len(), 1);
    assert_eq!(contract.topics("nobody", &settings), []);
}

fn message(fact: &Fact, headers: OwnedHeaders) -> OwnedMessage {
    let (payload, key) = (fact.payload.to_vec(), fact.key.clone().into_bytes());
    OwnedMessage::new(
        Some(payload),
        Some(key),
        fact.topic.clone(),
        Timestamp::NotAvailable,
        3,
        42,
        Some(headers),
    )
}

fn any_fact() -> impl Strategy<Value = Fact> {
    let time =
        (0_i64..4_000_000_000_000_000).prop_map(|micros| DateTime::from_timestamp_micros(micros).unwrap());
    let identity = (any::<u128>(), any::<u128>(), time);
    let texts = ("[a-z.]{1,30}", "\\PC{1,40}", "\\PC{0,40}", proptest::option::of("[0-9a-f-]{55}"));
    let payload = proptest::collection::vec(any::<u8>(), 1..200);
    (identity, texts, payload).prop_map(
        |((id, correlation, time), (kind, key, actor, traceparent), payload)| Fact {
            id: Uuid::from_u128(id),
            topic: NOTES.to_owned(),
            kind,
            key,
            time,
            actor,
            correlation_id: Uuid::from_u128(correlation),
            traceparent,
            payload: Bytes::from(payload),
        },
    )
}

proptest! {
    #[test]
    fn a_record_is_read_as_the_fact_that_was_written(fact in any_fact()) {
        let message = message(&fact, record::headers(&fact, "/countinghouse/test"));
        let record = RawRecord::copy(&message, &fact.topic).read().unwrap();
        prop_assert_eq!(record.fact, fact);
        prop_assert_eq!((record.source.as_str(), record.partition, record.offset), ("/countinghouse/test", 3, 42));
    }

    #[test]
    fn a_record_without_one_of_its_headers_is_unreadable(fact in any_fact(), which in 0_usize..9) {
        let raw = RawRecord::copy(&message(&fact, record::headers(&fact, "/countinghouse/test")), &fact.topic);
        let mut maimed = raw.clone();
        let (name, _) = maimed.headers.remove(which);
        let error = maimed.read().unwrap_err();
        prop_assert!(error.to_string().contains(&name), "{} for {}", error, name);
    }
}

#[test]
fn a_record_of_somebody_else_is_unreadable() {
    let fact = note(1, "k", 1);
    let raw = RawRecord::copy(&message(&fact, record::headers(&fact, "/countinghouse/test")), NOTES);
    let with = |name: &str, value: &'static str| {
        let mut raw = raw.clone();
        raw.headers.iter_mut().find(|header| header.0 == name).unwrap().1 = Some(Bytes::from(value));
        raw.read().unwrap_err()
    };
    assert_eq!(
        with("ce_specversion", "0.3"),
        Unreadable::HeaderInvalid { name: "ce_specversion", rule: "1.0" }
    );
    assert_eq!(
        with("content-type", "text/xml"),
        Unreadable::HeaderInvalid { name: "content-type", rule: "application/json" }
    );
    assert_eq!(with("ce_id", "1"), Unreadable::HeaderInvalid { name: "ce_id", rule: "a UUID" });
    assert_eq!(
        with("ce_time", "noon"),
        Unreadable::HeaderInvalid { name: "ce_time", rule: "an RFC 3339 time" }
    );
    assert_eq!(with("ce_subject", "other"), Unreadable::KeyNotSubject);
    let no_value = RawRecord { payload: None, ..raw };
    assert_eq!(no_value.read().unwrap_err(), Unreadable::PayloadMissing);
}

#[tokio::test]
async fn topics_are_made_as_declared_and_checked_afterwards() {
    let bench = Bench::new().await;
    let settings = TopicSettings { partitions: 3, replication: 1, retention_days: 2 };
    let declared = [
        settings.topic("countinghouse.test.one.v1", false),
        settings.topic("countinghouse.test.two.v1", true),
    ];
    let at_once =
        tokio::join!(topics::ensure(&bench.kafka, &declared), topics::ensure(&bench.kafka, &declared));
    at_once.0.unwrap();
    at_once.1.unwrap();
    topics::ensure(&bench.kafka, &declared).await.unwrap();

    let changed = [Topic { partitions: 5, ..declared[0].clone() }];
    let error = topics::ensure(&bench.kafka, &changed).await.unwrap_err();
    assert!(matches!(error, TopicsError::Partitions { found: 3, declared: 5, .. }), "{error}");
    let changed = [Topic { compacted: false, ..declared[1].clone() }];
    let error = topics::ensure(&bench.kafka, &changed).await.unwrap_err();
    assert!(matches!(error, TopicsError::CleanupPolicy { .. }), "{error}");
    let longer = [Topic { retention: declared[0].retention * 2, ..declared[0].clone() }];
    topics::ensure(&bench.kafka, &longer).await.expect("retention is the operator's");
}

#[tokio::test]
async fn a_fact_over_the_bound_fails_the_transaction_that_made_it() {
    let bench = Bench::new().await;
    let mut transaction = bench.pool().begin().await.unwrap();
    let largest = Fact { payload: vec![b'x'; PAYLOAD_BYTES_MAX].into(), ..note(1, "k", 1) };
    outbox::append(&mut transaction, std::slice::from_ref(&largest)).await.unwrap();
    let larger = Fact { payload: vec![b'x'; PAYLOAD_BYTES_MAX + 1].into(), ..largest };
    let error = outbox::append(&mut transaction, &[note(2, "k", 2), larger]).await.unwrap_err();
    assert!(
        matches!(error, AppendError::TooLarge { bytes, .. } if bytes == PAYLOAD_BYTES_MAX + 1),
        "{error}"
    );
}

#[tokio::test]
async fn the_largest_fact_goes_through() {
    let bench = Bench::new().await;
    let relay = bench.relay_outbox();
    let text = "x".repeat(PAYLOAD_BYTES_MAX - r#"{"key":"k","number":"1","text":""}"#.len());
    let largest =
        Fact { payload: format!(r#"{{"key":"k","number":"1","text":"{text}"}}"#).into(), ..note(1, "k", 1) };
    assert_eq!(largest.payload.len(), PAYLOAD_BYTES_MAX);
    outbox::append(&mut bench.pool().acquire().await.unwrap(), std::slice::from_ref(&largest)).await.unwrap();
    assert_eq!(bench.arrived(NOTES, 1).await[0].fact, largest);
    relay.stop().await;
}

#[tokio::test]
async fn a_page_of_the_outbox_is_bounded_in_bytes_and_never_empty_while_facts_wait() {
    let bench = Bench::new().await;
    let mut conn = bench.pool().acquire().await.unwrap();
    let large = |id: u128| Fact { payload: vec![b'x'; PAYLOAD_BYTES_MAX].into(), ..note(id, "k", 1) };
    for id in 1..=30 {
        outbox::append(&mut conn, &[large(id)]).await.unwrap();
    }
    let mut after = 0;
    let mut pages = Vec::new();
    loop {
        let page = OutboxSource.pending(&mut conn, after, 5_000).await.unwrap();
        let Some((last, _)) = page.last() else { break };
        after = *last;
        pages.push(page.len());
    }
    // 16 MiB hold 21 facts of 768 KiB and the beginning of one more.
    assert_eq!(pages, [22, 8]);
}

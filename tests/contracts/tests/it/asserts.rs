//! A record that keeps the contract passes, and each way of breaking it is found and named.

use contracts::examples::{self, Example};
use serde_json::{Value, json};
use testkit::contract::{Contract, matches_event};

/// A way to break a value.
type Break = fn(&mut Value);

const POSTING_TOPIC: &str = "countinghouse.accounting.posting.v1";
const ACCOUNT_TOPIC: &str = "countinghouse.accounting.account.v1";
const POSTING_BOOKED: &str = "countinghouse.accounting.posting.v1.PostingBooked";

#[test]
fn the_example_of_every_fact_keeps_the_contract() {
    for fact in &Contract::shipped().unwrap().facts {
        let example = examples::of(fact).unwrap();

        testkit::contract::assert_matches_event(&fact.topic, &example.fact.payload, example.headers.clone());

        let shown: Value = serde_json::from_str(&example.value).unwrap();
        assert_eq!(shown, payload(&example), "what is shown of {} is what is sent", fact.kind);
        assert_eq!(example.fact.topic, fact.topic);
        assert_eq!(example.fact.key, shown[fact.key.json_name()]);
    }
}

#[test]
fn a_value_of_another_shape_is_found() {
    let broken: &[(&str, Break, &str)] = &[
        ("a number for 64 bits", |v| v["posting"]["number"] = json!(4211), "/posting/number"),
        ("an enum by number", |v| v["posting"]["kind"] = json!(2), "/posting/kind"),
        (
            "an enum that is not set",
            |v| v["posting"]["kind"] = json!("TRANSACTION_KIND_UNSPECIFIED"),
            "/posting/kind",
        ),
        ("a time that is none", |v| v["posting"]["recordTime"] = json!("yesterday"), "/posting/recordTime"),
        (
            "an amount as a number",
            |v| v["posting"]["entries"][1]["amount"]["amount"] = json!(1.5),
            "/amount/amount",
        ),
        (
            "grouped digits",
            |v| v["posting"]["entries"][0]["amount"]["amount"] = json!("1,250.50"),
            "/amount/amount",
        ),
        ("a name of its own", |v| v["posting"]["record_time"] = json!("2026-11-24T01:31:18Z"), "record_time"),
        ("no key", |v| drop(v.as_object_mut().unwrap().remove("name")), "name"),
    ];
    for (what, break_it, named) in broken {
        let example = posting_booked();
        let mut payload = payload(&example);
        break_it(&mut payload);

        let error = matches_event(POSTING_TOPIC, &serde_json::to_vec(&payload).unwrap(), example.headers)
            .expect_err(what)
            .to_string();

        assert!(error.contains("value") && error.contains(named), "{what}: {error}");
    }
}

#[test]
fn headers_that_break_the_contract_are_found() {
    for (name, value) in [
        ("ce_specversion", Some("0.3")),
        ("ce_id", Some("17")),
        ("ce_source", Some("/countinghouse/vault")),
        ("ce_subject", Some("postings/4212")),
        ("ce_time", Some("2026-11-24")),
        ("content-type", Some("text/plain")),
        ("traceparent", Some("00-abc-def-01")),
        ("actor", None),
        ("correlationid", None),
        ("ce_type", None),
        ("x-extra", Some("1")),
    ] {
        let Example { fact, mut headers, .. } = posting_booked();
        headers.retain(|(header, _)| header != name);
        headers.extend(value.map(|value| (name.to_owned(), value.to_owned())));

        let error = matches_event(POSTING_TOPIC, &fact.payload, headers).expect_err(name).to_string();

        assert!(error.contains(name), "{name}: {error}");
    }
}

#[test]
fn a_record_needs_no_trace() {
    let Example { fact, mut headers, .. } = posting_booked();
    headers.retain(|(header, _)| header != "traceparent");

    matches_event(POSTING_TOPIC, &fact.payload, headers).unwrap();
}

#[test]
fn a_fact_on_a_topic_of_others_is_found() {
    let Example { fact, headers, .. } = posting_booked();

    let error = matches_event(ACCOUNT_TOPIC, &fact.payload, headers).unwrap_err().to_string();

    assert_eq!(error, format!("{POSTING_BOOKED} is not a fact of this topic"));
}

#[test]
fn a_header_that_comes_twice_is_found() {
    let Example { fact, mut headers, .. } = posting_booked();
    headers.push(("actor".to_owned(), "T11010104".to_owned()));

    let error = matches_event(POSTING_TOPIC, &fact.payload, headers).unwrap_err().to_string();

    assert_eq!(error, "header actor is there twice");
}

fn posting_booked() -> Example {
    let contract = Contract::shipped().expect("the contract can be read");
    let fact = contract.fact(POSTING_TOPIC, POSTING_BOOKED).expect("the contract has PostingBooked");
    examples::of(fact).expect("PostingBooked has an example")
}

fn payload(example: &Example) -> Value {
    serde_json::from_slice(&example.fact.payload).expect("a fact's value is JSON")
}

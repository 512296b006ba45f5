//! `docs/asyncapi.json`: the topics for tools, as AsyncAPI 3.0. Self-contained: the shapes of the facts are in it.

use anyhow::Result;

use testkit::contract::{
    Commented, Contract, PublishedFact,
    json::{Json, object},
    schema,
};

const VERSION: &str = "3.0.0";
const KAFKA_BINDING: &str = "0.5.0";
const SCHEMAS: &str = "#/components/schemas/";

/// The document.
pub fn document(contract: &Contract) -> Result<String> {
    let topics = contract.topics();
    let channels = topics.iter().map(|facts| (facts[0].topic.clone(), channel(facts)));
    let operations = contract.facts.iter().map(|fact| Ok((fact.kind.clone(), operation(fact)?)));
    let messages = contract.facts.iter().map(|fact| Ok((fact.kind.clone(), message(contract, fact)?)));
    let all: Vec<_> = contract.facts.iter().map(|fact| fact.message.clone()).collect();
    let components = object([
        ("messages", Json::Object(messages.collect::<Result<_>>()?)),
        ("schemas", Json::Object(schema::definitions(&all, SCHEMAS)?)),
    ]);
    let document = object([
        ("asyncapi", VERSION.into()),
        ("info", info()),
        ("defaultContentType", "application/json".into()),
        ("channels", Json::Object(channels.collect())),
        ("operations", Json::Object(operations.collect::<Result<_>>()?)),
        ("components", components),
    ]);
    Ok(document.document()?)
}

fn info() -> Json {
    object([
        ("title", "Countinghouse".into()),
        ("version", "1".into()),
        (
            "description",
            "What the services of Countinghouse publish on Kafka, as CloudEvents in binary mode.".into(),
        ),
        ("license", object([("name", "Apache-2.0".into())])),
    ])
}

fn channel(facts: &[PublishedFact]) -> Json {
    let topic = &facts[0];
    let messages = facts.iter().map(|fact| {
        (fact.message.name().to_owned(), reference(&format!("#/components/messages/{}", fact.kind)))
    });
    let cleanup = if topic.compacted { "compact" } else { "delete" };
    let kafka = object([
        ("topic", topic.topic.as_str().into()),
        ("topicConfiguration", object([("cleanup.policy", [cleanup].into_iter().collect())])),
        ("bindingVersion", KAFKA_BINDING.into()),
    ]);
    object([
        ("address", topic.topic.as_str().into()),
        ("messages", Json::Object(messages.collect())),
        ("bindings", object([("kafka", kafka)])),
    ])
}

fn operation(fact: &PublishedFact) -> Result<Json> {
    let channel = format!("#/channels/{}", fact.topic);
    Ok(object([
        ("action", "send".into()),
        ("channel", reference(&channel)),
        ("summary", fact.message.headline()?.into()),
        ("messages", vec![reference(&format!("{channel}/messages/{}", fact.message.name()))].into()),
    ]))
}

fn message(contract: &Contract, fact: &PublishedFact) -> Result<Json> {
    let key = object([("type", "string".into()), ("description", fact.key.comment()?.into())]);
    let kafka = object([("key", key), ("bindingVersion", KAFKA_BINDING.into())]);
    let payload = format!("{SCHEMAS}{}", schema::name_of(fact.message.full_name()));
    Ok(object([
        ("name", fact.kind.as_str().into()),
        ("title", fact.message.name().into()),
        ("summary", fact.message.headline()?.into()),
        ("contentType", "application/json".into()),
        ("headers", schema::of_headers(contract, fact)?),
        ("payload", reference(&payload)),
        ("bindings", object([("kafka", kafka)])),
    ]))
}

fn reference(to: &str) -> Json {
    object([("$ref", to.into())])
}

//! The shape of each fact as JSON, as JSON Schema 2020-12 (`docs/schemas/`), and of its headers.
//!
//! The shape is that of the protobuf JSON mapping, as the services write it: names in lowerCamelCase, 64-bit integers as
//! strings, enums by name, times as RFC 3339, and a field that has its zero value left out. So the key alone is required.
//! A schema allows fields that it does not name, since a later version of a fact may have them.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, bail};
use prost_reflect::{EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor, OneofDescriptor};

use super::{
    Commented, Contract, HOUSE, PublishedFact,
    json::{Json, object},
};

const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";
const IDS: &str = "urn:countinghouse:fact:";
const DEFINITIONS: &str = "#/$defs/";

const SIGNED_64: &str = "^(0|-?[1-9][0-9]{0,18})$";
const UNSIGNED_64: &str = "^(0|[1-9][0-9]{0,19})$";
const DURATION: &str = "^-?[0-9]+(\\.[0-9]{1,9})?s$";
const DECIMAL: &str = "^-?[0-9]+(\\.[0-9]+)?$";
const CURRENCY: &str = "^[A-Z]{3}$";

/// The one header that a record may lack: a fact may have no trace behind it.
const TRACE: &str = "traceparent";
const TRACE_PARENT: &str = "^[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}$";

/// Forms of text that messages of the whole house share, by field.
const PATTERNS: &[(&str, &str)] = &[
    ("countinghouse.common.v1.Money.amount", DECIMAL),
    ("countinghouse.common.v1.Money.currency", CURRENCY),
];

/// The schema files of all facts, by path.
pub fn files(contract: &Contract) -> Result<BTreeMap<String, String>> {
    contract.facts.iter().map(|fact| Ok((path(fact), of_fact(fact)?.document()?))).collect()
}

/// The path of a fact's schema from the root of the repository.
pub fn path(fact: &PublishedFact) -> String {
    format!("docs/{}", path_in_docs(fact))
}

/// The path of a fact's schema from `docs/`.
pub fn path_in_docs(fact: &PublishedFact) -> String {
    format!("schemas/{}.schema.json", fact.kind)
}

/// The `$id` of a fact's schema.
pub fn id(fact: &PublishedFact) -> String {
    format!("{IDS}{}", fact.kind)
}

/// The schema of a fact's value.
pub fn of_fact(fact: &PublishedFact) -> Result<Json> {
    let mut definitions = definitions(std::slice::from_ref(&fact.message), DEFINITIONS)?;
    definitions.retain(|(name, _)| *name != name_of(fact.message.full_name()));
    let document = object([
        ("$schema", DIALECT.into()),
        ("$id", id(fact).into()),
        ("title", fact.message.name().into()),
    ]);
    Ok(joined(document, message_schema(&fact.message, DEFINITIONS)?)
        .with("required", Json::List(vec![fact.key.json_name().into()]))
        .with("$defs", Json::Object(definitions)))
}

/// The schema of a fact's headers, as an object of texts.
pub fn of_headers(contract: &Contract, fact: &PublishedFact) -> Result<Json> {
    let constant = |value: &str| object([("const", value.into())]);
    let form = |name: &str, value: &str| object([(name, value.into())]);
    let mut properties = Vec::new();
    for header in &contract.headers {
        let rule = match header.name.as_str() {
            "ce_specversion" => constant("1.0"),
            "ce_id" | "correlationid" => form("format", "uuid"),
            "ce_type" => constant(&fact.kind),
            "ce_source" => constant(&fact.source()),
            "ce_subject" | "actor" => object([("minLength", 1.into())]),
            "ce_time" => form("format", "date-time"),
            "content-type" => constant("application/json"),
            TRACE => form("pattern", TRACE_PARENT),
            other => bail!("header {other} of the envelope has no rule here"),
        };
        let described = object([("description", header.meaning.as_str().into()), ("type", "string".into())]);
        properties.push((header.name.clone(), joined(described, rule)));
    }
    let required = contract.headers.iter().map(|header| header.name.as_str()).filter(|name| *name != TRACE);
    Ok(object([
        ("type", "object".into()),
        ("required", required.collect()),
        ("properties", Json::Object(properties)),
    ]))
}

/// The schemas of these messages and of all that they are made of, by [`name_of`]. References begin with `refs`.
pub fn definitions(messages: &[MessageDescriptor], refs: &str) -> Result<Vec<(String, Json)>> {
    let mut seen = BTreeSet::new();
    let mut parts = Parts::default();
    for message in messages {
        parts.collect(message, &mut seen);
    }
    let messages = parts.messages.iter().map(|m| Ok((name_of(m.full_name()), message_schema(m, refs)?)));
    let enums = parts.enums.iter().map(|e| Ok((name_of(e.full_name()), enum_schema(e)?)));
    messages.chain(enums).collect()
}

/// A type's name in a schema: its full name without the house's.
pub fn name_of(full_name: &str) -> String {
    full_name.trim_start_matches(HOUSE).to_owned()
}

/// What messages are made of, in the order in which it is met.
#[derive(Debug, Default)]
pub struct Parts {
    pub messages: Vec<MessageDescriptor>,
    pub enums: Vec<EnumDescriptor>,
}

impl Parts {
    /// Adds a message and all that it is made of. Messages of the protobuf library have a form of their own and stay out.
    pub fn collect(&mut self, message: &MessageDescriptor, seen: &mut BTreeSet<String>) {
        if !message.full_name().starts_with(HOUSE) || !seen.insert(message.full_name().to_owned()) {
            return;
        }
        if !message.is_map_entry() {
            self.messages.push(message.clone());
        }
        for field in message.fields() {
            match field.kind() {
                Kind::Message(part) => self.collect(&part, seen),
                Kind::Enum(part) if seen.insert(part.full_name().to_owned()) => self.enums.push(part),
                _ => {}
            }
        }
    }
}

fn message_schema(message: &MessageDescriptor, refs: &str) -> Result<Json> {
    let properties = message
        .fields()
        .map(|field| Ok((field.json_name().to_owned(), field_schema(&field, refs)?)))
        .collect::<Result<_>>()?;
    let schema = object([
        ("description", message.comment()?.into()),
        ("type", "object".into()),
        ("properties", Json::Object(properties)),
    ]);
    let choices: Vec<Json> =
        message.oneofs().filter(|oneof| !oneof.is_synthetic()).map(|o| choice(&o)).collect();
    Ok(if choices.is_empty() { schema } else { schema.with("allOf", choices) })
}

/// At most one field of a oneof is there.
fn choice(oneof: &OneofDescriptor) -> Json {
    let each =
        || oneof.fields().map(|field| object([("required", [field.json_name()].into_iter().collect())]));
    let none = object([("not", object([("anyOf", each().collect())]))]);
    object([("oneOf", each().chain([none]).collect())])
}

fn field_schema(field: &FieldDescriptor, refs: &str) -> Result<Json> {
    let described = object([("description", field.comment()?.into())]);
    let value = if let Some(value) = map_value(field) {
        object([("type", "object".into()), ("additionalProperties", value_schema(&value, refs)?)])
    } else if field.is_list() {
        object([("type", "array".into()), ("items", value_schema(field, refs)?)])
    } else {
        value_schema(field, refs)?
    };
    Ok(joined(described, value))
}

/// The field that holds the values of a map.
pub fn map_value(field: &FieldDescriptor) -> Option<FieldDescriptor> {
    match field.kind() {
        Kind::Message(entry) if field.is_map() => Some(entry.map_entry_value_field()),
        _ => None,
    }
}

fn value_schema(field: &FieldDescriptor, refs: &str) -> Result<Json> {
    let text = || object([("type", "string".into())]);
    let integer = |least: i64, most: i64| {
        object([("type", "integer".into()), ("minimum", least.into()), ("maximum", most.into())])
    };
    let reference = |name: &str| object([("$ref", format!("{refs}{}", name_of(name)).into())]);
    Ok(match field.kind() {
        Kind::Double | Kind::Float => {
            bail!("{} is a float, which the contract does not use", field.full_name())
        }
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => integer(i32::MIN.into(), i32::MAX.into()),
        Kind::Uint32 | Kind::Fixed32 => integer(0, u32::MAX.into()),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => text().with("pattern", SIGNED_64),
        Kind::Uint64 | Kind::Fixed64 => text().with("pattern", UNSIGNED_64),
        Kind::Bool => object([("type", "boolean".into())]),
        Kind::String => match PATTERNS.iter().find(|(name, _)| *name == field.full_name()) {
            Some((_, pattern)) => text().with("pattern", *pattern),
            None => text(),
        },
        Kind::Bytes => text().with("contentEncoding", "base64"),
        Kind::Enum(part) => reference(part.full_name()),
        Kind::Message(part) => match part.full_name() {
            "google.protobuf.Timestamp" => text().with("format", "date-time"),
            "google.protobuf.Duration" => text().with("pattern", DURATION),
            name if name.starts_with(HOUSE) => reference(name),
            name => bail!("{} is a {name}, whose JSON is not written down here", field.full_name()),
        },
    })
}

/// An enum by its names. Its zero means "not set" and is left out of the JSON, so it is left out here.
fn enum_schema(descriptor: &EnumDescriptor) -> Result<Json> {
    let mut meanings = vec![descriptor.comment()?];
    let mut names = Vec::new();
    for value in descriptor.values().filter(|value| value.number() != 0) {
        meanings.push(format!("- `{}`: {}", value.name(), value.comment()?));
        names.push(value.name().to_owned());
    }
    Ok(object([
        ("description", meanings.join("\n").into()),
        ("type", "string".into()),
        ("enum", names.into_iter().collect()),
    ]))
}

/// The members of both objects.
fn joined(one: Json, other: Json) -> Json {
    match (one, other) {
        (Json::Object(mut members), Json::Object(more)) => {
            members.extend(more);
            Json::Object(members)
        }
        (one, _) => one,
    }
}

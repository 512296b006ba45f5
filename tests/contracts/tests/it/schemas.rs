//! The schemas are those of the protobuf JSON mapping: whatever a message can hold has its place in them.

use std::collections::BTreeSet;

use boon::{Compiler, SchemaIndex, Schemas};
use contracts::examples;
use prost_reflect::{
    DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor, SerializeOptions, Value,
};
use testkit::contract::{Contract, PublishedFact, schema};

/// How deep a message is filled: none of the contract's is deeper, and one that holds itself ends there.
const DEPTH_MAX: usize = 8;

#[test]
fn a_fact_with_every_field_set_has_the_shape_of_its_schema() {
    for fact in &Contract::shipped().unwrap().facts {
        let message = filled(&fact.message, 0);
        let json =
            message.serialize_with_options(serde_json::value::Serializer, &SerializeOptions::new()).unwrap();
        let (schemas, index) = compiled(fact);

        if let Err(error) = schemas.validate(&json, index) {
            panic!("{}: {error:#}\n{json:#}", fact.kind);
        }
        assert_named(&document(fact), &fact.message);
    }
}

#[test]
fn an_empty_fact_is_refused_for_its_key_alone() {
    for fact in &Contract::shipped().unwrap().facts {
        let (schemas, index) = compiled(fact);
        let key = fact.key.json_name();

        assert!(schemas.validate(&serde_json::json!({}), index).is_err(), "{}", fact.kind);
        assert!(schemas.validate(&serde_json::json!({ key: "a key" }), index).is_ok(), "{}", fact.kind);
    }
}

#[test]
fn readers_are_told_to_let_new_fields_pass() {
    for fact in &Contract::shipped().unwrap().facts {
        let (schemas, index) = compiled(fact);
        let later = serde_json::json!({ fact.key.json_name(): "a key", "addedLater": 1 });

        assert!(schemas.validate(&later, index).is_ok(), "{}", fact.kind);
    }
}

#[test]
fn what_the_services_write_is_what_the_protobuf_mapping_reads() {
    for fact in &Contract::shipped().unwrap().facts {
        let example = examples::of(fact).unwrap();
        let mut deserializer = serde_json::Deserializer::from_slice(&example.fact.payload);

        let read = DynamicMessage::deserialize(fact.message.clone(), &mut deserializer).unwrap();

        assert!(read.has_field(&fact.key), "{}", fact.kind);
    }
}

fn compiled(fact: &PublishedFact) -> (Schemas, SchemaIndex) {
    let mut schemas = Schemas::new();
    let mut compiler = Compiler::new();
    compiler.enable_format_assertions();
    compiler.add_resource(&schema::id(fact), document(fact)).expect("the schema is JSON Schema");
    let index = compiler.compile(&schema::id(fact), &mut schemas).expect("the schema is whole");
    (schemas, index)
}

fn document(fact: &PublishedFact) -> serde_json::Value {
    let schema = schema::of_fact(fact).expect("every fact has a schema");
    serde_json::to_value(schema).expect("a schema is JSON")
}

/// Each field of the message is a property of the schema, and nothing else is.
fn assert_named(schema: &serde_json::Value, message: &MessageDescriptor) {
    let properties = schema["properties"].as_object().expect("a fact has properties");
    let named: BTreeSet<String> = properties.keys().cloned().collect();
    let fields: BTreeSet<String> = message.fields().map(|field| field.json_name().to_owned()).collect();
    assert_eq!(named, fields, "{}", message.full_name());
}

/// A message with every field set to something other than its zero value.
fn filled(descriptor: &MessageDescriptor, depth: usize) -> DynamicMessage {
    assert!(depth < DEPTH_MAX, "{} is deeper than any fact should be", descriptor.full_name());
    let mut message = DynamicMessage::new(descriptor.clone());
    if descriptor.full_name() == "google.protobuf.Timestamp" {
        message.set_field_by_name("seconds", Value::I64(1_764_000_000));
        message.set_field_by_name("nanos", Value::I32(604_118_000));
        return message;
    }
    for field in descriptor.fields() {
        message.set_field(&field, field_value(&field, depth));
    }
    message
}

fn field_value(field: &FieldDescriptor, depth: usize) -> Value {
    if let (true, Kind::Message(entry)) = (field.is_map(), field.kind()) {
        let value = single_value(&entry.map_entry_value_field(), depth);
        return Value::Map([(MapKey::String("key".to_owned()), value)].into());
    }
    let value = single_value(field, depth);
    if field.is_list() { Value::List(vec![value]) } else { value }
}

fn single_value(field: &FieldDescriptor, depth: usize) -> Value {
    match field.kind() {
        Kind::Bool => Value::Bool(true),
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => Value::I32(i32::MIN),
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Value::I64(i64::MIN),
        Kind::Uint32 | Kind::Fixed32 => Value::U32(u32::MAX),
        Kind::Uint64 | Kind::Fixed64 => Value::U64(u64::MAX),
        Kind::Float => Value::F32(0.5),
        Kind::Double => Value::F64(0.5),
        Kind::Bytes => Value::Bytes(vec![0xff, 0x00].into()),
        Kind::String => Value::String(
            match field.full_name() {
                "countinghouse.common.v1.Money.amount" => "-1250.50",
                "countinghouse.common.v1.Money.currency" => "CNY",
                _ => "text",
            }
            .to_owned(),
        ),
        Kind::Enum(descriptor) => {
            let value = descriptor.values().find(|value| value.number() != 0);
            Value::EnumNumber(value.expect("an enum has values").number())
        }
        Kind::Message(part) => Value::Message(filled(&part, depth + 1)),
    }
}

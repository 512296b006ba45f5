//! For the tests of the services: a record that was really sent keeps the contract.

use std::{collections::HashMap, sync::LazyLock};

use anyhow::{Context, Result, anyhow, bail, ensure};
use boon::{Compiler, SchemaIndex, Schemas};
use serde_json::{Map, Value};

use super::{Contract, json::Json, schema};

/// Asserts that a record keeps the contract: its topic and headers are those of a fact, and its value has that fact's shape.
/// `topic` is the topic's contract name, without the prefix of an installation. Unlike a reader, who must ignore fields that
/// it does not know, this refuses them: nothing may be sent that the contract does not name.
pub fn assert_matches_event<N, V>(topic: &str, payload_json: &[u8], headers: impl IntoIterator<Item = (N, V)>)
where
    N: AsRef<str>,
    V: AsRef<[u8]>,
{
    if let Err(broken) = matches_event(topic, payload_json, headers) {
        panic!(
            "a record on {topic} breaks the contract: {broken:#}\nvalue: {}",
            String::from_utf8_lossy(payload_json)
        );
    }
}

/// Whether a record keeps the contract, and if not, why; see [`assert_matches_event`].
pub fn matches_event<N, V>(
    topic: &str,
    payload_json: &[u8],
    headers: impl IntoIterator<Item = (N, V)>,
) -> Result<()>
where
    N: AsRef<str>,
    V: AsRef<[u8]>,
{
    static SHIPPED: LazyLock<Result<Shapes>> = LazyLock::new(|| Shapes::of(&Contract::shipped()?));
    let shapes = SHIPPED.as_ref().map_err(|error| anyhow!("{error:#}"))?;
    shapes.check(topic, payload_json, &texts(headers)?)
}

/// The shapes of all facts, ready to check records against.
struct Shapes {
    schemas: Schemas,
    /// By topic and `ce_type`.
    facts: HashMap<(String, String), Shape>,
}

/// The shape of one fact.
struct Shape {
    headers: SchemaIndex,
    value: SchemaIndex,
    /// The key's field in the value.
    key: String,
}

impl Shapes {
    fn of(contract: &Contract) -> Result<Shapes> {
        let mut shapes = Shapes { schemas: Schemas::new(), facts: HashMap::new() };
        for fact in &contract.facts {
            let id = schema::id(fact);
            let shape = Shape {
                headers: shapes.compile(&format!("{id}:headers"), &schema::of_headers(contract, fact)?)?,
                value: shapes.compile(&id, &schema::of_fact(fact)?)?,
                key: fact.key.json_name().to_owned(),
            };
            shapes.facts.insert((fact.topic.clone(), fact.kind.clone()), shape);
        }
        Ok(shapes)
    }

    /// Compiles a schema, with formats asserted and objects closed to members that it does not name.
    fn compile(&mut self, location: &str, schema: &Json) -> Result<SchemaIndex> {
        let mut schema = serde_json::to_value(schema)?;
        close(&mut schema);
        let mut compiler = Compiler::new();
        compiler.enable_format_assertions();
        compiler.add_resource(location, schema).map_err(|error| anyhow!("{error}"))?;
        compiler.compile(location, &mut self.schemas).map_err(|error| anyhow!("{error}"))
    }

    fn check(&self, topic: &str, payload_json: &[u8], headers: &Map<String, Value>) -> Result<()> {
        let kind = headers.get("ce_type").and_then(Value::as_str).context("header ce_type is missing")?;
        let shape = self
            .facts
            .get(&(topic.to_owned(), kind.to_owned()))
            .with_context(|| format!("{kind} is not a fact of this topic"))?;
        self.validate("headers", &Value::Object(headers.clone()), shape.headers)?;
        let payload: Value = serde_json::from_slice(payload_json).context("the value is not JSON")?;
        self.validate("value", &payload, shape.value)?;
        let (subject, key) = (headers.get("ce_subject"), payload.get(&shape.key));
        ensure!(subject == key, "ce_subject is {subject:?} and {} is {key:?}", shape.key);
        Ok(())
    }

    fn validate(&self, part: &str, value: &Value, shape: SchemaIndex) -> Result<()> {
        self.schemas.validate(value, shape).map_err(|error| anyhow!("{part}: {error:#}"))
    }
}

fn texts<N: AsRef<str>, V: AsRef<[u8]>>(
    headers: impl IntoIterator<Item = (N, V)>,
) -> Result<Map<String, Value>> {
    let mut texts = Map::new();
    for (name, value) in headers {
        let name = name.as_ref();
        let value = str::from_utf8(value.as_ref()).with_context(|| format!("header {name} is not text"))?;
        if texts.insert(name.to_owned(), Value::from(value)).is_some() {
            bail!("header {name} is there twice");
        }
    }
    Ok(texts)
}

/// Closes each object of a schema that names its members.
fn close(schema: &mut Value) {
    match schema {
        Value::Object(members) => {
            members.values_mut().for_each(close);
            if members.contains_key("properties") && members.get("type") == Some(&Value::from("object")) {
                members.insert("additionalProperties".to_owned(), Value::Bool(false));
            }
        }
        Value::Array(items) => items.iter_mut().for_each(close),
        _ => {}
    }
}

//! `values.schema.json` of a service's chart and of the umbrella.

use anyhow::Result;
use serde_json::{Value as Json, json};
use testkit::services::ServiceEntry;

use crate::{
    form::{Form, json_of},
    settings::Setting,
    tree::Tree,
    values::{Listed, Value},
};

/// The draft that every helm knows.
const DRAFT: &str = "http://json-schema.org/draft-07/schema#";

/// Names of properties of librdkafka that hold secrets: these come from Secrets, and never from values.
const SECRET_NAMES: &str = "password|secret|key_pem|oauthbearer_config|token";

/// The schema of a service's chart.
pub fn service(service: &str, listed: &Listed, values: &[Value], settings: &[Setting]) -> Result<Json> {
    let mut schema = tree(listed, values.iter(), Value::meaning)?;
    schema["properties"]["settings"] = of_settings(settings);
    schema["properties"]["global"] =
        json!({"type": "object", "description": "Values of all services, which the umbrella chart checks."});
    // Helm puts an entry for every chart that this one is made of.
    schema["properties"]["countinghouse-library"] = json!({"type": "object", "description": "Nothing."});
    Ok(titled(schema, &format!("Values of the chart of {service}")))
}

/// The schema of the umbrella: what all services share. Each service's own values are checked by its own chart.
pub fn umbrella(listed: &Listed, services: &[ServiceEntry]) -> Result<Json> {
    let mut global = tree(listed, listed.global(), |value| {
        format!("{} For all services that leave it empty.", value.meaning())
    })?;
    global["description"] = json!("Values of all services. What a service says itself counts instead.");
    let own = tree(listed, listed.umbrella(), Value::meaning)?;
    let mut properties = own["properties"].clone();
    properties["global"] = global;
    for ServiceEntry { name: service, .. } in services {
        properties[service] = json!({
            "type": "object",
            "description": format!("Values of {service}, as its own chart has them."),
            "properties": {"enabled": {"type": "boolean", "description": "Whether it is installed."}},
        });
    }
    let schema = json!({"type": "object", "additionalProperties": false, "properties": properties});
    Ok(titled(schema, "Values of the chart of Countinghouse"))
}

fn titled(mut schema: Json, title: &str) -> Json {
    schema["$schema"] = json!(DRAFT);
    schema["title"] = json!(title);
    schema
}

fn tree<'a>(
    listed: &Listed,
    values: impl Iterator<Item = &'a Value>,
    meaning: impl Fn(&Value) -> String,
) -> Result<Json> {
    let leaves = values.map(|value| {
        let mut schema = value.kind.schema(&value.bounds());
        schema["description"] = json!(meaning(value));
        if let Some(default) = &value.default {
            schema["default"] = json_of(default);
        }
        (value.path.clone(), schema)
    });
    objects("", &Tree::of(leaves), &|group: &str| Ok(listed.about(group)?.to_owned()))
}

/// The settings, of which whatever is not listed is refused.
fn of_settings(settings: &[Setting]) -> Json {
    let leaves = settings.iter().map(|setting| {
        let mut schema = setting.form.schema(&setting.bounds);
        schema["description"] = json!(setting.meaning);
        if let Some(default) = &setting.default {
            schema["default"] = json_of(default);
        }
        if setting.form == Form::Map {
            schema["propertyNames"] = json!({"pattern": "^[a-z0-9_]+$", "not": {"pattern": SECRET_NAMES}});
        }
        (setting.path.clone(), schema)
    });
    let described = |group: &str| Ok(format!("Settings of the section {group}."));
    let mut schema =
        objects("", &Tree::of(leaves), &described).expect("invariant: every section is described");
    schema["description"] = json!("Settings of the service itself, by section.");
    schema
}

fn objects(path: &str, tree: &Tree<Json>, about: &impl Fn(&str) -> Result<String>) -> Result<Json> {
    let entries = match tree {
        Tree::Leaf(schema) => return Ok(schema.clone()),
        Tree::Group(entries) => entries,
    };
    let mut schema = json!({"type": "object", "additionalProperties": false, "properties": {}});
    if !path.is_empty() {
        schema["description"] = json!(about(path)?);
    }
    for (name, inner) in entries {
        let inner_path = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
        schema["properties"][name] = objects(&inner_path, inner, about)?;
    }
    Ok(schema)
}

//! The forms of values, as JSON Schema says them.

use serde::Deserialize;
use serde_json::{Value as Json, json};

/// The longest text, where a value names no other bound.
const TEXT_CHARS_MAX: u64 = 1_000;
/// The most entries of a list or a map, where a value names no other bound.
const ENTRIES_MAX: u64 = 100;
/// A probe waits at least as long as the service's own program does for an answer, so that it can say what is wrong.
const PROBE_TIMEOUT_S_MIN: u64 = 5;

/// The form of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Form {
    String,
    Integer,
    Number,
    Boolean,
    /// A list of texts.
    Strings,
    /// Names and texts.
    Map,
    /// Names and lists of texts.
    Lists,
    /// An object of Kubernetes, which Kubernetes itself checks.
    Object,
    /// A list of them.
    Objects,
    /// What a container is given.
    Resources,
    /// How a container is probed.
    Probe,
    /// The service's own settings.
    Settings,
}

/// The bounds of a value.
#[derive(Clone, Debug, Default)]
pub struct Bounds {
    pub min: Option<toml::Value>,
    pub max: Option<toml::Value>,
    pub pattern: Option<String>,
    pub choices: Vec<String>,
}

impl Form {
    /// What people call it.
    pub fn name(self) -> &'static str {
        match self {
            Form::String => "text",
            Form::Integer => "whole number",
            Form::Number => "number",
            Form::Boolean => "true or false",
            Form::Strings => "list of texts",
            Form::Map => "map of texts",
            Form::Lists => "map of lists",
            Form::Object => "object of Kubernetes",
            Form::Objects => "list of objects of Kubernetes",
            Form::Resources => "requests and limits",
            Form::Probe => "probe",
            Form::Settings => "settings",
        }
    }

    /// Its schema, within `bounds`.
    pub fn schema(self, bounds: &Bounds) -> Json {
        let number = |bound: &Option<toml::Value>| bound.as_ref().and_then(|bound| json_of(bound).as_u64());
        let (min, max) = (number(&bounds.min), number(&bounds.max));
        let texts = json!({"type": "string", "minLength": 1, "maxLength": TEXT_CHARS_MAX});
        match self {
            Form::String if !bounds.choices.is_empty() => json!({"type": "string", "enum": bounds.choices}),
            Form::String => text(bounds, min, max),
            Form::Integer | Form::Number => {
                let kind = if self == Form::Integer { "integer" } else { "number" };
                let mut schema = json!({"type": kind});
                for (key, bound) in [("minimum", &bounds.min), ("maximum", &bounds.max)] {
                    if let Some(bound) = bound {
                        schema[key] = json_of(bound);
                    }
                }
                schema
            }
            Form::Boolean => json!({"type": "boolean"}),
            Form::Strings => list(&texts, max),
            Form::Map => {
                let mut schema = map(&json!({"type": "string", "maxLength": TEXT_CHARS_MAX}), max);
                if let Some(min) = min {
                    schema["minProperties"] = json!(min);
                }
                schema
            }
            Form::Lists => map(&list(&texts, None), max),
            // Those of settings are put in one by one.
            Form::Object | Form::Settings => json!({"type": "object"}),
            Form::Objects => list(&json!({"type": "object"}), max),
            Form::Resources => resources(),
            Form::Probe => probe(),
        }
    }
}

/// A text; an empty one is allowed unless a shortest length is named, whatever the pattern.
fn text(bounds: &Bounds, min: Option<u64>, max: Option<u64>) -> Json {
    let mut schema = json!({"type": "string", "maxLength": max.unwrap_or(TEXT_CHARS_MAX)});
    if let Some(min) = min {
        schema["minLength"] = json!(min);
    }
    if let Some(pattern) = &bounds.pattern {
        schema["pattern"] = json!(if min.is_some() { pattern.clone() } else { format!("^$|{pattern}") });
    }
    schema
}

fn list(items: &Json, max: Option<u64>) -> Json {
    json!({"type": "array", "items": items, "maxItems": max.unwrap_or(ENTRIES_MAX)})
}

fn map(values: &Json, max: Option<u64>) -> Json {
    json!({"type": "object", "additionalProperties": values, "maxProperties": max.unwrap_or(ENTRIES_MAX)})
}

fn resources() -> Json {
    let amount = json!({
        "anyOf": [{"type": "string", "pattern": "^[0-9.]+([mkMGT]i?)?$"}, {"type": "number", "exclusiveMinimum": 0}]
    });
    let amounts = json!({
        "type": "object",
        "additionalProperties": false,
        "properties": {"cpu": amount, "memory": amount, "ephemeral-storage": amount},
    });
    json!({
        "type": "object",
        "additionalProperties": false,
        "properties": {"requests": amounts, "limits": amounts},
    })
}

fn probe() -> Json {
    let number = |min: u64, max: u64| json!({"type": "integer", "minimum": min, "maximum": max});
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["periodSeconds", "timeoutSeconds", "failureThreshold"],
        "properties": {
            "initialDelaySeconds": number(0, 600),
            "periodSeconds": number(1, 300),
            "timeoutSeconds": number(PROBE_TIMEOUT_S_MIN, 60),
            "failureThreshold": number(1, 1_000),
        },
    })
}

/// A value of TOML as JSON.
pub fn json_of(value: &toml::Value) -> Json {
    serde_json::to_value(value).expect("invariant: a value of TOML without dates is one of JSON")
}

//! How enums are written in text columns: by their serde names, which the CHECK constraints repeat.

use serde::{Serialize, de::DeserializeOwned};
use serde_json::Value;

/// The name of a unit variant.
pub fn text_of(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(text)) => text,
        other => unreachable!("only unit variants are written as text, and they serialize to one: {other:?}"),
    }
}

/// The unit variant of a name. Fails only when the table holds what its constraint forbids.
pub fn from_text<T: DeserializeOwned>(text: &str) -> Result<T, sqlx::Error> {
    serde_json::from_value(Value::String(text.to_owned())).map_err(|error| sqlx::Error::Decode(error.into()))
}

/// A digest column.
pub fn digest(bytes: &[u8]) -> Result<crate::domain::Digest, sqlx::Error> {
    bytes.try_into().map(crate::domain::Digest).map_err(|error| sqlx::Error::Decode(Box::new(error)))
}

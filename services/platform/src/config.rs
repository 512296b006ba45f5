//! Configuration: what is loaded ([`Settings`](crate::service::Settings)), what is wrong with it, and what is never shown.

use std::{collections::BTreeMap, fmt};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Environment variables.
pub type Variables = BTreeMap<String, String>;

/// A configuration that cannot be used; names the key or the file.
#[derive(Debug, thiserror::Error)]
#[error("configuration of {service}: {reason}")]
pub struct ConfigError {
    service: String,
    reason: String,
}

impl ConfigError {
    pub fn new(service: &str, reason: &impl fmt::Display) -> Self {
        Self { service: service.to_owned(), reason: reason.to_string() }
    }
}

/// A list, or one text with commas, which is how a variable of the environment gives a list.
pub fn list<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged, expecting = "expected a list, or a text with commas")]
    enum Given {
        List(Vec<String>),
        Text(String),
    }
    let items = match Given::deserialize(deserializer)? {
        Given::List(items) => items,
        Given::Text(text) => text.split(',').map(|item| item.trim().to_owned()).collect(),
    };
    Ok(items.into_iter().filter(|item| !item.is_empty()).collect())
}

/// A value that is never shown: in logs, errors and the printed configuration it is `***`.
#[derive(Clone, Default, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    pub fn new(value: impl Into<String>) -> Self {
        Self(value.into())
    }

    /// The value itself, for the one place that needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("***")
    }
}

impl Serialize for Secret {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("***")
    }
}

//! Configuration: defaults in the binary, then a file, then the environment. Unknown keys are refused, so that a slip of the
//! pen stops the start instead of leaving a default in force.

use std::{collections::BTreeMap, fmt, path::Path};

use config::{Config, Environment, File, FileFormat};
use serde::{Deserialize, Serialize, Serializer, de::DeserializeOwned};

/// A configuration that cannot be used; names the key or the file.
#[derive(Debug, thiserror::Error)]
#[error("configuration of {service}: {reason}")]
pub struct ConfigError {
    service: String,
    reason: String,
}

/// Loads the configuration of a service: `defaults_toml`, then `file`, then the variables
/// `COUNTINGHOUSE_<SERVICE>__<SECTION>__<KEY>`.
pub fn load<T: DeserializeOwned>(
    service: &str,
    defaults_toml: &str,
    file: Option<&Path>,
) -> Result<T, ConfigError> {
    load_with(service, defaults_toml, file, None)
}

/// The same, from variables that are given instead of the process's own.
pub fn load_with<T: DeserializeOwned>(
    service: &str,
    defaults_toml: &str,
    file: Option<&Path>,
    variables: Option<BTreeMap<String, String>>,
) -> Result<T, ConfigError> {
    let failed =
        |error: &dyn fmt::Display| ConfigError { service: service.to_owned(), reason: error.to_string() };
    let environment = Environment::with_prefix(&format!("COUNTINGHOUSE_{}", service.to_uppercase()))
        .prefix_separator("__")
        .separator("__")
        .source(variables.map(|variables| variables.into_iter().collect()));
    let mut builder = Config::builder().add_source(File::from_str(defaults_toml, FileFormat::Toml));
    if let Some(path) = file {
        builder = builder.add_source(File::from(path).format(FileFormat::Toml));
    }
    let config = builder.add_source(environment).build().map_err(|error| failed(&error))?;
    config.try_deserialize().map_err(|error| failed(&error))
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

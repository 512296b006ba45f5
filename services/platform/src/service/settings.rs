//! The settings of a service: those that all services share, and its own.

use std::{path::Path, time::Duration};

use config::{Config, Environment, File, FileFormat};
use serde::{Deserialize, de::DeserializeOwned};

use super::Service;
use crate::{
    approval::ApprovalConfig,
    auth::AuthConfig,
    config::{ConfigError, Secret, Variables},
    db::DbConfig,
    facts::KafkaConfig,
    retention::Retention,
    rpc::RpcConfig,
    telemetry::TelemetryConfig,
};

/// The defaults of the settings that all services share, with what each key means.
pub const SHARED_DEFAULTS: &str = include_str!("../../config/default.toml");

/// The placeholder of the service's name in [`SHARED_DEFAULTS`].
const NAME_PLACE: &str = "<service>";

/// Connections that the server and the mechanisms keep: two each by the relay of the outbox and by the sealer of the audit.
const CONNECTIONS_KEPT: u32 = 4;

/// Everything that an installation may set.
#[derive(Clone, Debug)]
pub struct Settings<Own> {
    pub database: DbConfig,
    pub kafka: KafkaConfig,
    pub rpc: RpcConfig,
    pub auth: AuthConfig,
    pub approval: ApprovalConfig,
    pub pages: PagesConfig,
    pub retention: Retention,
    pub telemetry: TelemetryConfig,
    pub lifecycle: LifecycleConfig,
    /// What is the service's own.
    pub own: Own,
}

/// The sections that all services have.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Shared {
    database: DbConfig,
    kafka: KafkaConfig,
    rpc: RpcConfig,
    auth: AuthConfig,
    approval: ApprovalConfig,
    pages: PagesConfig,
    retention: Retention,
    telemetry: TelemetryConfig,
    lifecycle: LifecycleConfig,
}

/// Their names.
const SHARED_SECTIONS: &[&str] =
    &["database", "kafka", "rpc", "auth", "approval", "pages", "retention", "telemetry", "lifecycle"];

/// Page tokens.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PagesConfig {
    /// Secret that page tokens are signed with, the same on all replicas; empty for one made from the database's URL and password.
    pub key: Secret,
}

/// Starting and stopping.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LifecycleConfig {
    /// How long work in hand may take when the service stops.
    pub drain_max_ms: u64,
}

impl LifecycleConfig {
    pub fn drain_max(&self) -> Duration {
        Duration::from_millis(self.drain_max_ms)
    }
}

/// An invalid setting.
#[derive(Debug, thiserror::Error)]
#[error("{key} must be {rule}")]
pub struct SettingInvalid {
    key: &'static str,
    rule: String,
}

/// Bounds of a setting, checked by name.
#[derive(Clone, Copy, Debug)]
pub struct Bounds;

impl Bounds {
    pub fn at_least(key: &'static str, value: u64, least: u64) -> Result<(), SettingInvalid> {
        if value >= least {
            return Ok(());
        }
        Err(SettingInvalid { key, rule: format!("at least {least}, not {value}") })
    }

    pub fn at_most(key: &'static str, value: u64, most: u64) -> Result<(), SettingInvalid> {
        if value <= most {
            return Ok(());
        }
        Err(SettingInvalid { key, rule: format!("at most {most}, not {value}") })
    }
}

impl<Own: DeserializeOwned> Settings<Own> {
    /// The shared defaults, the service's own, then `file`, then the environment.
    pub fn load<S: Service<Settings = Own>>(file: Option<&Path>) -> Result<Self, ConfigError> {
        Self::load_with::<S>(file, None)
    }

    /// The same, with these variables instead of the process's environment.
    pub fn load_with<S: Service<Settings = Own>>(
        file: Option<&Path>,
        variables: Option<Variables>,
    ) -> Result<Self, ConfigError> {
        let failed = |error: &config::ConfigError| ConfigError::new(S::NAME, error);
        let shared = SHARED_DEFAULTS.replace(NAME_PLACE, S::NAME);
        let environment = Environment::with_prefix(&format!("COUNTINGHOUSE_{}", S::NAME.to_uppercase()))
            .prefix_separator("__")
            .separator("__")
            .source(variables.map(|variables| variables.into_iter().collect()));
        let mut builder = Config::builder()
            .add_source(File::from_str(&shared, FileFormat::Toml))
            .add_source(File::from_str(S::DEFAULTS, FileFormat::Toml));
        if let Some(path) = file {
            builder = builder.add_source(File::from(path).format(FileFormat::Toml));
        }
        let all = builder.add_source(environment).build().map_err(|error| failed(&error))?;
        let (shared, own) = divide(all).map_err(|error| failed(&error))?;
        let shared: Shared = shared.try_deserialize().map_err(|error| failed(&error))?;
        let own: Own = own.try_deserialize().map_err(|error| failed(&error))?;
        let Shared { database, kafka, rpc, auth, approval, pages, retention, telemetry, lifecycle } = shared;
        Ok(Self { database, kafka, rpc, auth, approval, pages, retention, telemetry, lifecycle, own })
    }
}

/// The shared sections and the others, each read strictly.
fn divide(all: Config) -> Result<(Config, Config), config::ConfigError> {
    let (mut shared, mut own) = (Config::builder(), Config::builder());
    for (section, value) in all.cache.into_table()? {
        if SHARED_SECTIONS.contains(&section.as_str()) {
            shared = shared.set_override(&section, value)?;
        } else {
            own = own.set_override(&section, value)?;
        }
    }
    Ok((shared.build()?, own.build()?))
}

impl<Own> Settings<Own> {
    /// The key of page tokens. When none is set, it is made from the database's URL and password: who does not know those cannot sign.
    pub fn page_key(&self) -> Secret {
        if !self.pages.key.expose().is_empty() {
            return self.pages.key.clone();
        }
        Secret::new(format!("{}{}", self.database.url.expose(), self.database.password.expose()))
    }

    /// Refuses invalid shared settings.
    pub fn check(&self) -> Result<(), SettingInvalid> {
        Bounds::at_least(
            "database.connections_max",
            self.database.connections_max.into(),
            (CONNECTIONS_KEPT + 2).into(),
        )?;
        Bounds::at_least("telemetry.metrics_every_ms", self.telemetry.metrics_every_ms, 100)?;
        Bounds::at_least("retention.approval_days", self.retention.approval_days.into(), 40)?;
        Bounds::at_least("retention.request_days", self.retention.request_days.into(), 40)?;
        // An approval that was cut off may run its request again, which must be remembered then.
        let remembered_h = 24 * u64::from(self.retention.request_days);
        Bounds::at_most(
            "approval.expire_after_hours",
            self.approval.expire_after_hours.into(),
            remembered_h / 2,
        )
    }
}

//! The service's configuration: `config/default.toml` says what each key means and what it is unless told otherwise.

use std::{path::Path, time::Duration};

use platform::{
    approval::ApprovalConfig,
    auth::AuthConfig,
    config::{self, ConfigError, Secret},
    db::DbConfig,
    facts::KafkaConfig,
    retention::Retention,
    rpc::RpcConfig,
    telemetry::TelemetryConfig,
};
use serde::Deserialize;

use crate::{SERVICE, app::writer::WriterConfig};

const DEFAULTS: &str = include_str!("../config/default.toml");

/// Connections that are taken for good: two each by three relays and by the sealer of the audit (one listens, one measures).
const CONNECTIONS_TAKEN: u32 = 8;

/// Bytes of requests in a batch at most. With one more request of the largest size these are fewer postings than
/// `verify` believes of a batch.
const BATCH_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Everything that an installation may set.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub database: DbConfig,
    pub kafka: KafkaConfig,
    pub facts: FactsConfig,
    pub rpc: RpcConfig,
    pub auth: AuthConfig,
    pub approval: ApprovalConfig,
    pub pages: PagesConfig,
    pub writer: WriterConfig,
    pub jobs: JobsConfig,
    pub retention: Retention,
    pub telemetry: TelemetryConfig,
    pub lifecycle: LifecycleConfig,
}

/// Business facts of other services.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FactsConfig {
    /// The topics that are taken in, by their contract names; none to take in nothing.
    pub topics: Vec<String>,
    /// Facts that are being booked at once, each with a connection of its own.
    pub connections_max: u32,
}

/// Page tokens.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PagesConfig {
    key: Secret,
}

/// Jobs.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobsConfig {
    expire_holds_every_ms: u64,
    approval_days: u32,
}

impl JobsConfig {
    pub fn expire_holds_every(&self) -> Duration {
        Duration::from_millis(self.expire_holds_every_ms)
    }

    /// For how many days a decided approval is kept.
    pub fn approval_days(&self) -> u32 {
        self.approval_days
    }
}

/// Starting and stopping.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LifecycleConfig {
    drain_max_ms: u64,
}

impl LifecycleConfig {
    pub fn drain_max(&self) -> Duration {
        Duration::from_millis(self.drain_max_ms)
    }
}

/// A setting that cannot be meant.
#[derive(Debug, thiserror::Error)]
#[error("{key} must be {rule}")]
pub struct SettingInvalid {
    key: &'static str,
    rule: String,
}

impl Config {
    /// The defaults, then `file`, then the environment.
    pub fn load(file: Option<&Path>) -> Result<Self, ConfigError> {
        config::load(SERVICE, DEFAULTS, file)
    }

    /// The key of page tokens. Made from what opens the database when none is set: only whoever knows the password can sign.
    pub fn page_key(&self) -> Secret {
        if !self.pages.key.expose().is_empty() {
            return self.pages.key.clone();
        }
        Secret::new(format!("{}{}", self.database.url.expose(), self.database.password.expose()))
    }

    /// Refuses settings that cannot be meant.
    pub fn check(&self) -> Result<(), SettingInvalid> {
        let at_least = |key: &'static str, value: u64, least: u64| {
            if value >= least {
                Ok(())
            } else {
                Err(SettingInvalid { key, rule: format!("at least {least}, not {value}") })
            }
        };
        let at_most = |key: &'static str, value: u64, most: u64| {
            if value <= most {
                Ok(())
            } else {
                Err(SettingInvalid { key, rule: format!("at most {most}, not {value}") })
            }
        };
        let number = |value: usize| u64::try_from(value).unwrap_or(u64::MAX);
        at_least(
            "database.connections_max",
            self.database.connections_max.into(),
            (CONNECTIONS_TAKEN + 2).into(),
        )?;
        at_least("facts.connections_max", self.facts.connections_max.into(), 1)?;
        at_least("writer.queue_max", number(self.writer.queue_max), 1)?;
        at_least("writer.batch_commands_max", number(self.writer.batch_commands_max), 1)?;
        at_least("writer.batch_bytes_max", number(self.writer.batch_bytes_max), 1)?;
        at_most("writer.batch_bytes_max", number(self.writer.batch_bytes_max), BATCH_BYTES_MAX)?;
        at_least("writer.accounts_max", number(self.writer.accounts_max), 1_000)?;
        at_least("writer.request_memory_days", self.writer.request_memory_days.into(), 40)?;
        at_least("writer.statement_timeout_ms", self.writer.statement_timeout_ms.into(), 100)?;
        at_least("writer.lead_retry_ms", self.writer.lead_retry_ms, 10)?;
        at_least("writer.heartbeat_ms", self.writer.heartbeat_ms, 10)?;
        // One beat may be late, and one may be lost.
        at_least("writer.heartbeat_lost_ms", self.writer.heartbeat_lost_ms, 3 * self.writer.heartbeat_ms)?;
        at_least("telemetry.metrics_every_ms", self.telemetry.metrics_every_ms, 100)?;
        at_least("jobs.approval_days", self.jobs.approval_days.into(), 40)?;
        at_least("jobs.expire_holds_every_ms", self.jobs.expire_holds_every_ms, 10)?;
        // An approval that was cut off may run its request again, which must be remembered then (ACC-4).
        let remembered_h = 24 * u64::from(self.writer.request_memory_days);
        at_most("approval.expire_after_hours", self.approval.expire_after_hours.into(), remembered_h / 2)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use sqlx::postgres::PgSslMode;

    use super::*;

    fn with(variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let variable =
            |(key, value): &(&str, &str)| (format!("COUNTINGHOUSE_ACCOUNTING__{key}"), (*value).to_owned());
        let variables: BTreeMap<_, _> = variables.iter().map(variable).collect();
        config::load_with(SERVICE, DEFAULTS, None, Some(variables))
    }

    #[test]
    fn the_defaults_hold() {
        with(&[]).unwrap().check().unwrap();
    }

    #[test]
    fn an_installation_sets_what_the_local_stack_sets() {
        let config = with(&[
            ("DATABASE__URL", "postgres://accounting:hush@db/accounting"),
            ("KAFKA__BROKERS", "kafka:9092"),
            ("RPC__LISTEN", "127.0.0.1:7000"),
            ("AUTH__JWKS_FILE", "jwks.json"),
        ])
        .unwrap();
        assert_eq!(config.kafka.brokers, "kafka:9092");
        assert_eq!(config.rpc.listen.port(), 7000);
        assert_eq!(config.page_key().expose(), "postgres://accounting:hush@db/accounting");
        assert!(!format!("{config:?}").contains("hush"));
    }

    #[test]
    fn a_role_may_come_apart_from_the_address() {
        let apart = with(&[
            ("DATABASE__URL", "postgres://db:5433/accounting"),
            ("DATABASE__USER", "accounting"),
            ("DATABASE__PASSWORD", "hush"),
            ("DATABASE__TLS_MODE", "verify-full"),
        ])
        .unwrap();
        let options = apart.database.options().unwrap();
        assert_eq!(
            (options.get_host(), options.get_port(), options.get_username()),
            ("db", 5433, "accounting")
        );
        assert!(matches!(options.get_ssl_mode(), PgSslMode::VerifyFull));
        assert!(apart.page_key().expose().contains("hush"), "the address alone is no secret");
        assert!(!format!("{apart:?}").contains("hush"));
        let wrong = with(&[("DATABASE__TLS_MODE", "always")]).unwrap();
        assert!(wrong.database.options().unwrap_err().to_string().contains("always"));
    }

    #[test]
    fn a_slip_of_the_pen_is_refused_and_named() {
        let error = with(&[("WRITER__QUEUE_MAXX", "1")]).unwrap_err();
        assert!(error.to_string().contains("queue_maxx"), "{error}");
    }

    #[test]
    fn a_setting_that_cannot_be_meant_is_named() {
        let error = with(&[("WRITER__REQUEST_MEMORY_DAYS", "1")]).unwrap().check().unwrap_err();
        assert_eq!(error.to_string(), "writer.request_memory_days must be at least 40, not 1");
        let error = with(&[("APPROVAL__EXPIRE_AFTER_HOURS", "481")]).unwrap().check().unwrap_err();
        assert_eq!(error.to_string(), "approval.expire_after_hours must be at most 480, not 481");
    }

    #[test]
    fn every_role_reads_and_only_checkers_decide() {
        let roles = with(&[]).unwrap().auth.roles;
        for (role, permissions) in &roles {
            assert!(permissions.iter().any(|permission| permission.ends_with(".read")), "{role}");
            let decides = permissions.iter().any(|permission| permission == "approval.approvals.decide");
            let checks = permissions
                .iter()
                .any(|permission| permission.ends_with(".check") || permission.ends_with(".authorise"));
            assert_eq!(decides, checks, "{role}");
        }
        assert_eq!(roles.len(), 8);
    }
}

//! The service's own settings: `config/default.toml` has them with their meanings and defaults.

use std::time::Duration;

use platform::service::{Bounds, SettingInvalid, Settings};
use serde::Deserialize;

use crate::app::writer::WriterConfig;

/// The service's own defaults.
pub const DEFAULTS: &str = include_str!("../config/default.toml");

/// Connections that are kept: two each by three relays and by the sealer of the audit (one listens, one measures).
const CONNECTIONS_KEPT: u32 = 8;

/// Bytes of requests in a batch at most. With one more request of the largest size these are fewer postings than
/// `verify` believes of a batch.
const BATCH_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// The settings of this service.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Config {
    pub facts: FactsConfig,
    pub writer: WriterConfig,
    pub jobs: JobsConfig,
}

/// Business facts of other services.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FactsConfig {
    /// The topics to follow, by their contract names; none to follow nothing.
    #[serde(deserialize_with = "platform::config::list")]
    pub topics: Vec<String>,
    /// Facts that are being booked at once, each with a connection of its own.
    pub connections_max: u32,
}

/// Jobs.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobsConfig {
    expire_holds_every_ms: u64,
}

impl JobsConfig {
    pub fn expire_holds_every(&self) -> Duration {
        Duration::from_millis(self.expire_holds_every_ms)
    }
}

/// Refuses settings that cannot work.
pub fn check(settings: &Settings<Config>) -> Result<(), SettingInvalid> {
    let Config { facts, writer, jobs } = &settings.own;
    let number = |value: usize| u64::try_from(value).unwrap_or(u64::MAX);
    Bounds::at_least(
        "database.connections_max",
        settings.database.connections_max.into(),
        (CONNECTIONS_KEPT + 2).into(),
    )?;
    Bounds::at_least("facts.connections_max", facts.connections_max.into(), 1)?;
    Bounds::at_least("writer.queue_max", number(writer.queue_max), 1)?;
    Bounds::at_least("writer.batch_commands_max", number(writer.batch_commands_max), 1)?;
    Bounds::at_least("writer.batch_bytes_max", number(writer.batch_bytes_max), 1)?;
    Bounds::at_most("writer.batch_bytes_max", number(writer.batch_bytes_max), BATCH_BYTES_MAX)?;
    Bounds::at_least("writer.accounts_max", number(writer.accounts_max), 1_000)?;
    Bounds::at_least("writer.request_memory_days", writer.request_memory_days.into(), 40)?;
    Bounds::at_least("writer.statement_timeout_ms", writer.statement_timeout_ms.into(), 100)?;
    Bounds::at_least("writer.lead_retry_ms", writer.lead_retry_ms, 10)?;
    Bounds::at_least("writer.heartbeat_ms", writer.heartbeat_ms, 10)?;
    // One beat may be late, and one may be lost.
    Bounds::at_least("writer.heartbeat_lost_ms", writer.heartbeat_lost_ms, 3 * writer.heartbeat_ms)?;
    Bounds::at_least("jobs.expire_holds_every_ms", jobs.expire_holds_every_ms, 10)?;
    // An approval that was cut off may run its request again, which must be remembered then (ACC-4).
    let remembered_h = 24 * u64::from(writer.request_memory_days);
    Bounds::at_most(
        "approval.expire_after_hours",
        settings.approval.expire_after_hours.into(),
        remembered_h / 2,
    )
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use sqlx::postgres::PgSslMode;

    use platform::config::ConfigError;

    use super::*;
    use crate::service::Accounting;

    fn with(variables: &[(&str, &str)]) -> Result<Settings<Config>, ConfigError> {
        let variable =
            |(key, value): &(&str, &str)| (format!("COUNTINGHOUSE_ACCOUNTING__{key}"), (*value).to_owned());
        let variables: BTreeMap<_, _> = variables.iter().map(variable).collect();
        Settings::load_with::<Accounting>(None, Some(variables))
    }

    #[test]
    fn the_defaults_hold() {
        let settings = with(&[]).unwrap();
        settings.check().unwrap();
        check(&settings).unwrap();
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
    fn topics_are_a_list_or_a_text_with_commas() {
        let topics = |text| with(&[("FACTS__TOPICS", text)]).unwrap().own.facts.topics;
        assert_eq!(topics("a.v1, b.v1"), ["a.v1", "b.v1"]);
        assert!(topics("").is_empty());
    }

    #[test]
    fn a_slip_of_the_pen_is_refused_and_named() {
        let error = with(&[("WRITER__QUEUE_MAXX", "1")]).unwrap_err();
        assert!(error.to_string().contains("queue_maxx"), "{error}");
    }

    #[test]
    fn a_setting_that_cannot_be_meant_is_named() {
        let error = check(&with(&[("WRITER__REQUEST_MEMORY_DAYS", "1")]).unwrap()).unwrap_err();
        assert_eq!(error.to_string(), "writer.request_memory_days must be at least 40, not 1");
        let error = check(&with(&[("APPROVAL__EXPIRE_AFTER_HOURS", "481")]).unwrap()).unwrap_err();
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

//! Where everything is, as `make run` puts it into the environment, and what the day shall do.

use std::{collections::BTreeMap, path::PathBuf};

use clap::Parser;

/// Opens the books of a sample bank through the public API, runs a banking day, and checks the books.
#[derive(Debug, Clone, Parser)]
#[command(name = "day")]
pub struct Settings {
    /// The same seed makes the same day.
    #[arg(long, default_value_t = 20_260_105)]
    pub seed: u64,
    /// How many postings the day makes, at least.
    #[arg(long, default_value_t = 4_000)]
    pub postings: usize,
    /// How many requests are in flight at once.
    #[arg(long, default_value_t = 64)]
    pub in_flight: usize,
    /// Goes on in the business day that is open, rather than opening the next.
    #[arg(long)]
    pub same_day: bool,
    /// The endpoint of `accounting`, as host:port.
    #[arg(long, env = "ACCOUNTING_GRPC")]
    pub grpc: String,
    /// The endpoint of `voucher`, as host:port. Without it the day has no vouchers.
    #[arg(long, env = "VOUCHER_GRPC")]
    pub voucher_grpc: Option<String>,
    /// The folder of the key that signs operators' tokens.
    #[arg(long, env = "KEYS")]
    pub keys: PathBuf,
    /// The published keys, which the service is configured with.
    #[arg(long, env = "JWKS_FILE")]
    pub jwks_file: PathBuf,
    /// Kafka's brokers, as host:port.
    #[arg(long, env = "KAFKA_BROKERS")]
    pub brokers: String,
    /// The service's database, which `accounting verify` reads.
    #[arg(long, env = "ACCOUNTING_DATABASE_URL", hide_env_values = true)]
    pub database_url: String,
}

impl Settings {
    /// What the service's own program needs in its environment.
    pub fn of_the_service(&self) -> BTreeMap<String, String> {
        let jwks_file = self.jwks_file.display().to_string();
        let settings = [
            ("DATABASE__URL", &self.database_url),
            ("KAFKA__BROKERS", &self.brokers),
            ("RPC__LISTEN", &self.grpc),
            ("AUTH__JWKS_FILE", &jwks_file),
        ];
        let named =
            |(key, value): (&str, &String)| (format!("COUNTINGHOUSE_ACCOUNTING__{key}"), value.clone());
        settings.into_iter().map(named).collect()
    }
}

//! Options, and where the stack is.

use std::{path::PathBuf, time::Duration};

use clap::{Parser, ValueEnum};

/// Measures accounting under load, on a stack that runs already. `make bench-accounting` starts one.
#[derive(Debug, Parser)]
pub struct Arguments {
    /// How long each row is measured.
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3_600))]
    pub seconds: u64,
    /// How long each row runs before it is measured.
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u64).range(0..=600))]
    pub warm_up_seconds: u64,
    /// How long transfers run before the first row: the broker's virtual machine compiles what it does often, and memory fills.
    #[arg(long, default_value_t = 90, value_parser = clap::value_parser!(u64).range(0..=600))]
    pub run_in_seconds: u64,
    /// How many requests are under way at any time.
    #[arg(long, default_value_t = 256, value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub in_flight: u32,
    /// How many customers' accounts there are.
    #[arg(long, default_value_t = 100_000, value_parser = clap::value_parser!(u32).range(1_000..=10_000_000))]
    pub accounts: u32,
    /// Which rows to measure, parted by commas; without this all but `in_flight` and `overload_5000`.
    #[arg(long, value_enum, value_delimiter = ',')]
    pub rows: Vec<Row>,
    /// What the choice of accounts begins from.
    #[arg(long, default_value_t = 1)]
    pub seed: u64,
    /// Where the results go as JSON; `.local/bench/accounting.json` without this.
    #[arg(long)]
    pub out: Option<PathBuf>,
    #[command(flatten)]
    pub stack: Endpoints,
}

/// Where the stack is: `local with` sets these.
#[derive(Debug, Clone, clap::Args)]
pub struct Endpoints {
    /// Accounting's address, as `127.0.0.1:7001`.
    #[arg(long, env = "ACCOUNTING_GRPC", hide_env_values = true)]
    pub accounting_grpc: String,
    /// The folder of the stack's keys.
    #[arg(long, env = "KEYS", hide_env_values = true)]
    pub keys: PathBuf,
    #[arg(long, env = "KAFKA_BROKERS", hide_env_values = true)]
    pub kafka_brokers: String,
    /// Postgres, as its superuser: for the baselines, which have databases of their own.
    #[arg(long, env = "POSTGRES_URL", hide_env_values = true)]
    pub postgres_url: String,
    #[arg(long, env = "ACCOUNTING_PID", hide_env_values = true)]
    pub accounting_pid: u32,
    #[arg(long, env = "POSTGRES_PID", hide_env_values = true)]
    pub postgres_pid: u32,
    #[arg(long, env = "KAFKA_PID", hide_env_values = true)]
    pub kafka_pid: u32,
}

/// What can be measured, in the order in which it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
#[value(rename_all = "snake_case")]
pub enum Row {
    PgbenchTpcb,
    /// In batches of 10, 50 and 256 postings.
    BareAppend,
    SingleUniform,
    SingleZipf,
    SingleHot,
    #[value(name = "single_refused10")]
    SingleRefused10,
    #[value(name = "batch100")]
    Batch100,
    DayMix,
    /// By `accounting import`, from a file.
    ImportPostings,
    /// With 1, 8, 64, 256 and 1,000 requests in flight.
    InFlight,
    #[value(name = "overload_5000")]
    Overload5000,
}

impl Row {
    /// Its name in the results.
    pub fn name(self) -> String {
        let value = self.to_possible_value().expect("invariant: no row is hidden");
        value.get_name().to_owned()
    }

    fn is_optional(self) -> bool {
        matches!(self, Self::InFlight | Self::Overload5000)
    }

    fn is_baseline(self) -> bool {
        matches!(self, Self::PgbenchTpcb | Self::BareAppend)
    }
}

impl Arguments {
    /// The rows to measure, in their order.
    pub fn chosen(&self) -> Vec<Row> {
        let all = Row::value_variants().iter().copied();
        all.filter(|row| if self.rows.is_empty() { !row.is_optional() } else { self.rows.contains(row) })
            .collect()
    }

    /// How long the stack runs in: not at all when no row needs accounting.
    pub fn run_in(&self) -> Duration {
        let only_baselines = self.chosen().into_iter().all(Row::is_baseline);
        Duration::from_secs(if only_baselines { 0 } else { self.run_in_seconds })
    }

    pub fn warm_up(&self) -> Duration {
        Duration::from_secs(self.warm_up_seconds)
    }

    pub fn measured(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(options: &[&str]) -> Result<Arguments, clap::Error> {
        let stack = [
            "load",
            "--accounting-grpc=127.0.0.1:1",
            "--keys=keys",
            "--kafka-brokers=127.0.0.1:2",
            "--postgres-url=postgres://postgres:0@127.0.0.1:3/postgres",
            "--accounting-pid=1",
            "--postgres-pid=2",
            "--kafka-pid=3",
        ];
        Arguments::try_parse_from(stack.iter().chain(options))
    }

    #[test]
    fn without_a_choice_the_costly_rows_are_left_out() {
        let chosen: Vec<String> = parse(&[]).unwrap().chosen().into_iter().map(Row::name).collect();
        let names = [
            "pgbench_tpcb",
            "bare_append",
            "single_uniform",
            "single_zipf",
            "single_hot",
            "single_refused10",
            "batch100",
            "day_mix",
            "import_postings",
        ];
        assert_eq!(chosen, names);
    }

    #[test]
    fn chosen_rows_run_in_their_own_order() {
        let chosen = parse(&["--rows=overload_5000,single_hot,bare_append"]).unwrap().chosen();
        assert_eq!(chosen, [Row::BareAppend, Row::SingleHot, Row::Overload5000]);
        assert!(parse(&["--rows=single"]).is_err());
    }

    #[test]
    fn baselines_alone_need_no_running_in() {
        assert_eq!(parse(&[]).unwrap().run_in(), Duration::from_secs(90));
        assert_eq!(parse(&["--rows=pgbench_tpcb,bare_append"]).unwrap().run_in(), Duration::ZERO);
    }

    #[test]
    fn options_have_bounds() {
        for option in
            ["--seconds=0", "--seconds=3601", "--in-flight=0", "--in-flight=10001", "--accounts=999"]
        {
            assert!(parse(&[option]).is_err(), "{option}");
        }
    }
}

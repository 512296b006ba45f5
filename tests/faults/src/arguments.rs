//! Options.

use clap::Parser;

use crate::victim::Victim;

/// Kills parts of the house at random moments under load, and proves each time that nothing was lost and nothing was doubled.
#[derive(Debug, Clone, Parser)]
pub struct Arguments {
    /// How many kills.
    #[arg(long, default_value_t = 200, value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub kills: u32,
    /// What all chance begins from. Without this it is drawn, and printed.
    #[arg(long)]
    pub seed: Option<u64>,
    /// What is killed, parted by commas.
    #[arg(long, value_enum, value_delimiter = ',', default_values_t = Victim::ALL)]
    pub victims: Vec<Victim>,
    /// How often, after the kills, the disk of Postgres is lost under load and restored from a backup.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u32).range(0..=1_000))]
    pub restores: u32,
    /// How many callers post at any time.
    #[arg(long, default_value_t = 24, value_parser = clap::value_parser!(u32).range(1..=500))]
    pub callers: u32,
    /// After how many kills the whole chain is verified, and all facts are waited for. Both also happen at the end.
    #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..))]
    pub verify_every: u32,
}

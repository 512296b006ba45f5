//! Accounting (会计核算): the books of the bank.

use std::{path::PathBuf, process::ExitCode};

use accounting::{config::Config, startup};
use clap::{Parser, Subcommand};

/// The books of the bank.
#[derive(Debug, Parser)]
struct Arguments {
    /// A file with settings (TOML), over the defaults and under the environment.
    #[arg(long, global = true)]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Serves until it is told to stop.
    Serve,
    /// Applies the migrations that have not run, as the owner of the tables, and makes the topics that are missing.
    Migrate,
    /// Says which settings are in force, secrets aside, or what is wrong with them.
    CheckConfig,
    /// Lists the records that a handler refused for good and nobody has dealt with.
    DeadLetters { handler: String },
    /// Walks the whole journal and the whole audit, and recomputes every balance.
    Verify,
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    let config = Config::load(arguments.config.as_deref())?;
    config.check()?;
    startup::run(&config, arguments.command.into()).await
}

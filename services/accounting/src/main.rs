//! Accounting (会计核算): the books of the bank.

use std::{path::PathBuf, process::ExitCode};

use accounting::{commands::Command, config::Config};
use clap::Parser;
use mimalloc::MiMalloc;

/// Half of what a posting costs the service is memory taken and given back.
#[global_allocator]
static ALLOCATOR: MiMalloc = MiMalloc;

/// The books of the bank.
#[derive(Debug, Parser)]
struct Arguments {
    /// A file with settings (TOML), over the defaults and under the environment.
    #[arg(long, global = true)]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[tokio::main]
async fn main() -> anyhow::Result<ExitCode> {
    let arguments = Arguments::parse();
    let config = Config::load(arguments.config.as_deref())?;
    arguments.command.run(&config).await
}

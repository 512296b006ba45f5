//! `contracts generate | check`: the documents of the contract.

use std::path::PathBuf;

use clap::{Parser, Subcommand};
use contracts::documents;
use testkit::contract::Contract;

/// Writes and checks the documents generated from the contract.
#[derive(Debug, Parser)]
struct Arguments {
    /// The root of the repository.
    #[arg(long, global = true, default_value = ".")]
    root: PathBuf,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Writes all documents, and removes those that the contract no longer has.
    Generate,
    /// Fails and names each document that differs from the contract.
    Check,
}

fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let documents = documents::all(&Contract::shipped()?)?;
    match arguments.command {
        Command::Generate => documents::write(&arguments.root, &documents),
        Command::Check => documents::check(&arguments.root, &documents),
    }
}

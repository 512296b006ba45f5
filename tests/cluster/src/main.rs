//! A whole Kubernetes on this machine, in a network namespace without a way out, and the tests that run in it: `make cluster`,
//! `make cluster-down`, `make kube-test`. `docs/cluster.md` says how it is built.

#![expect(clippy::print_stdout, reason = "this program talks to whoever started it")]

mod home;
mod images;
mod keys;
mod kubectl;
mod leftovers;
mod namespace;
mod parts;
mod programs;
mod progress;
mod settings;
mod test;
mod up;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

/// A Kubernetes of one node, with Postgres and Kafka beside it.
#[derive(Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Builds what is missing and starts the cluster. With KUBECONFIG set, that cluster is used.
    Up,
    /// Stops it and deletes all that it has left, but for the cache.
    Down,
    /// Says what runs.
    Status,
    /// Runs a program in the cluster's network, with kubectl and helm at hand.
    Enter {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        words: Vec<String>,
    },
    /// Installs the release, tries it under load and prints what came of it: `make kube-test`.
    Test(test::Options),
    /// What `up` does within the namespace.
    #[command(hide = true)]
    Start,
}

#[tokio::main]
async fn main() -> Result<ExitCode> {
    match Arguments::parse().command {
        Command::Up => up::up().await?,
        Command::Down => up::down().await?,
        Command::Status => up::status(),
        Command::Enter { words } => up::enter(&words).await?,
        Command::Test(options) => {
            return Ok(if test::test(&options).await? { ExitCode::SUCCESS } else { ExitCode::FAILURE });
        }
        Command::Start => up::start().await?,
    }
    Ok(ExitCode::SUCCESS)
}

//! The stack on this machine: Postgres, Kafka and the services, for `make run`, `make up` and `make down`.

#![expect(clippy::print_stdout, reason = "this program talks to whoever started it")]

mod certificates;
mod databases;
mod endpoints;
mod run;
mod services;
mod tokens;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};
use testkit::{ports, stack::Stack};

/// The stack on this machine.
#[derive(Parser)]
struct Arguments {
    /// The stack to act on: its files are in `.local/<STACK>`.
    #[arg(long, global = true, default_value = endpoints::MAIN_STACK)]
    stack: String,
    /// The address of this machine that Postgres and Kafka listen on.
    #[arg(long, global = true, default_value = ports::LOOPBACK)]
    address: String,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Starts Postgres and Kafka, with a database and roles for each service and all topics.
    Up {
        /// Leaves the topics to whoever installs the services.
        #[arg(long)]
        without_topics: bool,
    },
    /// Starts the stack and the services, runs a banking day, and stays until it is interrupted.
    Run {
        /// Ends after the day's summary, with exit code 0 only if every check held.
        #[arg(long)]
        once: bool,
    },
    /// Starts the stack and the services, runs a program of this workspace on them, and stops what it started.
    With {
        /// Its name, for example `load`. Where everything is stands in its environment.
        program: String,
        /// Its arguments, after `--`.
        #[arg(last = true)]
        arguments: Vec<String>,
    },
    /// Stops everything, and keeps the data.
    Down,
    /// Stops everything, and deletes the data.
    Clean,
    /// Says what runs, and where.
    Status,
    /// Prints a token for an operator, signed with this stack's own key.
    Token(tokens::Request),
}

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    let stack = Stack::named(&arguments.stack)?.on(&arguments.address);
    match arguments.command {
        Command::Up { without_topics } => {
            let endpoints = services::up(&stack).await?;
            if !without_topics {
                run::topics(&endpoints).await?;
            }
            endpoints.show();
        }
        Command::Run { once } => return run::run(&stack, once).await,
        Command::With { program, arguments } => return run::with(&stack, &program, &arguments).await,
        Command::Down => services::down(&stack).await?,
        Command::Clean => services::clean(&stack).await?,
        Command::Status => services::status(&stack),
        Command::Token(request) => tokens::print(&stack, &request)?,
    }
    Ok(ExitCode::SUCCESS)
}

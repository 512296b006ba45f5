//! The stack on this machine: Postgres, Kafka and the services, for `make run`, `make up` and `make down`.

#![expect(clippy::print_stdout, reason = "this program talks to whoever started it")]

mod certificates;
mod databases;
mod endpoints;
mod scratch;
mod services;
mod tokens;
mod topics;

use anyhow::Result;
use clap::{Parser, Subcommand};
use testkit::stack::Stack;

/// The stack on this machine.
#[derive(Parser)]
struct Arguments {
    /// The stack to act on: its files are in `.local/<STACK>`.
    #[arg(long, global = true, default_value = endpoints::MAIN_STACK)]
    stack: String,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Starts Postgres and Kafka, with a database and roles for each service and all topics.
    Up,
    /// Stops everything, and keeps the data.
    Down,
    /// Stops everything, and deletes the data.
    Clean,
    /// Says what runs, and where.
    Status,
    /// Prints a token for an operator, signed with this stack's own key.
    Token(tokens::Request),
    /// Makes an empty database for a crate's migrations, applies them, and prints where it is. For scripts/prepare.
    Scratch {
        /// `platform`, or a service.
        package: String,
    },
}

#[tokio::main]
async fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let name = arguments.stack;
    match arguments.command {
        Command::Up => services::up(&Stack::named(&name)?).await.map(|endpoints| endpoints.show()),
        Command::Down => services::down(&Stack::named(&name)?).await,
        Command::Clean => services::clean(&Stack::named(&name)?).await,
        Command::Status => services::status(&Stack::named(&name)?),
        Command::Token(request) => tokens::print(&Stack::named(&name)?, &request),
        Command::Scratch { package } => scratch::database(&package).await,
    }
}

//! Measures accounting under load: `make bench-accounting`.

use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;
use load::Arguments;
use tokio::task::LocalSet;

/// One thread: the client shares its machine with the service, Postgres and Kafka, and what it takes from them it should not
/// spend on waking itself.
#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<ExitCode> {
    let arguments = Arguments::parse();
    let books_held = LocalSet::new().run_until(load::run(arguments)).await?;
    Ok(if books_held { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

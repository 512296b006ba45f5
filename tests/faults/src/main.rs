//! Kills the service, Postgres and Kafka under load: `make faults`.

use std::{io, process::ExitCode};

use anyhow::Result;
use clap::Parser;
use faults::Arguments;

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let all_held = faults::run(&Arguments::parse(), "run", &mut io::stdout()).await?;
    Ok(if all_held { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

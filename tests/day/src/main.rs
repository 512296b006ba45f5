//! The banking day: `make run` starts it when the stack and the services are up.

use std::{io, process::ExitCode, sync::Arc};

use anyhow::Result;
use clap::Parser;
use day::{report::Report, settings::Settings};
use platform::{clock::SystemClock, ids::UuidV7Ids};

#[tokio::main]
async fn main() -> Result<ExitCode> {
    let settings = Settings::parse();
    let mut out = io::stdout();
    let mut report = Report::to(&mut out);
    day::run(&settings, Arc::new(SystemClock), Arc::new(UuidV7Ids), &mut report).await?;
    Ok(if report.failed().is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

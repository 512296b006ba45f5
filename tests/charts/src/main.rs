//! `charts generate | check`: what is generated in the charts, the page about it, and the golden renders.

use anyhow::Result;
use charts::{chart, files, root, tools::Helm};
use clap::{Parser, Subcommand};
use testkit::services;

/// Writes and checks what is generated of the charts.
#[derive(Debug, Parser)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Writes charts and the page, and with helm the golden renders.
    Generate,
    /// Fails and names each of them that differs.
    Check,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let root = root();
    let links = chart::links(services::all());
    match arguments.command {
        Command::Generate => {
            files::write(&root, &files::made(&root)?)?;
            files::link(&root, &links)?;
            files::write(&root, &files::rendered(&Helm::installed()?)?)
        }
        Command::Check => {
            files::check(&root, &files::made(&root)?)?;
            files::check_links(&root, &links)?;
            files::check(&root, &files::rendered(&Helm::installed()?)?)
        }
    }
}

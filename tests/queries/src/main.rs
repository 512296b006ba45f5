//! `queries [CRATE...]`: writes the `.sqlx` of crates again, of all without a name. `make prepare` runs it.

#![expect(clippy::print_stdout, reason = "this program talks to whoever started it")]

use anyhow::{Context, Result};
use clap::Parser;
use queries::{crates, files, fresh};
use testkit::folder;

/// Writes .sqlx, after a change of migrations or queries.
#[derive(Debug, Parser)]
struct Arguments {
    /// The crates, by the names of their folders in services/; all that have queries without any.
    crates: Vec<String>,
}

#[tokio::main]
async fn main() -> Result<()> {
    let mut names = Arguments::parse().crates;
    if names.is_empty() {
        names = crates()?;
    }
    let services = folder::workspace().join("services");
    for name in &names {
        let fresh = fresh(&services, name).await.with_context(|| format!("the queries of {name}"))?;
        files::write(&services.join(name), &fresh)?;
        println!("{} queries in services/{name}/.sqlx", fresh.len());
    }
    Ok(())
}

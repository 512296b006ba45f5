//! `.sqlx`: what the database says of each query, from which the build checks them without one.
//!
//! sqlx itself writes these files when a crate is compiled with a database at hand. This does the same without compiling anything: it
//! collects the texts of `query!` and its kin from the sources, and has Postgres describe each, by the function that sqlx's macros
//! use. A query that is overlooked here has no file, and then the build fails.

pub mod describe;
pub mod files;
pub mod sources;

use std::path::Path;

use anyhow::{Context, Result, ensure};
use testkit::folder;

/// The crates with queries: those with an `sqlx.toml`, by the names of their folders in `services/`.
pub fn crates() -> Result<Vec<String>> {
    let services = folder::workspace().join("services");
    let mut found = Vec::new();
    for entry in services.read_dir().with_context(|| format!("read {}", services.display()))? {
        let entry = entry?;
        if entry.path().join("sqlx.toml").exists() {
            found.push(entry.file_name().to_string_lossy().into_owned());
        }
    }
    found.sort_unstable();
    ensure!(!found.is_empty(), "no crate in {} has an sqlx.toml", services.display());
    Ok(found)
}

/// What the `.sqlx` of a crate should be, by the names of its files.
pub async fn fresh(services: &Path, name: &str) -> Result<files::Files> {
    let queries = sources::queries(&services.join(name))?;
    let database = describe::database(services, name).await?;
    let mut fresh = files::Files::new();
    for query in queries {
        let described = describe::describe(&database.owner, &query).await?;
        fresh.insert(files::name(&query.text), files::text(&query.text, &described)?);
    }
    Ok(fresh)
}

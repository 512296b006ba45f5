//! The files in `.sqlx`, as sqlx writes them.

use std::{
    collections::BTreeMap,
    fmt::Write,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};
use serde::Serialize;
use sha2::{Digest, Sha256};
use sqlx::{Database, Describe, Postgres};

/// Texts by the names of their files.
pub type Files = BTreeMap<String, String>;

/// In the order of sqlx.
#[derive(Serialize)]
struct File<'a> {
    db_name: &'static str,
    query: &'a str,
    describe: &'a Describe<Postgres>,
    hash: String,
}

/// The name of the file of a query.
pub fn name(query: &str) -> String {
    format!("query-{}.json", hash(query))
}

/// What is in it.
pub fn text(query: &str, describe: &Describe<Postgres>) -> Result<String> {
    let file = File { db_name: Postgres::NAME, query, describe, hash: hash(query) };
    Ok(format!("{}\n", serde_json::to_string_pretty(&file)?))
}

fn hash(query: &str) -> String {
    Sha256::digest(query.as_bytes()).iter().fold(String::new(), |mut hash, byte| {
        write!(hash, "{byte:02x}").expect("invariant: a text takes what is written to it");
        hash
    })
}

/// The files that are committed for the crate in `folder`.
pub fn committed(folder: &Path) -> Result<Files> {
    let mut files = Files::new();
    for entry in folder_of(folder).read_dir().into_iter().flatten() {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let text = fs::read_to_string(&path).with_context(|| format!("read {}", path.display()))?;
        files.insert(name, text);
    }
    Ok(files)
}

/// Writes `fresh`, and deletes what is not among them. New ones first: someone may be building. Those that are right are not touched.
pub fn write(folder: &Path, fresh: &Files) -> Result<()> {
    let (at, committed) = (folder_of(folder), committed(folder)?);
    fs::create_dir_all(&at)?;
    for (name, text) in fresh.iter().filter(|(name, text)| committed.get(*name) != Some(text)) {
        fs::write(at.join(name), text).with_context(|| format!("write {name}"))?;
    }
    for name in committed.keys().filter(|name| !fresh.contains_key(*name)) {
        fs::remove_file(at.join(name)).with_context(|| format!("delete {name}"))?;
    }
    Ok(())
}

/// How what is committed differs from `fresh`, a line for each file.
pub fn differences(committed: &Files, fresh: &Files) -> Vec<String> {
    let missing = fresh.keys().filter(|name| !committed.contains_key(*name));
    let unused = committed.keys().filter(|name| !fresh.contains_key(*name));
    let stale = fresh.iter().filter(|(name, text)| committed.get(*name).is_some_and(|known| known != *text));
    missing
        .map(|name| format!("{name} is missing"))
        .chain(unused.map(|name| format!("{name} is of no query")))
        .chain(stale.map(|(name, _)| format!("{name} is stale")))
        .collect()
}

fn folder_of(folder: &Path) -> PathBuf {
    folder.join(".sqlx")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_missing_stale_or_of_no_query_is_named() {
        let files = |entries: &[(&str, &str)]| -> Files {
            entries.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
        };
        let fresh = files(&[("a", "1"), ("b", "2"), ("c", "3")]);
        assert_eq!(differences(&fresh, &fresh), Vec::<String>::new());
        let committed = files(&[("a", "1"), ("b", "0"), ("d", "4")]);
        assert_eq!(differences(&committed, &fresh), ["c is missing", "d is of no query", "b is stale"]);
    }
}

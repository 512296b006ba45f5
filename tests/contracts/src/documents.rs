//! All generated documents together: made, written, compared with what is committed.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};

use testkit::contract::{Contract, schema};

use crate::{api, asyncapi, events, refusals};

/// Folders that hold nothing but generated documents.
const GENERATED_FOLDERS: &[&str] = &["docs/api", "docs/schemas"];

/// Texts by path from the root of the repository, with `/` between the parts.
pub type Documents = BTreeMap<String, String>;

/// Makes all documents.
pub fn all(contract: &Contract) -> Result<Documents> {
    let mut documents = api::pages(contract)?;
    documents.extend(schema::files(contract)?);
    documents.insert("docs/asyncapi.json".to_owned(), asyncapi::document(contract)?);
    documents.insert("docs/errors.md".to_owned(), refusals::page(&refusals::registries())?);
    documents.insert("docs/events.md".to_owned(), events::page(contract)?);
    Ok(documents)
}

/// Writes the documents under `root` and removes generated ones that are no longer among them.
pub fn write(root: &Path, documents: &Documents) -> Result<()> {
    for stale in stale(root, documents)? {
        fs::remove_file(root.join(&stale)).with_context(|| format!("cannot remove {stale}"))?;
    }
    for (path, text) in documents {
        let file = root.join(path);
        if let Some(folder) = file.parent() {
            fs::create_dir_all(folder).with_context(|| format!("cannot make the folder of {path}"))?;
        }
        fs::write(&file, text).with_context(|| format!("cannot write {path}"))?;
    }
    Ok(())
}

/// Fails and names each document under `root` that is missing, differs, or is not generated any more.
pub fn check(root: &Path, documents: &Documents) -> Result<()> {
    let mut wrong: Vec<String> = documents
        .iter()
        .filter_map(|(path, text)| match fs::read_to_string(root.join(path)) {
            Ok(committed) if committed == *text => None,
            Ok(_) => Some(format!("{path} differs")),
            Err(_) => Some(format!("{path} is missing")),
        })
        .collect();
    wrong.extend(stale(root, documents)?.into_iter().map(|path| format!("{path} is not generated any more")));
    ensure!(
        wrong.is_empty(),
        "documents are not in step with the contract; `make docs` mends them:\n  {}",
        wrong.join("\n  ")
    );
    Ok(())
}

fn stale(root: &Path, documents: &Documents) -> Result<Vec<String>> {
    let mut stale = Vec::new();
    let mut folders: Vec<PathBuf> =
        GENERATED_FOLDERS.iter().map(|folder| root.join(folder)).filter(|folder| folder.exists()).collect();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).with_context(|| format!("cannot read {}", folder.display()))? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = path.strip_prefix(root)?.to_string_lossy().replace('\\', "/");
            if !documents.contains_key(&name) {
                stale.push(name);
            }
        }
    }
    stale.sort();
    Ok(stale)
}

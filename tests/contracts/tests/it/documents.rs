//! The committed documents are those that the contract makes, and a difference is found.

use std::{fs, path::Path};

use contracts::documents;
use testkit::contract::Contract;

const ROOT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");

#[test]
fn the_committed_documents_are_in_step_with_the_contract() {
    let documents = documents::all(&Contract::shipped().unwrap()).unwrap();

    if let Err(difference) = documents::check(Path::new(ROOT), &documents) {
        panic!("{difference}");
    }
}

#[test]
fn a_document_that_differs_is_missing_or_is_left_over_is_named() {
    let root = folder("differences");
    let documents = documents::all(&Contract::shipped().unwrap()).unwrap();
    documents::write(&root, &documents).unwrap();
    documents::check(&root, &documents).unwrap();

    fs::write(root.join("docs/events.md"), "by hand").unwrap();
    fs::remove_file(root.join("docs/asyncapi.json")).unwrap();
    fs::create_dir_all(root.join("docs/api/gone.v1")).unwrap();
    fs::write(root.join("docs/api/gone.v1/GoneService.md"), "of an older contract").unwrap();
    let named = documents::check(&root, &documents).unwrap_err().to_string();

    assert!(named.contains("docs/events.md differs"), "{named}");
    assert!(named.contains("docs/asyncapi.json is missing"), "{named}");
    assert!(named.contains("docs/api/gone.v1/GoneService.md is not generated any more"), "{named}");
    assert!(!named.contains("docs/errors.md"), "{named}");

    documents::write(&root, &documents).unwrap();
    documents::check(&root, &documents).unwrap();
}

#[test]
fn every_link_between_the_documents_leads_somewhere() {
    let documents = documents::all(&Contract::shipped().unwrap()).unwrap();
    let pages = documents.iter().filter(|(path, _)| Path::new(path).extension().is_some_and(|e| e == "md"));
    let mut links = 0;
    for (path, text) in pages {
        for target in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let (file, anchor) = target.split_once('#').unwrap_or((target, ""));
            let file = if file.is_empty() { path.clone() } else { joined(path, file) };
            if let Some(page) = documents.get(&file) {
                assert!(anchor.is_empty() || has_anchor(page, anchor), "{path}: no #{anchor} in {file}");
            } else {
                let exists = Path::new(ROOT).join(&file).exists() || is_a_folder_of(&documents, &file);
                assert!(exists && anchor.is_empty(), "{path}: {target} leads nowhere");
            }
            links += 1;
        }
    }
    assert!(links > 100, "only {links} links were found");
}

fn is_a_folder_of(documents: &documents::Documents, folder: &str) -> bool {
    documents.keys().any(|path| path.starts_with(&format!("{folder}/")))
}

/// The path of a link from a page.
fn joined(page: &str, link: &str) -> String {
    let mut parts: Vec<&str> = page.split('/').collect();
    parts.pop();
    for part in link.split('/') {
        match part {
            ".." => {
                parts.pop();
            }
            part => parts.push(part),
        }
    }
    parts.join("/")
}

/// Whether a page has a heading, or a mark, by this name.
fn has_anchor(page: &str, anchor: &str) -> bool {
    page.contains(&format!("<a id=\"{anchor}\">"))
        || page.lines().filter(|line| line.starts_with('#')).any(|heading| {
            let words = heading.trim_start_matches(['#', ' ']).to_lowercase();
            let slug: String =
                words.chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '_' | '-')).collect();
            slug.replace(' ', "-") == anchor
        })
}

/// An empty folder for one test.
fn folder(name: &str) -> std::path::PathBuf {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    if folder.exists() {
        fs::remove_dir_all(&folder).expect("the test owns its folder");
    }
    fs::create_dir_all(&folder).expect("the test owns its folder");
    folder
}

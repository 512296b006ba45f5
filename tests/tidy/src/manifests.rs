//! The crates: who depends on whom, and that versions and lints are the workspace's.

use anyhow::{Context, Result};
use toml::{Table, Value};

use crate::{Finding, tree::Source};

/// What lies in `services/` and is none: it knows no service.
pub const NOT_SERVICES: &[&str] = &["basedata", "form", "money", "platform", "refusal", "testkit"];

/// Nearly all of it is generated, and what is generated is not ours to tidy.
const WITHOUT_LINTS: &[&str] = &["proto/crates/accounting/Cargo.toml", "proto/crates/common/Cargo.toml"];

const KINDS: &[&str] = &["dependencies", "dev-dependencies", "build-dependencies"];

/// The services among `manifests`, by the names of their folders.
pub fn services(manifests: &[Source]) -> Vec<String> {
    let folders = manifests.iter().filter_map(|manifest| manifest.folder().strip_prefix("services/"));
    folders.filter(|folder| !NOT_SERVICES.contains(folder)).map(str::to_owned).collect()
}

/// What is wrong with `manifest`, the `Cargo.toml` of one crate.
pub fn check(manifest: &Source, services: &[String]) -> Result<Vec<Finding>> {
    let table: Table = manifest.text.parse().with_context(|| format!("parse {}", manifest.path))?;
    let mut findings = Vec::new();
    let lints = table.get("lints").and_then(|lints| lints.get("workspace")).and_then(Value::as_bool);
    if lints != Some(true) && !WITHOUT_LINTS.contains(&manifest.path.as_str()) {
        findings.push(Finding::of(&manifest.path, "take the workspace's lints: `[lints] workspace = true`"));
    }
    for (name, value) in KINDS.iter().filter_map(|kind| table.get(*kind)?.as_table()).flatten() {
        if value.get("workspace").and_then(Value::as_bool) != Some(true) {
            let message =
                format!("`{name}`: versions are pinned once, in the workspace: `{name}.workspace = true`");
            findings.push(Finding::of(&manifest.path, message));
        }
        if manifest.path.starts_with("services/") && services.contains(name) {
            let message = format!("a service never depends on another ({name}): they meet in proto/");
            findings.push(Finding::of(&manifest.path, message));
        }
    }
    Ok(findings)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(path: &str, text: &str) -> usize {
        check(&Source::new(path, text), &["accounting".to_owned(), "vault".to_owned()]).unwrap().len()
    }

    #[test]
    fn services_are_all_but_the_shared_crates() {
        let manifests = ["services/money/Cargo.toml", "services/vault/Cargo.toml", "tests/day/Cargo.toml"];
        assert_eq!(services(&manifests.map(|path| Source::new(path, ""))), ["vault"]);
    }

    #[test]
    fn a_service_that_depends_on_a_service_is_found() {
        let text = "[lints]\nworkspace = true\n[dev-dependencies]\naccounting.workspace = true\n";
        assert_eq!(findings("services/vault/Cargo.toml", text), 1);
        assert_eq!(findings("services/platform/Cargo.toml", text), 1);
        assert_eq!(findings("tests/day/Cargo.toml", text), 0);
    }

    #[test]
    fn a_version_of_ones_own_and_lints_of_ones_own_are_found() {
        assert_eq!(
            findings(
                "services/vault/Cargo.toml",
                "[lints]\nworkspace = true\n[dependencies]\nserde = \"1\"\n"
            ),
            1
        );
        assert_eq!(findings("services/vault/Cargo.toml", "[dependencies]\nserde.workspace = true\n"), 1);
        assert_eq!(findings("proto/crates/common/Cargo.toml", "[dependencies]\nserde.workspace = true\n"), 0);
    }
}

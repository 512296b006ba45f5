//! The crates: who depends on whom, and that versions and lints are the workspace's.

use anyhow::{Context, Result};
use toml::{Table, Value};

use crate::{Finding, tree::Source};

/// Crates of the contract are nearly all generated, and what is generated is not ours to tidy. The one that generates is.
fn is_generated(path: &str) -> bool {
    path.starts_with("proto/crates/") && path != "proto/crates/build/Cargo.toml"
}

const KINDS: &[&str] = &["dependencies", "dev-dependencies", "build-dependencies"];

/// What is wrong with `manifest`, the `Cargo.toml` of one crate.
pub fn check(manifest: &Source, services: &[&str]) -> Result<Vec<Finding>> {
    let table: Table = manifest.text.parse().with_context(|| format!("parse {}", manifest.path))?;
    let mut findings = Vec::new();
    let lints = table.get("lints").and_then(|lints| lints.get("workspace")).and_then(Value::as_bool);
    if lints != Some(true) && !is_generated(&manifest.path) {
        findings.push(Finding::of(&manifest.path, "take the workspace's lints: `[lints] workspace = true`"));
    }
    for (name, value) in KINDS.iter().filter_map(|kind| table.get(*kind)?.as_table()).flatten() {
        if value.get("workspace").and_then(Value::as_bool) != Some(true) {
            let message =
                format!("`{name}`: versions are pinned once, in the workspace: `{name}.workspace = true`");
            findings.push(Finding::of(&manifest.path, message));
        }
        if manifest.path.starts_with("services/") && services.contains(&name.as_str()) {
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
        check(&Source::new(path, text), &["accounting", "vault"]).unwrap().len()
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

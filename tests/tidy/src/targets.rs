//! What cargo compiles for tests: all tests that there are, and nothing for tests that there are not.

use anyhow::{Context, Result};
use toml::{Table, Value};

use crate::{Finding, tree::Source};

/// What stands above tests in `src/`.
const MARK: &str = "#[cfg(test)]";

/// What is wrong with the targets of the crate of `manifest`, among `sources`.
pub fn check(manifest: &Source, sources: &[Source]) -> Result<Vec<Finding>> {
    let table: Table = manifest.text.parse().with_context(|| format!("parse {}", manifest.path))?;
    let folder = format!("{}/src/", manifest.folder());
    let own = || sources.iter().filter(|source| source.path.starts_with(&folder));
    let has_library = own().any(|source| source.path == format!("{folder}lib.rs"));
    let is_of_program = |source: &Source| !has_library || source.path == format!("{folder}main.rs");
    let is_set = |target: Option<&Value>, key: &str| target.and_then(|target| target.get(key)?.as_bool());
    let library = table.get("lib");
    let program = table.get("bin").and_then(|programs| programs.get(0));

    let mut findings = Vec::new();
    if has_library && is_set(library, "doctest") != Some(false) {
        findings
            .push(Finding::of(&manifest.path, "nothing is tested in documentation: `[lib] doctest = false`"));
    }
    for (name, target, is_in) in [("lib", library, false), ("[bin]", program, true)] {
        let tested = own().find(|source| is_of_program(source) == is_in && source.text.contains(MARK));
        if let Some(tested) = tested.filter(|_| is_set(target, "test") == Some(false)) {
            let message =
                format!("{} has tests, which nobody runs: no `test = false` in [{name}]", tested.path);
            findings.push(Finding::of(&manifest.path, message));
        }
    }
    Ok(findings)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(manifest: &str, files: &[(&str, &str)]) -> Vec<String> {
        let manifest = Source::new("services/vault/Cargo.toml", manifest);
        let sources: Vec<_> = files
            .iter()
            .map(|(path, text)| Source::new(&format!("services/vault/src/{path}"), text))
            .collect();
        check(&manifest, &sources).unwrap().into_iter().map(|finding| finding.message).collect()
    }

    #[test]
    fn a_library_has_no_tests_in_its_documentation() {
        assert_eq!(findings("", &[("lib.rs", "")]).len(), 1);
        assert!(findings("", &[("main.rs", "")]).is_empty());
    }

    #[test]
    fn tests_that_nobody_runs_are_found() {
        let (without, tested) = ("[lib]\ndoctest = false\ntest = false\n[[bin]]\ntest = false\n", MARK);
        assert!(findings(without, &[("lib.rs", ""), ("main.rs", "")]).is_empty());
        assert_eq!(findings(without, &[("lib.rs", ""), ("app/post.rs", tested)]).len(), 1);
        assert_eq!(findings(without, &[("lib.rs", ""), ("main.rs", tested)]).len(), 1);
        assert_eq!(findings("[[bin]]\ntest = false\n", &[("main.rs", ""), ("run.rs", tested)]).len(), 1);
        assert!(findings("[lib]\ndoctest = false\n", &[("lib.rs", tested)]).is_empty());
    }
}

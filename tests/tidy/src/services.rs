//! `services.toml`, the one list of services, and the places that must follow it.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use toml::{Table, Value};

use crate::{Finding, tree::Source};

/// The list, and the manifest that names the members of the workspace.
const LIST: &str = "services.toml";
const WORKSPACE: &str = "Cargo.toml";

/// What each service has, with its name for `*`.
const PLACES: &[&str] = &[
    "services/*/Cargo.toml",
    "services/*/src/main.rs",
    "services/*/src/service.rs",
    "services/*/config/default.toml",
    "services/*/sqlx.toml",
    "proto/crates/*/Cargo.toml",
    "proto/countinghouse/*/v1/events.proto",
    "charts/*.toml",
    "docs/*.md",
];

/// Services that are not listed, and what those that are listed lack. A crate in `services/` with a program is a service.
pub fn unlisted(paths: &BTreeSet<String>, services: &[&str]) -> Vec<Finding> {
    let programs =
        paths.iter().filter_map(|path| path.strip_prefix("services/")?.strip_suffix("/src/main.rs"));
    let unlisted = programs.filter(|program| !services.contains(program)).map(|program| {
        Finding::of(LIST, format!("services/{program} has a program, and so is a service: list it"))
    });
    let missing = services.iter().flat_map(|service| {
        let places = PLACES.iter().map(move |place| place.replace('*', service));
        places
            .filter(|place| !paths.contains(place))
            .map(move |place| Finding::of(LIST, format!("{service} is listed, and there is no {place}")))
    });
    unlisted.chain(missing).collect()
}

/// Crates that are no members of the workspace, members that are no crates, and those of services that no other crate can name.
pub fn members(workspace: &Source, paths: &BTreeSet<String>, services: &[&str]) -> Result<Vec<Finding>> {
    let table: Table = workspace.text.parse().context("parse the manifest of the workspace")?;
    let workspace = table.get("workspace").context("the manifest has no [workspace]")?;
    let members =
        workspace.get("members").and_then(Value::as_array).context("the workspace has no members")?;
    let members: BTreeSet<&str> = members.iter().filter_map(Value::as_str).collect();
    let crates: BTreeSet<&str> = paths.iter().filter_map(|path| path.strip_suffix("/Cargo.toml")).collect();
    let unlisted = crates.difference(&members).map(|folder| format!("add the member {folder}"));
    let missing = members.difference(&crates).map(|folder| format!("the member {folder} is not there"));
    let mut findings: Vec<Finding> =
        unlisted.chain(missing).map(|message| Finding::of(WORKSPACE, message)).collect();
    for service in services {
        for (name, folder) in [
            ((*service).to_owned(), format!("services/{service}")),
            (format!("proto-{service}"), format!("proto/crates/{service}")),
        ] {
            let path = workspace.get("dependencies").and_then(|all| all.get(&name)?.get("path")?.as_str());
            if path != Some(folder.as_str()) {
                let message = format!("add the dependency `{name} = {{ path = \"{folder}\" }}`");
                findings.push(Finding::of(WORKSPACE, message));
            }
        }
    }
    Ok(findings)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn paths(services: &[&str]) -> BTreeSet<String> {
        let of = |service: &&str| PLACES.iter().map(|place| place.replace('*', service)).collect::<Vec<_>>();
        services.iter().flat_map(of).chain(["services/money/Cargo.toml".to_owned()]).collect()
    }

    #[test]
    fn a_service_is_listed_and_has_all_that_a_service_has() {
        assert_eq!(unlisted(&paths(&["vault"]), &["vault"]), []);
        assert_eq!(unlisted(&paths(&["vault", "risk"]), &["vault"]).len(), 1);
        let mut without_chart = paths(&["vault"]);
        without_chart.remove("charts/vault.toml");
        assert_eq!(unlisted(&without_chart, &["vault"]).len(), 1);
    }

    #[test]
    fn every_crate_is_a_member_and_every_service_can_be_named() {
        let text = "[workspace]\nmembers = [\"services/money\", \"services/vault\", \"proto/crates/vault\"]\n\
            [workspace.dependencies]\nvault = { path = \"services/vault\" }\nproto-vault = { path = \"proto/crates/vault\" }\n";
        let findings =
            |text: &str| members(&Source::new("Cargo.toml", text), &paths(&["vault"]), &["vault"]).unwrap();
        assert_eq!(findings(text), []);
        assert_eq!(findings(&text.replace("services/money", "services/mint")).len(), 2);
        assert_eq!(findings(&text.replace("proto-vault", "vault-proto")).len(), 1);
    }
}

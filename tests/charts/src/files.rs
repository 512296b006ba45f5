//! All that is generated: made, written, compared with what is committed.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context, Result, ensure};
use serde_json::Value as Json;

use crate::{
    SERVICES, SETS, UMBRELLA,
    page::{self, Chapter},
    schema, settings,
    tools::Helm,
    values::{Listed, Own},
    yaml,
};

/// Texts by path from the root.
pub type Files = BTreeMap<String, String>;

/// Values, schemas and the page.
pub fn made(root: &Path) -> Result<Files> {
    let listed = Listed::read(root)?;
    let mut files = Files::new();
    let mut chapters = Vec::new();
    for &service in SERVICES {
        let own = Own::read(root, service)?;
        let values = listed.of(&own)?;
        let settings = settings::read(root, service, &listed.made, &own)?;
        let schema = schema::service(service, &listed, &values, &settings)?;
        files.insert(format!("charts/{service}/values.yaml"), yaml::service(&listed, &values)?);
        files.insert(format!("charts/{service}/values.schema.json"), pretty(&schema)?);
        chapters.push(Chapter { service, values, settings });
    }
    files.insert(format!("{UMBRELLA}/values.yaml"), yaml::umbrella(&listed, SERVICES)?);
    files.insert(format!("{UMBRELLA}/values.schema.json"), pretty(&schema::umbrella(&listed, SERVICES)?)?);
    files.insert("docs/configuration.md".to_owned(), page::page(&listed, &chapters));
    Ok(files)
}

/// What helm makes of each set of values.
pub fn rendered(helm: &Helm) -> Result<Files> {
    let render = |set: &crate::Set| {
        Ok((format!("tests/charts/golden/{}.yaml", set.name), helm.template(&[set.values], &[])?))
    };
    SETS.iter().map(render).collect()
}

fn pretty(schema: &Json) -> Result<String> {
    Ok(format!("{}\n", serde_json::to_string_pretty(schema)?))
}

/// Writes them under `root`.
pub fn write(root: &Path, files: &Files) -> Result<()> {
    for (path, text) in files {
        fs::write(root.join(path), text).with_context(|| format!("write {path}"))?;
    }
    Ok(())
}

/// Fails and names each that differs from what is committed.
pub fn check(root: &Path, files: &Files) -> Result<()> {
    let differs = |path: &&String| fs::read_to_string(root.join(path)).ok().as_ref() != files.get(*path);
    let wrong: Vec<_> = files.keys().filter(differs).map(String::as_str).collect();
    ensure!(
        wrong.is_empty(),
        "not in step with charts/ (`scripts/built charts generate` writes them again; then read what has changed): {}",
        wrong.join(", ")
    );
    Ok(())
}

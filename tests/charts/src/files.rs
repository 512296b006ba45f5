//! All that is generated: made, written, compared with what is committed.

use std::{collections::BTreeMap, fs, os::unix::fs::symlink, path::Path};

use anyhow::{Context, Result, ensure};
use serde_json::Value as Json;
use testkit::services;

use crate::{
    SETS, UMBRELLA, alerts, chart,
    page::{self, Chapter},
    schema, settings,
    tools::Helm,
    values::{Listed, Own},
    yaml,
};

/// Texts by path from the root.
pub type Files = BTreeMap<String, String>;

/// The charts of services, what the umbrella says of them, and the page.
pub fn made(root: &Path) -> Result<Files> {
    let (listed, services) = (Listed::read(root)?, services::all());
    let mut files = Files::new();
    let mut chapters = Vec::new();
    for service in services {
        let name = service.name.as_str();
        let own = Own::read(root, name)?;
        let values = listed.of(name, &own)?;
        let settings = settings::read(root, name, &listed.made, &own)?;
        let schema = schema::service(name, &listed, &values, &settings)?;
        files.extend(chart::service(service));
        files.insert(format!("charts/{name}/values.yaml"), yaml::service(&listed, &values)?);
        files.insert(format!("charts/{name}/values.schema.json"), pretty(&schema)?);
        files.insert(format!("charts/{name}/files/alerts.yaml"), alerts::of(root, name)?);
        chapters.push(Chapter { service: name, values, settings });
    }
    files.extend([chart::umbrella(services)]);
    files.insert(format!("{UMBRELLA}/values.yaml"), yaml::umbrella(&listed, services)?);
    files.insert(format!("{UMBRELLA}/values.schema.json"), pretty(&schema::umbrella(&listed, services)?)?);
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
        fs::create_dir_all(root.join(path).parent().unwrap_or(root))?;
        fs::write(root.join(path), text).with_context(|| format!("write {path}"))?;
    }
    Ok(())
}

/// Makes the links under `root` that are not there, or lead elsewhere.
pub fn link(root: &Path, links: &Files) -> Result<()> {
    for (path, to) in links {
        let at = root.join(path);
        if fs::read_link(&at).is_ok_and(|known| known == Path::new(to)) {
            continue;
        }
        fs::create_dir_all(at.parent().unwrap_or(root))?;
        if at.symlink_metadata().is_ok() {
            fs::remove_file(&at).with_context(|| format!("replace {path}"))?;
        }
        symlink(to, at).with_context(|| format!("make the link {path}"))?;
    }
    Ok(())
}

/// Fails and names each file that differs from what is committed.
pub fn check(root: &Path, files: &Files) -> Result<()> {
    nothing_differs(files, |path, text| fs::read_to_string(root.join(path)).ok().as_deref() == Some(text))
}

/// Fails and names each link that leads elsewhere.
pub fn check_links(root: &Path, links: &Files) -> Result<()> {
    nothing_differs(links, |path, to| fs::read_link(root.join(path)).ok().as_deref() == Some(Path::new(to)))
}

fn nothing_differs(files: &Files, is_same: impl Fn(&str, &str) -> bool) -> Result<()> {
    let wrong = files.iter().filter(|(path, text)| !is_same(path, text));
    let wrong: Vec<_> = wrong.map(|(path, _)| path.as_str()).collect();
    ensure!(
        wrong.is_empty(),
        "not in step with services.toml and charts/*.toml (`scripts/built charts generate` writes them again; then read what has \
         changed): {}",
        wrong.join(", ")
    );
    Ok(())
}

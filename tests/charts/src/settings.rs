//! The settings of a service, as its `config/default.toml` says them: each key with its default and the comment above it.

use std::{fs, path::Path};

use anyhow::{Context, Result, bail, ensure};
use toml::{Table, Value as Toml};

use crate::{
    form::{Bounds, Form},
    values::Own,
};

/// Sections with names that are the installation's own, and the form of what is under them.
const OPEN_SECTIONS: &[(&str, Form)] =
    &[("kafka.properties", Form::Map), ("auth.roles", Form::Lists), ("auth.services", Form::Lists)];

/// A setting of a service.
#[derive(Clone, Debug)]
pub struct Setting {
    /// As `kafka.topics.partitions`.
    pub path: String,
    pub form: Form,
    /// None for a section whose names are the installation's own.
    pub default: Option<Toml>,
    pub bounds: Bounds,
    pub meaning: String,
}

/// The settings that an installation may set: all but those that follow from other values of the chart.
pub fn read(root: &Path, service: &str, made: &[String], own: &Own) -> Result<Vec<Setting>> {
    let path = format!("services/{service}/config/default.toml");
    let text = fs::read_to_string(root.join(&path)).with_context(|| format!("read {path}"))?;
    let settings = understand(&text, made, own).with_context(|| format!("understand {path}"))?;
    for named in own.bounds.keys() {
        ensure!(
            settings.iter().any(|setting| setting.path == *named),
            "charts/{service}.toml: no setting is called {named}"
        );
    }
    Ok(settings)
}

fn understand(text: &str, made: &[String], own: &Own) -> Result<Vec<Setting>> {
    let table: Table = text.parse()?;
    let mut settings = Vec::new();
    let (mut section, mut comment, mut is_spoken) = (String::new(), Vec::new(), true);
    for line in text.lines() {
        if let Some(words) = line.strip_prefix('#') {
            // A comment holds for all keys that follow it, until the next.
            if is_spoken {
                comment.clear();
            }
            is_spoken = false;
            comment.push(words.trim());
        } else if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            name.clone_into(&mut section);
            if let Some((_, form)) = OPEN_SECTIONS.iter().find(|(open, _)| *open == section) {
                let meaning = comment.join(" ");
                let bounds = Bounds::default();
                settings.push(Setting { path: section.clone(), form: *form, default: None, bounds, meaning });
            }
            comment.clear();
            is_spoken = true;
        } else if let Some((key, _)) = line.split_once(" = ").filter(|(key, _)| !key.starts_with([' ', '"']))
        {
            is_spoken = true;
            let path = format!("{section}.{key}");
            let is_open = OPEN_SECTIONS.iter().any(|(open, _)| *open == section);
            if !is_open && !made.contains(&path) {
                settings.push(setting(&table, path, comment.join(" "), own)?);
            }
        } else if line.is_empty() && is_spoken {
            comment.clear();
        }
    }
    Ok(settings)
}

fn setting(table: &Table, path: String, meaning: String, own: &Own) -> Result<Setting> {
    ensure!(!meaning.is_empty(), "{path} has no comment that says what it is for");
    let mut found = Some(&Toml::Table(table.clone())).cloned();
    for part in path.split('.') {
        found = found.and_then(|value| value.get(part).cloned());
    }
    let default = found.with_context(|| format!("{path} is not there"))?;
    let form = match &default {
        Toml::String(_) => Form::String,
        Toml::Integer(_) => Form::Integer,
        Toml::Float(_) => Form::Number,
        Toml::Boolean(_) => Form::Boolean,
        Toml::Array(_) => Form::Strings,
        _ => bail!("{path} is of no form that a chart can have"),
    };
    let mut bounds = Bounds::default();
    if matches!(form, Form::Integer | Form::Number) {
        let [min, max] = own.bounds.get(&path).with_context(|| format!("{path} has no bounds"))?.clone();
        bounds = Bounds { min: Some(min), max: Some(max), ..bounds };
    }
    Ok(Setting { path, form, default: Some(default), bounds, meaning })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_comment_holds_for_the_keys_below_it() {
        let text = "# About all.\n\n[a]\n# Two\n# lines.\nb_ms = 1\nc = \"x\"\n# One.\nd = true\n\n# Names.\n[auth.roles]\n# A teller.\nteller = [\n  \"x\",\n]\n";
        let bounds = [("a.b_ms".to_owned(), [1, 9].map(Toml::Integer))].into();
        let own = Own { defaults: [].into(), bounds };
        let settings = understand(text, &["a.d".to_owned()], &own).unwrap();
        let found: Vec<_> = settings.iter().map(|each| (each.path.as_str(), each.meaning.as_str())).collect();
        assert_eq!(found, [("a.b_ms", "Two lines."), ("a.c", "Two lines."), ("auth.roles", "Names.")]);

        let own = Own { defaults: [].into(), bounds: [].into() };
        let error = understand(text, &[], &own).unwrap_err();
        assert_eq!(error.to_string(), "a.b_ms has no bounds");
    }
}

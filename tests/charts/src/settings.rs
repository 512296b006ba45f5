//! The settings of a service, as the platform's `config/default.toml` and its own say them: each key with its default and the comment
//! above it.

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

/// The settings that all services share, and what stands there for a service's name.
const SHARED: &str = "services/platform/config/default.toml";
const NAME_PLACE: &str = "<service>";

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
    let read = |path: &str| {
        let text = fs::read_to_string(root.join(path)).with_context(|| format!("read {path}"))?;
        let text = text.replace(NAME_PLACE, service);
        understand(&text, made, own).with_context(|| format!("understand {path}"))
    };
    let settings = over(read(SHARED)?, read(&format!("services/{service}/config/default.toml"))?);
    for named in own.bounds.keys() {
        ensure!(
            settings.iter().any(|setting| setting.path == *named),
            "charts/shared.toml, charts/{service}.toml: no setting is called {named}"
        );
    }
    Ok(settings)
}

/// The shared settings, with those that the service sets otherwise as it says, and then its own.
fn over(mut shared: Vec<Setting>, own: Vec<Setting>) -> Vec<Setting> {
    for setting in own {
        match shared.iter_mut().find(|known| known.path == setting.path) {
            Some(known) => *known = setting,
            None => shared.push(setting),
        }
    }
    shared
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
        } else if line.is_empty() {
            comment.clear();
            is_spoken = true;
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

    #[test]
    fn what_a_service_says_itself_counts_and_what_is_its_own_comes_last() {
        let read =
            |text: &str| understand(text, &[], &Own { defaults: [].into(), bounds: [].into() }).unwrap();
        let shared = read("[a]\n# Shared.\nb = \"x\"\n# Shared too.\nc = \"y\"\n");
        let settings = over(shared, read("[z]\n# Own.\nd = \"z\"\n\n[a]\n# Otherwise.\nb = \"w\"\n"));
        let found: Vec<_> = settings.iter().map(|each| (each.path.as_str(), each.meaning.as_str())).collect();
        assert_eq!(found, [("a.b", "Otherwise."), ("a.c", "Shared too."), ("z.d", "Own.")]);
    }
}

//! The values of a service's chart, as `charts/values.toml` lists them and `charts/<service>.toml` completes them, with the bounds of
//! its settings: those of `charts/shared.toml`, and over them its own.

use std::{collections::BTreeMap, fs, path::Path};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::form::{Bounds, Form};

/// A value of a chart.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Value {
    pub path: String,
    pub kind: Form,
    pub default: Option<toml::Value>,
    pub min: Option<toml::Value>,
    pub max: Option<toml::Value>,
    pub pattern: Option<String>,
    #[serde(default)]
    pub choices: Vec<String>,
    /// Whether it may stand under `global` too.
    #[serde(default)]
    pub global: bool,
    /// What it then is when it is empty in both places.
    pub empty: Option<String>,
    /// Whether it is the umbrella's, once for all services.
    #[serde(default)]
    pub umbrella: bool,
    pub description: String,
}

impl Value {
    pub fn bounds(&self) -> Bounds {
        Bounds {
            min: self.min.clone(),
            max: self.max.clone(),
            pattern: self.pattern.clone(),
            choices: self.choices.clone(),
        }
    }

    /// What it is for, with what it is when it is empty.
    pub fn meaning(&self) -> String {
        match &self.empty {
            Some(empty) => format!("{} Empty: {empty}.", self.description),
            None => self.description.clone(),
        }
    }
}

/// `charts/values.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Listed {
    /// Settings that follow from other values, and are none themselves.
    pub made: Vec<String>,
    /// What each group of values is about, by its path.
    pub groups: BTreeMap<String, String>,
    /// The values, in order.
    pub value: Vec<Value>,
}

/// `charts/<service>.toml`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Own {
    /// The defaults of this service's values, by their paths, where they are others than those of all services.
    #[serde(default)]
    pub defaults: BTreeMap<String, toml::Value>,
    /// The smallest and the largest that each number among the settings may be.
    #[serde(default)]
    pub bounds: BTreeMap<String, [toml::Value; 2]>,
}

/// What stands in a default for the service's name.
const NAME_PLACE: &str = "<service>";

impl Listed {
    pub fn read(root: &Path) -> Result<Listed> {
        read(root, "charts/values.toml")
    }

    /// The values of a service, each with its default.
    pub fn of(&self, service: &str, own: &Own) -> Result<Vec<Value>> {
        let mut values: Vec<Value> = self.value.iter().filter(|value| !value.umbrella).cloned().collect();
        for (path, default) in &own.defaults {
            let value = values.iter_mut().find(|value| value.path == *path);
            value.with_context(|| format!("no value is called {path}"))?.default = Some(default.clone());
        }
        for value in &mut values {
            ensure!(value.default.is_some() || value.kind == Form::Settings, "{} has no default", value.path);
            if let Some(toml::Value::String(text)) = &mut value.default {
                *text = text.replace(NAME_PLACE, service);
            }
        }
        Ok(values)
    }

    /// The values that stand under `global` too.
    pub fn global(&self) -> impl Iterator<Item = &Value> {
        self.value.iter().filter(|value| value.global)
    }

    /// The values of the umbrella itself.
    pub fn umbrella(&self) -> impl Iterator<Item = &Value> {
        self.value.iter().filter(|value| value.umbrella)
    }

    /// What a group of values is about.
    pub fn about(&self, group: &str) -> Result<&str> {
        let about = self.groups.get(group);
        Ok(about.with_context(|| format!("say in [groups] what {group} is about"))?.as_str())
    }
}

impl Own {
    /// With the bounds that all services share.
    pub fn read(root: &Path, service: &str) -> Result<Own> {
        let shared: Own = read(root, "charts/shared.toml")?;
        let mut own: Own = read(root, &format!("charts/{service}.toml"))?;
        for (path, bounds) in shared.bounds {
            own.bounds.entry(path).or_insert(bounds);
        }
        Ok(own)
    }
}

fn read<T: for<'de> Deserialize<'de>>(root: &Path, path: &str) -> Result<T> {
    let text = fs::read_to_string(root.join(path)).with_context(|| format!("read {path}"))?;
    toml::from_str(&text).with_context(|| format!("understand {path}"))
}

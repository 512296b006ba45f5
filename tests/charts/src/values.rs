//! The values of a service's chart, as `charts/values.toml` lists them and `charts/<service>.toml` completes them.

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
    /// What the values of this service are unless told otherwise, by their paths.
    pub defaults: BTreeMap<String, toml::Value>,
    /// The smallest and the largest that each number among the settings may be.
    pub bounds: BTreeMap<String, [toml::Value; 2]>,
}

impl Listed {
    pub fn read(root: &Path) -> Result<Listed> {
        read(root, "charts/values.toml")
    }

    /// The values of a service, each with what it is unless told otherwise.
    pub fn of(&self, own: &Own) -> Result<Vec<Value>> {
        let mut values: Vec<Value> = self.value.iter().filter(|value| !value.umbrella).cloned().collect();
        for (path, default) in &own.defaults {
            let value = values.iter_mut().find(|value| value.path == *path);
            value.with_context(|| format!("no value is called {path}"))?.default = Some(default.clone());
        }
        for value in &values {
            ensure!(
                value.default.is_some() || value.kind == Form::Settings,
                "{}: say what it is unless told otherwise",
                value.path
            );
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
    pub fn read(root: &Path, service: &str) -> Result<Own> {
        read(root, &format!("charts/{service}.toml"))
    }
}

fn read<T: for<'de> Deserialize<'de>>(root: &Path, path: &str) -> Result<T> {
    let text = fs::read_to_string(root.join(path)).with_context(|| format!("read {path}"))?;
    toml::from_str(&text).with_context(|| format!("understand {path}"))
}

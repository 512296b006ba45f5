//! Where everything is, in a file that people and scripts can read.

use std::{fs, os::unix::fs::PermissionsExt, path::PathBuf};

use anyhow::{Context, Result};
use testkit::{folder, stack::Stack};

/// The stack of `make run`.
pub const MAIN_STACK: &str = "run";

/// Names as in an environment, and where to connect.
#[derive(Debug, Default)]
pub struct Endpoints(Vec<(String, String)>);

impl Endpoints {
    pub fn add(&mut self, name: impl Into<String>, value: impl Into<String>) {
        self.0.push((name.into(), value.into()));
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.as_str()))
    }

    pub fn get(&self, name: &str) -> Result<&str> {
        let found = self.iter().find(|(known, _)| *known == name);
        found.map(|(_, value)| value).with_context(|| format!("no endpoint {name}"))
    }

    /// Writes the stack's file. It holds passwords, so that only we may read it.
    pub fn write(&self, stack: &Stack) -> Result<()> {
        let file = file(stack);
        let draft = file.with_extension("part");
        let text: String = self.iter().map(|(name, value)| format!("{name}={value}\n")).collect();
        fs::write(&draft, "")?;
        fs::set_permissions(&draft, fs::Permissions::from_mode(0o600))?;
        fs::write(&draft, text)?;
        fs::rename(draft, &file).with_context(|| format!("write {}", file.display()))
    }

    /// Prints them.
    pub fn show(&self) {
        for (name, value) in self.iter() {
            println!("  {name:<24} {value}");
        }
    }
}

/// `.local/endpoints.env` for the stack of `make run`; the other stacks have theirs in their folders.
pub fn file(stack: &Stack) -> PathBuf {
    let folder = if stack.folder() == folder::local().join(MAIN_STACK) {
        folder::local()
    } else {
        stack.folder().to_owned()
    };
    folder.join("endpoints.env")
}

//! The services of the house, as `services.toml` at the root lists them: the one list, which tools and tests go through.

use std::{fs, sync::OnceLock};

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

use crate::folder;

/// The list, from the root.
pub const LIST: &str = "services.toml";

/// The longest name: Kubernetes puts a release's name and more around it, and has 63 characters for all.
const NAME_CHARS_MAX: usize = 20;

/// A service.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServiceEntry {
    /// Of its program, crate, image, chart, database, topics and settings.
    pub name: String,
    /// What people call it.
    pub title: String,
    /// What people call it in Chinese.
    pub title_zh: String,
    /// What it is, in half a line.
    pub purpose: String,
    /// The topics whose facts accounting books.
    #[serde(default)]
    pub booked: Vec<String>,
}

/// The file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct List {
    service: Vec<ServiceEntry>,
}

/// All services, in the order of the list.
///
/// # Panics
///
/// When the list cannot be read: no tool can do anything then.
pub fn all() -> &'static [ServiceEntry] {
    static ALL: OnceLock<Vec<ServiceEntry>> = OnceLock::new();
    ALL.get_or_init(|| {
        let text = fs::read_to_string(folder::workspace().join(LIST)).expect("services.toml is at the root");
        parse(&text).expect("services.toml lists services")
    })
}

/// Their names.
pub fn names() -> Vec<&'static str> {
    all().iter().map(|service| service.name.as_str()).collect()
}

/// The topics whose facts accounting books, of all services.
pub fn booked() -> Vec<&'static str> {
    all().iter().flat_map(|service| &service.booked).map(String::as_str).collect()
}

/// Reads a list. Names are such that they are good for programs, crates, databases, charts and variables alike.
pub fn parse(text: &str) -> Result<Vec<ServiceEntry>> {
    let List { service: services } = toml::from_str(text).context("read the list of services")?;
    for (place, ServiceEntry { name, .. }) in services.iter().enumerate() {
        ensure!(
            !name.is_empty()
                && name.len() <= NAME_CHARS_MAX
                && name.bytes().all(|letter| letter.is_ascii_lowercase()),
            "{name}: a name is 1 to {NAME_CHARS_MAX} small letters"
        );
        ensure!(!services[..place].iter().any(|other| other.name == *name), "{name} is listed twice");
    }
    Ok(services)
}

//! Configuration: which source wins, what is refused and how it is named, and what is never shown.

use std::{collections::BTreeMap, fs, path::PathBuf};

use platform::{
    config::{self, ConfigError, Secret},
    db::DbConfig,
};
use serde::{Deserialize, Serialize};
use serde_json::json;

const DEFAULTS: &str = r#"
    name = "default"
    limit = 10
    ratio = 0.5
    strict = false
    [database]
    url = "postgres://user:hunter2@localhost/books"
    connections_max = 5
    acquire_timeout_ms = 1000
    statement_timeout_ms = 2000
"#;

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    name: String,
    limit: u32,
    ratio: f64,
    strict: bool,
    database: DbConfig,
}

/// A file that is gone with the value.
struct Temporary(PathBuf);

impl Temporary {
    fn holding(text: &str) -> Temporary {
        let path = std::env::temp_dir().join(format!("countinghouse-{:032x}.toml", rand::random::<u128>()));
        fs::write(&path, text).unwrap();
        Temporary(path)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        fs::remove_file(&self.0).unwrap();
    }
}

fn load(file: Option<&str>, variables: &[(&str, &str)]) -> Result<Settings, ConfigError> {
    let file = file.map(Temporary::holding);
    let variables: BTreeMap<String, String> =
        variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    config::load_with("test", DEFAULTS, file.as_ref().map(|file| file.0.as_path()), Some(variables))
}

/// What is said of a configuration that is refused.
fn refused(file: Option<&str>, variables: &[(&str, &str)]) -> String {
    let error = load(file, variables).unwrap_err().to_string();
    assert!(error.starts_with("configuration of test: "), "{error}");
    error
}

#[test]
fn the_environment_wins_over_the_file_and_the_file_over_the_defaults() {
    let settings = load(None, &[]).unwrap();
    assert_eq!((settings.name.as_str(), settings.limit, settings.strict), ("default", 10, false));
    let file = "name = 'file'\nlimit = 20\n[database]\nconnections_max = 7";
    let variables = [
        ("COUNTINGHOUSE_TEST__LIMIT", "30"),
        ("COUNTINGHOUSE_TEST__RATIO", "0.25"),
        ("COUNTINGHOUSE_TEST__STRICT", "true"),
        ("COUNTINGHOUSE_TEST__DATABASE__STATEMENT_TIMEOUT_MS", "3000"),
        ("COUNTINGHOUSE_OTHER__NAME", "another service's"),
    ];
    let settings = load(Some(file), &variables).unwrap();
    assert_eq!((settings.name.as_str(), settings.limit, settings.strict), ("file", 30, true));
    assert!((settings.ratio - 0.25).abs() < f64::EPSILON);
    let database = &settings.database;
    assert_eq!((database.connections_max, database.statement_timeout_ms), (7, 3_000));
    assert_eq!(database.acquire_timeout_ms, 1_000);
}

#[test]
fn text_of_digits_stays_as_it_was_written() {
    let variables = [("COUNTINGHOUSE_TEST__NAME", "0070"), ("COUNTINGHOUSE_TEST__DATABASE__URL", "1e5")];
    let settings = load(None, &variables).unwrap();
    assert_eq!((settings.name.as_str(), settings.database.url.expose()), ("0070", "1e5"));
}

#[test]
fn a_key_that_nobody_knows_is_refused_and_named() {
    let unknown = refused(Some("colour = 'red'"), &[]);
    assert!(unknown.contains("colour"), "{unknown}");
    let nested = refused(Some("[database]\nconections_max = 7"), &[]);
    assert!(nested.contains("conections_max"), "{nested}");
    let variable = refused(None, &[("COUNTINGHOUSE_TEST__DATABASE__CONECTIONS_MAX", "7")]);
    assert!(variable.contains("conections_max"), "{variable}");
}

#[test]
fn a_value_of_the_wrong_type_is_refused_and_its_key_named() {
    let file = refused(Some("limit = 'many'"), &[]);
    assert!(file.contains("limit"), "{file}");
    let variable = refused(None, &[("COUNTINGHOUSE_TEST__DATABASE__CONNECTIONS_MAX", "-1")]);
    assert!(variable.contains("database.connections_max"), "{variable}");
}

#[test]
fn a_file_that_is_not_there_or_no_toml_is_refused_and_named() {
    let missing = config::load_with::<Settings>("test", DEFAULTS, Some("no/such.toml".as_ref()), None);
    assert!(missing.unwrap_err().to_string().contains("no/such.toml"));
    assert!(refused(Some("limit ="), &[]).contains(".toml"));
}

#[test]
fn a_secret_is_never_shown() {
    let settings = load(None, &[]).unwrap();
    assert!(settings.database.url.expose().contains("hunter2"));
    assert!(!format!("{settings:?}").contains("hunter2"));
    assert!(!serde_json::to_string(&settings).unwrap().contains("hunter2"));
    assert_eq!(serde_json::to_value(Secret::new("hunter2")).unwrap(), json!("***"));
    assert_eq!(Secret::new("hunter2").to_string(), "***");
    let error = refused(Some("[database]\nurl = ['hunter2']"), &[]);
    assert!(error.contains("database.url") && !error.contains("hunter2"), "{error}");
}

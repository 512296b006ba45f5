//! Settings: which source wins, what is refused and how it is named, and what is never shown.

use std::fs;

use platform::{
    config::{ConfigError, Secret},
    service::{Service, Settings},
};
use serde_json::json;

use crate::support::{
    notebook::{self, Notebook, Own},
    server::Folder,
};

fn load(file: Option<&str>, variables: &[(&str, &str)]) -> Result<Settings<Own>, ConfigError> {
    let Some(text) = file else { return notebook::settings(None, variables) };
    let folder = Folder::new();
    let path = folder.path().join("settings.toml");
    fs::write(&path, text).unwrap();
    notebook::settings(Some(&path), variables)
}

/// What is said of settings that are refused.
fn refused(file: Option<&str>, variables: &[(&str, &str)]) -> String {
    let error = load(file, variables).unwrap_err().to_string();
    assert!(error.starts_with("configuration of test: "), "{error}");
    error
}

#[test]
fn the_environment_wins_over_the_file_the_file_over_the_service_and_the_service_over_what_is_shared() {
    let settings = load(None, &[]).unwrap();
    let notes = &settings.own.notes;
    assert_eq!((notes.title.as_str(), notes.pages_max, notes.strict), ("default", 10, false));
    assert_eq!(settings.database.url.expose(), "postgres://test@localhost:5432/test", "its name is put in");
    assert_eq!(settings.database.acquire_timeout_ms, 3_000, "as it is shared");
    assert_eq!(settings.lifecycle.drain_max_ms, 20_000, "as the service sets it");
    let mut roles: Vec<&str> = settings.auth.roles.keys().map(String::as_str).collect();
    roles.sort_unstable();
    assert_eq!(roles, ["checker", "maker"]);

    let file = "[notes]\ntitle = 'file'\npages_max = 20\n[database]\nconnections_max = 7\n\
                [lifecycle]\ndrain_max_ms = 21000\n[auth.roles]\nmaker = ['test.notes.read']\n";
    let variables = [
        ("NOTES__PAGES_MAX", "30"),
        ("NOTES__RATIO", "0.25"),
        ("NOTES__STRICT", "true"),
        ("DATABASE__STATEMENT_TIMEOUT_MS", "3000"),
    ];
    let settings = load(Some(file), &variables).unwrap();
    let notes = &settings.own.notes;
    assert_eq!((notes.title.as_str(), notes.pages_max, notes.strict), ("file", 30, true));
    assert!((notes.ratio - 0.25).abs() < f64::EPSILON);
    let database = &settings.database;
    assert_eq!((database.connections_max, database.statement_timeout_ms), (7, 3_000));
    assert_eq!(database.acquire_timeout_ms, 3_000);
    assert_eq!(settings.lifecycle.drain_max_ms, 21_000);
    assert_eq!(settings.auth.roles["maker"], ["test.notes.read"]);
    assert_eq!(settings.auth.roles["checker"], ["test.notes.check", "approval.*"], "it is not in the file");
}

#[test]
fn variables_of_another_service_are_not_meant() {
    let of_another = [("COUNTINGHOUSE_OTHER__NOTES__TITLE".to_owned(), "another".to_owned())];
    let settings = Settings::load_with::<Notebook>(None, Some(of_another.into())).unwrap();
    assert_eq!(settings.own.notes.title, "default");
}

#[test]
fn text_of_digits_stays_as_it_was_written() {
    let settings = load(None, &[("NOTES__TITLE", "0070"), ("DATABASE__URL", "1e5")]).unwrap();
    assert_eq!((settings.own.notes.title.as_str(), settings.database.url.expose()), ("0070", "1e5"));
}

#[test]
fn a_key_that_nobody_knows_is_refused_and_named() {
    for (file, key) in [
        ("colour = 'red'", "colour"),
        ("[colours]\nred = 1", "colours"),
        ("[databases]\nurl = 'x'", "databases"),
        ("[database]\nconections_max = 7", "conections_max"),
        ("[kafka.topics]\npartition = 7", "partition"),
        ("[notes]\npage_max = 7", "page_max"),
    ] {
        let unknown = refused(Some(file), &[]);
        assert!(unknown.contains(&format!("`{key}`")), "{unknown}");
    }
    for (variable, key) in [
        ("DATABASE__CONECTIONS_MAX", "conections_max"),
        ("NOTES__PAGE_MAX", "page_max"),
        ("COLOUR", "colour"),
    ] {
        let unknown = refused(None, &[(variable, "7")]);
        assert!(unknown.contains(&format!("`{key}`")), "{unknown}");
    }
}

#[test]
fn a_value_of_the_wrong_type_is_refused_and_its_key_named() {
    let own = refused(Some("[notes]\npages_max = 'many'"), &[]);
    assert!(own.contains("notes.pages_max"), "{own}");
    let shared = refused(None, &[("DATABASE__CONNECTIONS_MAX", "-1")]);
    assert!(shared.contains("database.connections_max"), "{shared}");
}

#[test]
fn a_file_that_is_not_there_or_no_toml_is_refused_and_named() {
    let missing = notebook::settings(Some("no/such.toml".as_ref()), &[]).unwrap_err();
    assert!(missing.to_string().contains("no/such.toml"));
    assert!(refused(Some("[notes]\npages_max ="), &[]).contains("settings.toml"));
}

#[test]
fn a_secret_is_never_shown() {
    let url = "postgres://user:hunter2@localhost/books";
    let secrets = [
        ("DATABASE__URL", url),
        ("DATABASE__PASSWORD", "hunter2"),
        ("PAGES__KEY", "hunter2"),
        ("KAFKA__PROPERTIES__SASL_PASSWORD", "hunter2"),
    ];
    let settings = load(None, &secrets).unwrap();
    assert_eq!((settings.database.url.expose(), settings.page_key().expose()), (url, "hunter2"));
    assert!(!format!("{settings:#?}").contains("hunter2"));
    assert!(!serde_json::to_string(&settings.database).unwrap().contains("hunter2"));
    assert_eq!(serde_json::to_value(Secret::new("hunter2")).unwrap(), json!("***"));
    assert_eq!(Secret::new("hunter2").to_string(), "***");
    let error = refused(Some("[database]\nurl = ['hunter2']"), &[]);
    assert!(error.contains("database.url") && !error.contains("hunter2"), "{error}");
}

#[test]
fn the_key_of_pages_is_made_from_what_opens_the_database_when_none_is_set() {
    let settings = load(None, &[("DATABASE__PASSWORD", "hush")]).unwrap();
    assert_eq!(settings.page_key().expose(), "postgres://test@localhost:5432/testhush");
}

#[test]
fn the_defaults_hold_and_a_setting_that_cannot_be_meant_is_named_with_its_bound() {
    let checked = |variables: &[(&str, &str)]| {
        let settings = load(None, variables).unwrap();
        settings.check().and_then(|()| Notebook::check(&settings)).map_err(|error| error.to_string())
    };
    assert_eq!(checked(&[]), Ok(()));
    for (variable, value, expected) in [
        ("DATABASE__CONNECTIONS_MAX", "5", "database.connections_max must be at least 6, not 5"),
        ("TELEMETRY__METRICS_EVERY_MS", "99", "telemetry.metrics_every_ms must be at least 100, not 99"),
        ("RETENTION__APPROVAL_DAYS", "39", "retention.approval_days must be at least 40, not 39"),
        ("RETENTION__REQUEST_DAYS", "39", "retention.request_days must be at least 40, not 39"),
        ("APPROVAL__EXPIRE_AFTER_HOURS", "481", "approval.expire_after_hours must be at most 480, not 481"),
        ("NOTES__PAGES_MAX", "1001", "notes.pages_max must be at most 1000, not 1001"),
    ] {
        assert_eq!(checked(&[(variable, value)]), Err(expected.to_owned()));
    }
    let longer = [("APPROVAL__EXPIRE_AFTER_HOURS", "481"), ("RETENTION__REQUEST_DAYS", "41")];
    assert_eq!(checked(&longer), Ok(()), "half as long as requests are remembered");
}

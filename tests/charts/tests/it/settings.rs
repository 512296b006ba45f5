//! What the charts let an installation set, the service takes.

use std::{fs, path::PathBuf};

use accounting::config::Config;
use charts::{
    SETS,
    form::Form,
    root,
    settings::{self, Setting},
    values::{Listed, Own},
};

fn of_accounting() -> Vec<Setting> {
    let listed = Listed::read(&root()).unwrap();
    settings::read(&root(), "accounting", &listed.made, &Own::read(&root(), "accounting").unwrap()).unwrap()
}

/// The settings of accounting with this text over the defaults.
fn load(name: &str, text: &str) -> Result<Config, String> {
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.toml"));
    fs::write(&file, text).unwrap();
    Config::load(Some(&file)).map_err(|error| error.to_string())
}

/// A file with this one setting.
fn only(setting: &Setting, value: &toml::Value) -> String {
    let (section, key) = setting.path.rsplit_once('.').unwrap();
    format!("[{section}]\n{key} = {value}\n")
}

#[test]
fn every_number_may_be_as_small_and_as_large_as_its_bounds() {
    let mut numbers = 0;
    for setting in of_accounting() {
        if !matches!(setting.form, Form::Integer | Form::Number) {
            continue;
        }
        numbers += 1;
        let bounds = [setting.bounds.min.as_ref().unwrap(), setting.bounds.max.as_ref().unwrap()];
        for bound in bounds {
            let loaded = load("bound", &only(&setting, bound));
            assert!(loaded.is_ok(), "{} = {bound}: {loaded:?}", setting.path);
        }
    }
    assert!(numbers >= 30, "{numbers} numbers were looked at");
}

#[test]
fn the_settings_of_each_set_are_those_of_a_service_that_starts() {
    for set in SETS {
        let rendered =
            fs::read_to_string(root().join(format!("tests/charts/golden/{}.yaml", set.name))).unwrap();
        let text = settings_in(&rendered);
        let config = load(set.name, &text).unwrap_or_else(|error| panic!("{}: {error}\n{text}", set.name));
        config.check().unwrap_or_else(|error| panic!("{}: {error}\n{text}", set.name));
        config.kafka.producer().unwrap();
        config.rpc.check().unwrap();
        assert_eq!(config.rpc.listen.port(), 50051);
        // Whether the authorities are there is seen when a connection is made.
        config.database.options().unwrap();
    }
}

/// The last map of settings in a rendered file: the service's own.
fn settings_in(rendered: &str) -> String {
    let (_, after) = rendered.rsplit_once("accounting.toml: |\n").unwrap();
    let lines = after.lines().take_while(|line| line.starts_with("    ") || line.trim().is_empty());
    lines.map(|line| format!("{}\n", line.trim_start())).collect()
}

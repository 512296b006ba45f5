//! What the charts let an installation set, the service takes.

use std::{fs, path::PathBuf};

use accounting::service::Accounting;
use charts::{
    SETS,
    form::Form,
    root,
    settings::{self, Setting},
    values::{Listed, Own},
};
use platform::service::{Service, Settings};
use testkit::services::names;
use voucher::service::Vouchers;

/// The settings of the chart of a service.
fn of_chart(service: &str) -> Vec<Setting> {
    let listed = Listed::read(&root()).unwrap();
    settings::read(&root(), service, &listed.made, &Own::read(&root(), service).unwrap()).unwrap()
}

/// The settings of a service with this text over the defaults.
fn load<S: Service>(name: &str, text: &str) -> Result<Settings<S::Settings>, String> {
    let file = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-{name}.toml", S::NAME));
    fs::write(&file, text).unwrap();
    Settings::load_with::<S>(Some(&file), Some([].into())).map_err(|error| error.to_string())
}

/// A file with this one setting.
fn only(setting: &Setting, value: &toml::Value) -> String {
    let (section, key) = setting.path.rsplit_once('.').unwrap();
    format!("[{section}]\n{key} = {value}\n")
}

/// Holds the bounds of a chart, and what it renders, to what its service takes.
fn keeps_to_its_chart<S: Service>() {
    let mut numbers = 0;
    for setting in of_chart(S::NAME) {
        if !matches!(setting.form, Form::Integer | Form::Number) {
            continue;
        }
        numbers += 1;
        let bounds = [setting.bounds.min.as_ref().unwrap(), setting.bounds.max.as_ref().unwrap()];
        for bound in bounds {
            let loaded = load::<S>("bound", &only(&setting, bound));
            assert!(loaded.is_ok(), "{} = {bound}: {loaded:?}", setting.path);
        }
    }
    assert!(numbers >= 28, "{}: {numbers} numbers were looked at", S::NAME);
    for set in SETS {
        let rendered =
            fs::read_to_string(root().join(format!("tests/charts/golden/{}.yaml", set.name))).unwrap();
        let text = settings_in(&rendered, S::NAME);
        let settings =
            load::<S>(set.name, &text).unwrap_or_else(|error| panic!("{}: {error}\n{text}", set.name));
        settings.check().unwrap_or_else(|error| panic!("{}: {error}\n{text}", set.name));
        S::check(&settings).unwrap_or_else(|error| panic!("{}: {error}\n{text}", set.name));
        settings.kafka.producer().unwrap();
        settings.rpc.check().unwrap();
        assert_eq!(settings.rpc.listen.port(), 50051);
        // Whether the authorities are there is seen when a connection is made.
        settings.database.options().unwrap();
    }
}

/// The last map of settings of a service in a rendered file: the one that it serves with.
fn settings_in(rendered: &str, service: &str) -> String {
    let (_, after) = rendered.rsplit_once(&format!("{service}.toml: |\n")).unwrap();
    let lines = after.lines().take_while(|line| line.starts_with("    ") || line.trim().is_empty());
    lines.map(|line| format!("{}\n", line.trim_start())).collect()
}

/// The services that are looked at below; a new one is one name here.
const LOOKED_AT: &[&str] = &[Accounting::NAME, Vouchers::NAME];

#[test]
fn accounting_takes_what_its_chart_lets_through() {
    keeps_to_its_chart::<Accounting>();
}

#[test]
fn voucher_takes_what_its_chart_lets_through() {
    keeps_to_its_chart::<Vouchers>();
}

#[test]
fn no_service_is_left_out() {
    assert_eq!(names(), LOOKED_AT);
}

//! What the charts make: objects that Kubernetes takes, with nothing secret where anybody reads it.

use std::{fs, path::PathBuf};

use charts::{
    SETS, UMBRELLA, root,
    tools::{Helm, validate},
};
use testkit::services::names;

/// Kinds that operators bring with them, which Kubernetes itself knows nothing of.
const KINDS_OF_OPERATORS: &[&str] = &["Certificate", "PrometheusRule", "ServiceMonitor"];

fn golden(name: &str) -> PathBuf {
    root().join(format!("tests/charts/golden/{name}.yaml"))
}

/// The documents of a rendered file, of one kind.
fn of_kind<'a>(rendered: &'a str, kind: &str) -> Vec<&'a str> {
    let line = format!("kind: {kind}");
    let is_it = |document: &&str| document.lines().any(|each| each == line);
    rendered.split("\n---\n").filter(is_it).collect()
}

#[test]
fn helm_finds_nothing_wrong_with_any_chart() {
    let helm = Helm::installed().unwrap();
    for chart in names().into_iter().map(|service| format!("charts/{service}")) {
        helm.lint(&chart, &[]).unwrap();
    }
    helm.lint("charts/countinghouse-library", &[]).unwrap();
    for set in SETS {
        helm.lint(UMBRELLA, &[set.values]).unwrap();
    }
}

#[test]
fn every_object_is_one_of_each_version_of_kubernetes() {
    for set in SETS {
        let unknown = |line: &&String| {
            !(line.starts_with("WARN")
                && KINDS_OF_OPERATORS.iter().any(|kind| line.contains(&format!("for kind {kind} "))))
        };
        let said = validate(&golden(set.name)).unwrap();
        let wrong: Vec<_> = said.iter().filter(unknown).collect();
        assert!(wrong.is_empty(), "{}: {wrong:#?}", set.name);
    }
}

#[test]
fn an_object_with_a_field_too_many_is_found() {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR"));
    let file = folder.join("misspelt.yaml");
    let right = fs::read_to_string(golden("minimal")).unwrap();
    let wrong = right.replacen("progressDeadlineSeconds:", "progressDeadlineSecond:", 1);
    assert_ne!(right, wrong);
    fs::write(&file, wrong).unwrap();
    let said = validate(&file).unwrap();
    assert!(said.iter().any(|line| line.contains("progressDeadlineSecond")), "{said:?}");
}

#[test]
fn secrets_are_only_ever_named() {
    for set in SETS {
        let rendered = fs::read_to_string(golden(set.name)).unwrap();
        assert_eq!(of_kind(&rendered, "Secret"), Vec::<&str>::new(), "{}", set.name);
        for map in of_kind(&rendered, "ConfigMap") {
            let url = map.lines().find(|line| line.trim_start().starts_with("url = ")).unwrap();
            assert!(!url.contains('@'), "{url}");
            assert!(!map.contains("password"), "{map}");
        }
        for line in rendered.lines().filter(|line| line.trim_start().starts_with("- name: COUNTINGHOUSE_")) {
            let is_secret = ["PASSWORD", "USER", "USERNAME", "KEY"].iter().any(|word| line.ends_with(word));
            let next = rendered.split_once(line).unwrap().1.trim_start();
            assert_eq!(is_secret, next.starts_with("valueFrom:"), "{line}");
        }
    }
}

#[test]
fn only_the_migration_sees_the_owner_of_the_tables() {
    let rendered = fs::read_to_string(golden("minimal")).unwrap();
    let seen: Vec<_> =
        rendered.split("\n---\n").filter(|document| document.contains("accounting-database-owner")).collect();
    assert_eq!(seen.len(), 1);
    assert!(seen[0].contains("name: countinghouse-accounting-migrate"));
    let topics = of_kind(&rendered, "Job").into_iter().find(|job| job.contains("accounting-topics")).unwrap();
    assert!(!topics.contains("DATABASE__"), "the topics are made without the database");
}

#[test]
fn a_pod_has_longer_to_stop_than_the_service_takes() {
    let rendered = fs::read_to_string(golden("tls")).unwrap();
    // 45.5 seconds to end what is in hand, five before that, and ten to spare.
    assert!(rendered.contains("drain_max_ms = 45500"));
    assert!(rendered.contains("terminationGracePeriodSeconds: 61"), "{rendered}");
}

#[test]
fn another_setting_makes_another_map_of_settings() {
    let helm = Helm::installed().unwrap();
    let minimal = "charts/countinghouse/ci/minimal-values.yaml";
    let named = |values: &[&str]| {
        let rendered = helm.template(&[minimal], values).unwrap();
        let maps = of_kind(&rendered, "ConfigMap").join("\n");
        let mut names = maps.lines().filter_map(|line| line.strip_prefix("  name: "));
        names.find(|name| !name.ends_with("-before")).unwrap().to_owned()
    };
    let before = named(&[]);
    assert_eq!(before, named(&["--set", "accounting.replicas=3"]));
    assert_ne!(before, named(&["--set", "accounting.settings.writer.queue_max=4096"]));
}

#[test]
fn the_notes_say_what_is_missing_and_nothing_secret() {
    let helm = Helm::installed().unwrap();
    let notes = |name: &str| helm.notes(&[&format!("charts/countinghouse/ci/{name}-values.yaml")]).unwrap();
    let minimal = notes("minimal");
    assert!(minimal.contains("countinghouse-accounting.bank.svc:50051"), "{minimal}");
    assert!(minimal.contains("no operator can call it yet") && minimal.contains("without TLS"), "{minimal}");
    let complete = notes("tls");
    assert!(!complete.contains("NOTE:"), "{complete}");
    for (notes, secret) in [(minimal, "accounting-database"), (complete, "accounting-pages")] {
        assert!(!notes.contains(secret), "{notes}");
    }
}

//! The alerts that come with the charts: rules that Prometheus takes, which do what their own tests say, and are in the chart as
//! they are.

use std::fs;

use charts::{SERVICES, root, tools::promtool};

#[test]
fn every_rule_is_one_of_prometheus() {
    for service in SERVICES {
        let said =
            promtool(&root(), &["check", "rules", &format!("charts/{service}/files/alerts.yaml")]).unwrap();
        assert!(said.contains("SUCCESS"), "{said}");
    }
}

#[test]
fn every_rule_does_what_its_tests_say() {
    let folder = root().join("deploy/observability");
    let said = promtool(&folder, &["test", "rules", "alerts.test.yaml"]).unwrap();
    assert!(said.contains("SUCCESS"), "{said}");
}

#[test]
fn the_chart_carries_the_rules_as_they_are_with_their_pages_where_the_bank_reads_them() {
    let rules = fs::read_to_string(root().join("charts/accounting/files/alerts.yaml")).unwrap();
    let rendered = fs::read_to_string(root().join("tests/charts/golden/monitored.yaml")).unwrap();
    let expected = rules.replace("docs/runbooks/", "https://handbook.bank.example/countinghouse/");
    let lines = expected.lines().filter(|line| !line.trim().is_empty()).map(|line| format!("  {line}"));
    let rendered: Vec<_> = rendered.lines().filter(|line| !line.trim().is_empty()).collect();
    let first = lines.clone().next().unwrap();
    let at = rendered.iter().position(|line| *line == first).expect("the rules are rendered");
    assert!(
        lines.eq(rendered[at..]
            .iter()
            .take(expected.lines().filter(|line| !line.trim().is_empty()).count())
            .map(|line| (*line).to_owned()))
    );
}

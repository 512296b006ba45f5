//! The alerts that come with the charts: rules that Prometheus takes, which do what their own tests say, and are in the chart as
//! they are.

use std::fs;

use charts::{alerts, root, tools::promtool};
use testkit::services::names;

#[test]
fn every_rule_is_one_of_prometheus() {
    for service in names() {
        let said =
            promtool(&root(), &["check", "rules", &format!("charts/{service}/files/alerts.yaml")]).unwrap();
        assert!(said.contains("SUCCESS"), "{said}");
    }
}

#[test]
fn every_rule_does_what_its_tests_say() {
    let folder = root().join("deploy/observability");
    let with_alerts = |service: &&str| root().join(alerts::own(service)).exists();
    let own = names().into_iter().filter(with_alerts).map(|service| format!("{service}.alerts.test.yaml"));
    for tests in own.chain(["alerts.test.yaml".to_owned()]) {
        let said = promtool(&folder, &["test", "rules", &tests]).unwrap();
        assert!(said.contains("SUCCESS"), "{tests}: {said}");
    }
}

#[test]
fn an_alert_of_one_service_looks_at_no_other() {
    for service in names() {
        let rules = alerts::of(&root(), service).unwrap();
        let shared = rules.split("  - name: ").filter(|group| !group.contains("countinghouse_writer_"));
        let expressions: Vec<_> =
            shared.flat_map(str::lines).filter_map(|line| line.trim().strip_prefix("expr: ")).collect();
        assert!(expressions.len() >= 14, "{service}: {}", expressions.len());
        for expression in expressions {
            assert!(expression.contains(&format!("{{job=~\"(.+/)?{service}\"")), "{service}: {expression}");
        }
    }
}

#[test]
fn the_chart_carries_the_rules_as_they_are_with_their_pages_where_the_bank_reads_them() {
    let rendered = fs::read_to_string(root().join("tests/charts/golden/monitored.yaml")).unwrap();
    let rendered: Vec<_> = rendered.lines().filter(|line| !line.trim().is_empty()).collect();
    for service in names() {
        let rules = alerts::of(&root(), service).unwrap();
        let expected = rules.replace("docs/runbooks/", "https://handbook.bank.example/countinghouse/");
        let (_, groups) = expected.split_once("groups:\n").unwrap();
        let lines: Vec<_> =
            groups.lines().filter(|line| !line.trim().is_empty()).map(|line| format!("  {line}")).collect();
        let at = rendered.iter().position(|line| *line == lines[0]).expect("the rules are rendered");
        assert_eq!(rendered[at..at + lines.len()], lines, "{service}");
    }
}

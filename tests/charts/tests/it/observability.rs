//! Dashboards, alerts and runbooks: they speak of metrics that there are (docs/metrics.md, which each service's tests hold to what it
//! sends), and of each other.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
};

use charts::{alerts, root};
use serde_json::Value;
use testkit::services::names as services;

/// Labels that Prometheus or the collector adds, and what `target_info` says of the service.
const LABELS: [&str; 4] = ["job", "instance", "le", "service_version"];

/// What there is of each metric in docs/metrics.md.
struct Documented {
    is_histogram: bool,
    labels: BTreeSet<String>,
}

/// An alert, as a chart has it.
#[derive(Debug)]
struct Alert {
    name: String,
    keys: BTreeMap<String, String>,
}

fn read(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The documented metrics by their names in Prometheus: the rows of the tables in docs/metrics.md.
fn documented() -> BTreeMap<String, Documented> {
    let text = read("docs/metrics.md");
    let rows = text.lines().filter(|line| line.starts_with("| `"));
    let rows = rows.map(|line| line.split('|').map(str::trim).collect::<Vec<_>>());
    let metrics = rows.map(|cells| {
        let unquoted = |text: &str| text.trim_matches('`').to_owned();
        let labels = cells[5].split(", ").map(|label| unquoted(label).replace('.', "_")).collect();
        (unquoted(cells[2]), Documented { is_histogram: cells[3] == "histogram", labels })
    });
    metrics.collect()
}

/// The alerts of a service.
fn alerts_of(service: &str) -> Vec<Alert> {
    let text = alerts::of(&root(), service).unwrap();
    let blocks = text.split("- alert: ").skip(1).map(|block| {
        let (name, rest) = block.split_once('\n').unwrap();
        let keys = rest.lines().filter_map(|line| line.trim().split_once(": "));
        let keys = keys.map(|(key, value)| (key.to_owned(), value.trim_matches('"').to_owned()));
        Alert { name: name.trim().to_owned(), keys: keys.collect() }
    });
    blocks.collect()
}

/// The dashboards: one of what all services have, and one of its own for a service that has more.
fn dashboards() -> Vec<Value> {
    let files = fs::read_dir(root().join("deploy/observability")).unwrap().flatten().map(|file| file.path());
    let dashboards = files.filter(|path| path.to_string_lossy().ends_with("dashboard.json"));
    dashboards.map(|path| serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()).collect()
}

/// Every expression of a dashboard.
fn expressions(dashboard: &Value) -> Vec<String> {
    match dashboard {
        Value::Object(fields) => fields
            .iter()
            .flat_map(|(name, value)| match value {
                Value::String(text) if name == "expr" => vec![text.clone()],
                // label_values(metric, label) is the one query that is no PromQL.
                Value::String(text) if name == "query" && text.starts_with("label_values(") => {
                    let inner = text.trim_start_matches("label_values(").trim_end_matches(')');
                    let (metric, label) = inner.split_once(", ").unwrap();
                    vec![format!("sum by ({label}) ({metric})")]
                }
                _ => expressions(value),
            })
            .collect(),
        Value::Array(values) => values.iter().flat_map(expressions).collect(),
        _ => Vec::new(),
    }
}

/// The metrics and the labels that a PromQL expression names.
fn names(expression: &str) -> (BTreeSet<String>, BTreeSet<String>) {
    const KEYWORDS: [&str; 10] =
        ["and", "or", "unless", "offset", "bool", "sum", "max", "min", "avg", "count"];
    const GROUPINGS: [&str; 6] = ["by", "without", "on", "ignoring", "group_left", "group_right"];
    let (mut metrics, mut labels) = (BTreeSet::new(), BTreeSet::new());
    let mut rest = expression;
    let (mut in_braces, mut in_grouping) = (false, false);
    while let Some(first) = rest.chars().next() {
        if first == '"' {
            rest = rest[1..].split_once('"').expect("a text ends").1;
        } else if first == '[' {
            rest = rest.split_once(']').expect("a range ends").1;
        } else if first.is_ascii_alphanumeric() || first == '_' {
            let end = rest.find(|char: char| !char.is_ascii_alphanumeric() && char != '_' && char != ':');
            let (word, after) = rest.split_at(end.unwrap_or(rest.len()));
            let is_called = after.trim_start().starts_with('(');
            if in_braces || in_grouping {
                labels.insert(word.to_owned());
            } else if GROUPINGS.contains(&word) {
                in_grouping = true;
            } else if !is_called && !first.is_ascii_digit() && !KEYWORDS.contains(&word) {
                metrics.insert(word.to_owned());
            }
            rest = after;
        } else {
            in_braces = (in_braces || first == '{') && first != '}';
            in_grouping &= first != ')';
            rest = &rest[first.len_utf8()..];
        }
    }
    (metrics, labels)
}

/// What an expression names that there is not.
fn unknown(expression: &str, documented: &BTreeMap<String, Documented>) -> Vec<String> {
    let (metrics, labels) = names(expression);
    let mut unknown = Vec::new();
    let mut known_labels: BTreeSet<&str> = LABELS.into();
    for metric in metrics.iter().filter(|metric| *metric != "target_info") {
        let base = ["_bucket", "_sum", "_count"].iter().find_map(|part| metric.strip_suffix(part));
        let of_histogram = base.and_then(|base| documented.get(base)).filter(|found| found.is_histogram);
        match of_histogram.or_else(|| documented.get(metric).filter(|found| !found.is_histogram)) {
            Some(found) => known_labels.extend(found.labels.iter().map(String::as_str)),
            None => unknown.push(format!("metric {metric} in {expression}")),
        }
    }
    let others = labels.iter().filter(|label| !known_labels.contains(label.as_str()));
    unknown.extend(others.map(|label| format!("label {label} in {expression}")));
    unknown
}

#[test]
fn an_expression_names_its_metrics_and_labels() {
    let (metrics, labels) = names(
        r#"histogram_quantile(0.99, sum by (le, job) (rate(a_seconds_bucket{step="x{y}", z!~"q"}[5m]))) > 1e3 or on (job) b unless c offset 15m"#,
    );
    assert_eq!(metrics, ["a_seconds_bucket", "b", "c"].map(str::to_owned).into());
    assert_eq!(labels, ["job", "le", "step", "z"].map(str::to_owned).into());
    let documented = documented();
    assert_eq!(unknown("sum(rpc_server_call_duration_seconds)", &documented).len(), 1, "not without _count");
    assert_eq!(unknown("countinghouse_relay_lag", &documented).len(), 1, "not without its unit");
    assert_eq!(unknown("sum by (sauce) (countinghouse_relay_lag_seconds)", &documented).len(), 1);
}

#[test]
fn dashboards_show_metrics_that_there_are_and_all_of_them() {
    let documented = documented();
    let expressions: Vec<String> = dashboards().iter().flat_map(expressions).collect();
    let unknown: Vec<String> =
        expressions.iter().flat_map(|expression| unknown(expression, &documented)).collect();
    assert_eq!(unknown, Vec::<String>::new());
    let shown: BTreeSet<String> = expressions.iter().flat_map(|expression| names(expression).0).collect();
    let is_shown = |metric: &String| {
        let of_histogram = |part| shown.contains(&format!("{metric}{part}"));
        shown.contains(metric) || ["_bucket", "_sum", "_count"].into_iter().any(of_histogram)
    };
    let hidden: Vec<&String> = documented.keys().filter(|metric| !is_shown(metric)).collect();
    assert_eq!(hidden, Vec::<&String>::new(), "no dashboard shows these");
}

#[test]
fn an_alert_speaks_of_metrics_that_there_are_and_says_what_it_means() {
    let documented = documented();
    for Alert { name, keys } in services().into_iter().flat_map(alerts_of) {
        assert_eq!(unknown(&keys["expr"], &documented), Vec::<String>::new(), "{name}");
        assert!(["critical", "warning"].contains(&keys["severity"].as_str()), "{name}");
        for key in ["for", "summary", "description", "runbook_url"] {
            assert!(keys.get(key).is_some_and(|value| !value.is_empty()), "{name} has no {key}");
        }
    }
}

#[test]
fn every_alert_has_a_runbook_and_every_runbook_an_alert() {
    let mut of_alerts: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for Alert { name, keys } in services().into_iter().flat_map(alerts_of) {
        of_alerts.entry(keys["runbook_url"].clone()).or_default().insert(name);
    }
    let pages = fs::read_dir(root().join("docs/runbooks")).unwrap().flatten();
    let pages = pages.map(|page| format!("docs/runbooks/{}", page.file_name().to_str().unwrap()));
    let pages: BTreeSet<String> = pages.filter(|page| !page.ends_with("README.md")).collect();
    assert_eq!(pages, of_alerts.keys().cloned().collect());

    let index = read("docs/runbooks/README.md");
    for (page, alerts) in of_alerts {
        let text = read(&page);
        for part in ["## What it means", "## How to look", "## What to do"] {
            assert!(text.contains(part), "{page} has no {part}");
        }
        for alert in alerts {
            assert!(text.contains(&format!("`{alert}`")), "{page} does not name {alert}");
            assert!(index.contains(&format!("`{alert}`")), "the index does not name {alert}");
        }
        assert!(
            index.contains(&format!("({})", page.trim_start_matches("docs/runbooks/"))),
            "{page} is not in the index"
        );
    }
}

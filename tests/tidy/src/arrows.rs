//! Which layer of a service may name what: `domain <- store, app <- grpc, events, jobs <- service`.

use anyhow::Result;

use crate::{Finding, rust, tree::Source};

/// A layer, and what it must not name.
struct Layer {
    name: &'static str,
    /// Crates that it must not use, or modules of them; `proto_` is every crate of the contract.
    crates: &'static [&'static str],
    /// Modules of its own crate that it must not use.
    modules: &'static [&'static str],
    why: &'static str,
}

const LAYERS: &[Layer] = &[
    Layer {
        name: "domain",
        crates: &[
            "sqlx",
            "tonic",
            "rdkafka",
            "tokio",
            "platform",
            "basedata::reader",
            "basedata::Reader",
            "proto_",
            "prost",
            "rand",
            "tracing",
        ],
        modules: &["app", "config", "error", "events", "grpc", "jobs", "service", "store", "wire"],
        why: "domain/ decides, from values alone: take what it needs as a parameter",
    },
    Layer {
        name: "store",
        crates: &["tonic", "rdkafka", "proto_", "prost"],
        modules: &["app", "events", "grpc", "jobs", "service", "wire"],
        why: "store/ turns rows into domain values and back, and does not know who calls it",
    },
    Layer {
        name: "app",
        crates: &["tonic", "rdkafka", "proto_", "prost"],
        modules: &["events", "grpc", "jobs", "service"],
        why: "app/ is the same whoever calls it: let the caller convert",
    },
    Layer {
        name: "wire",
        crates: &["sqlx", "rdkafka", "tokio"],
        modules: &["app", "events", "grpc", "jobs", "service", "store"],
        why: "wire/ converts between the contract and the domain, and does nothing",
    },
    Layer {
        name: "grpc",
        crates: &["sqlx", "rdkafka"],
        modules: &["events", "jobs", "service", "store"],
        why: "grpc/ calls app/ and nothing behind it",
    },
    Layer {
        name: "events",
        crates: &["tonic"],
        modules: &["grpc", "jobs", "service"],
        why: "events/ stands beside grpc/ and jobs/: what they share is in app/",
    },
    Layer {
        name: "jobs",
        crates: &["tonic"],
        modules: &["grpc", "events", "service"],
        why: "jobs/ stands beside grpc/ and events/: what they share is in app/",
    },
    Layer {
        name: "import",
        crates: &["sqlx", "rdkafka"],
        modules: &["app", "config", "domain", "error", "events", "grpc", "jobs", "service", "store", "wire"],
        why: "import/ is a client: it knows the contract, and nothing of the service behind it",
    },
];

/// The names in `source`, a Rust file of a service, that point the wrong way, and queries outside `store/`.
pub fn check(source: &Source, services: &[&str]) -> Result<Vec<Finding>> {
    let Some(layer_name) = layer_of(&source.path, services) else { return Ok(Vec::new()) };
    let mut findings = Vec::new();
    for name in rust::outline(source)?.names {
        let segments: Vec<&str> = name.segments.iter().map(String::as_str).collect();
        let layer = LAYERS.iter().find(|layer| layer.name == layer_name);
        if let Some(layer) = layer.filter(|layer| layer.forbids(&segments)) {
            let message = format!("{layer_name}/ names `{}`: {}", segments.join("::"), layer.why);
            findings.push(Finding::at(&source.path, name.line, message));
        }
        if layer_name != "store" && is_query(&segments) {
            let message =
                format!("`{}`: only store/ speaks SQL: give the query a function there", segments.join("::"));
            findings.push(Finding::at(&source.path, name.line, message));
        }
    }
    Ok(findings)
}

impl Layer {
    fn forbids(&self, segments: &[&str]) -> bool {
        match segments {
            ["crate", module, ..] => self.modules.contains(module),
            [first, second, ..] => self.crates.iter().any(|entry| match entry.split_once("::") {
                Some((name, part)) => (name, part) == (first, second),
                None => entry == first || (entry.ends_with('_') && first.starts_with(entry)),
            }),
            _ => false,
        }
    }
}

fn is_query(segments: &[&str]) -> bool {
    matches!(segments, ["sqlx", name, ..] if name.starts_with("query") || *name == "raw_sql")
}

/// `services/x/src/app/post.rs` is in `app`; files of the crates that are no services are in no layer.
fn layer_of<'a>(path: &'a str, services: &[&str]) -> Option<&'a str> {
    let (service, below) = path.strip_prefix("services/")?.split_once("/src/")?;
    if !services.contains(&service) || rust::is_test_file(path) {
        return None;
    }
    Some(below.split(['/', '.']).next().unwrap_or(below))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(path: &str, text: &str) -> Vec<Option<usize>> {
        check(&Source::new(path, text), &["vault"]).unwrap().iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn domain_names_no_machinery() {
        let text = "use money::Money;\nuse sqlx::PgConnection;\nfn f() { platform::clock::now() }\nuse crate::store::x;";
        assert_eq!(lines("services/vault/src/domain/box.rs", text), [Some(2), Some(3), Some(4)]);
        assert!(lines("services/platform/src/domain/box.rs", text).is_empty());
        let text = "use basedata::{BaseData, Reader};\nuse proto_vault::v1::Box;\nuse refusal::Violation;";
        assert_eq!(lines("services/vault/src/domain/box.rs", text), [Some(1), Some(2)]);
    }

    #[test]
    fn store_and_app_do_not_know_who_calls_them() {
        let text = "use crate::domain::Box;\nuse crate::grpc::Api;\nuse super::super::jobs::close;";
        assert_eq!(lines("services/vault/src/store/boxes.rs", text), [Some(2), Some(3)]);
        assert_eq!(lines("services/vault/src/app/open.rs", text), [Some(2), Some(3)]);
        assert_eq!(lines("services/vault/src/service.rs", text), []);
    }

    #[test]
    fn only_store_speaks_sql() {
        let text = "async fn f() { sqlx::query!(\"SELECT 1\").execute(c).await; }";
        assert_eq!(lines("services/vault/src/app/open.rs", text), [Some(1)]);
        assert_eq!(lines("services/vault/src/service.rs", text), [Some(1)]);
        assert_eq!(lines("services/vault/src/store/boxes.rs", text), []);
    }
}

//! Values that are refused, each by its name, before anything is changed.

use charts::tools::Helm;
use testkit::services::names;

const MINIMAL: &str = "charts/countinghouse/ci/minimal-values.yaml";

/// A value, and what the refusal says of it.
const REFUSED: &[(&str, &[&str])] = &[
    ("accounting.replica=3", &["'replica'"]),
    ("accounting.replicas=0", &["/replicas", "minimum"]),
    ("accounting.replicas=two", &["/replicas", "got string, want integer"]),
    ("accounting.database.adress=postgres", &["/database", "'adress'"]),
    ("accounting.database.address=http://postgres/books", &["/database/address"]),
    ("accounting.database.tls.mode=verify", &["/database/tls/mode", "'verify-full'"]),
    ("accounting.database.password=hush", &["/database", "'password'"]),
    ("accounting.image.pullPolicy=Sometimes", &["/image/pullPolicy"]),
    ("accounting.image.digest=latest", &["/image/digest"]),
    ("accounting.probes.liveness.timeoutSeconds=1", &["/probes/liveness/timeoutSeconds"]),
    ("accounting.service.type=ExternalName", &["/service/type"]),
    ("accounting.resources.limits.gpu=1", &["/resources/limits", "'gpu'"]),
    ("accounting.settings.writer.queue_maxx=1", &["/settings/writer", "'queue_maxx'"]),
    ("accounting.settings.writer.queue_max=0", &["/settings/writer/queue_max", "minimum"]),
    ("accounting.settings.telemetry.trace_ratio=2", &["/settings/telemetry/trace_ratio", "maximum"]),
    // What follows from other values is none of its own.
    ("accounting.settings.rpc.listen=0.0.0.0:1", &["/settings/rpc", "'listen'"]),
    ("accounting.settings.database.url=postgres://a:b@c/d", &["/settings/database", "'url'"]),
    // Nothing secret among the settings, which anybody may read.
    ("accounting.settings.kafka.properties.sasl_password=hush", &["sasl_password"]),
    ("accounting.settings.kafka.properties.ssl_key_pem=hush", &["ssl_key_pem"]),
    ("global.kafka.brokers=kafka", &["/global/kafka/brokers"]),
    ("global.kafka.sasl.mechanism=GSSAPI", &["/global/kafka/sasl/mechanism"]),
    ("global.database.secret=one-for-all", &["/global/database", "'secret'"]),
    ("globals.database.address=postgres", &["'globals'"]),
    ("settlement.enabled=true", &["'settlement'"]),
    ("monitoring.serviceMonitor.intervalSeconds=1", &["/monitoring/serviceMonitor/intervalSeconds"]),
];

/// Wishes that do not go together, and what is said of them.
const TOGETHER: &[(&[&str], &str)] = &[
    (&["global.database.address="], "say where Postgres is: database.address, or global.database.address"),
    (&["global.kafka.brokers="], "say where Kafka is: kafka.brokers, or global.kafka.brokers"),
    (
        &["accounting.database.secret="],
        "name the Secret of the role that reads and writes rows: database.secret",
    ),
    (&["accounting.database.ownerSecret="], "database.ownerSecret; or set migrate.enabled=false"),
    (&["global.auth.jwks.url=https://a.example", "global.auth.jwks.secret=keys"], "only one of them"),
    (&["accounting.tls.secret=a", "global.tls.certManager.issuer=b"], "not both"),
];

#[test]
fn a_value_that_is_wrong_is_refused_by_its_name() {
    let helm = Helm::installed().unwrap();
    for (value, said) in REFUSED {
        let refusal = helm.refusal(&[MINIMAL], &["--set", value]).unwrap();
        for words in *said {
            assert!(refusal.contains(words), "{value}: {refusal}");
        }
    }
}

#[test]
fn what_an_install_cannot_do_without_is_asked_for() {
    let helm = Helm::installed().unwrap();
    for (values, said) in TOGETHER {
        let options: Vec<_> = values.iter().flat_map(|value| ["--set", value]).collect();
        let refusal = helm.refusal(&[MINIMAL], &options).unwrap();
        // What is wrong for all is said of whichever service comes first.
        let is_of_a_service = names().iter().any(|service| refusal.contains(&format!("{service}: ")));
        assert!(is_of_a_service && refusal.contains(said), "{values:?}: {refusal}");
    }
}

#[test]
fn a_service_that_is_not_wanted_is_not_there() {
    let helm = Helm::installed().unwrap();
    let switched_off: Vec<_> = names().iter().map(|service| format!("{service}.enabled=false")).collect();
    let options: Vec<_> = switched_off.iter().flat_map(|value| ["--set", value.as_str()]).collect();
    let rendered = helm.template(&[], &options).unwrap();
    assert!(!rendered.contains("kind:"), "{rendered}");
}

//! What the service records of itself: one posting is one trace, from the client to whoever takes its fact in, and docs/metrics.md says
//! which metrics there are.

use std::{
    collections::BTreeMap,
    env, fs,
    path::Path,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use accounting::service::Accounting;
use platform::{
    clock::SystemClock,
    config::Secret,
    consumer::{Consumer, HandleError, Handler},
    db::{self, DbConfig},
    facts::{Fact, KafkaConfig, Record},
    service::{self, Settings},
    telemetry::{self, TelemetryConfig},
};
use proto_common::Rpc;
use sqlx::PgConnection;
use testkit::{Collector, Metric, ReceivedSpan, TestDatabase, folder, harness::Person, wait_for};
use tokio_util::sync::CancellationToken;

use crate::{
    facts::{DELIVERIES, delivery, publish},
    support::{
        BOUND, BankFixture, Refused, Replica, credit, debit, own,
        people::{SUB_BRANCH, TELLER},
        post, signed, yuan,
    },
};

const POSTINGS: &str = "countinghouse.accounting.posting.v1";

/// Traces of clients: one that is kept, one that is not, and one of another service.
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const NOT_KEPT: &str = "0af7651916cd43dd8448eb211c80319c";
const ELSEWHERE: &str = "7c1c9e6b3b1f4c0c8f0e6d5a4b3c2d1e";

/// The spans of clients in them.
const CLIENT: &str = "00f067aa0ba902b7";

/// Where the reader, a process of its own, finds everything.
const ENDPOINT: &str = "TEST_READER_ENDPOINT";
const DATABASE_URL: &str = "TEST_READER_DATABASE_URL";
const BROKERS: &str = "TEST_READER_BROKERS";
const PREFIX: &str = "TEST_READER_PREFIX";

/// Within this every metric has been sent many times.
const RECORDED_WITHIN: Duration = Duration::from_secs(30);

/// Sends a request with a `traceparent`.
async fn traced<M: Rpc>(
    replica: &Replica,
    person: Person,
    request: M,
    (trace, flags): (&str, &str),
) -> Result<M::Response, Refused> {
    let mut request = signed(person, request);
    let traceparent = format!("00-{trace}-{CLIENT}-{flags}");
    request.metadata_mut().insert("traceparent", traceparent.parse().unwrap());
    testkit::send(replica.channel.clone(), request).await.map_err(Refused::from)
}

#[tokio::test(flavor = "multi_thread")]
async fn one_posting_is_one_trace_and_every_metric_is_in_the_documents() {
    let collector = Collector::serve().await;
    let mut bank = BankFixture::taking_in(testkit::kafka().await, &[DELIVERIES]).await;
    let replica = bank.replica_observed_by(&collector, &[DELIVERIES]).await;
    bank.harness().stop().await;
    bank.led_by(&replica).await;
    let marks = testkit::database(&service::migrator::<Accounting>()).await;
    let mut reader = reader(&bank, &collector, &marks);

    let cash = own(SUB_BRANCH, "100101");
    let request = |from: &str| {
        post(SUB_BRANCH, "TAKE_IN", [debit(from, yuan("1")), credit(&own(SUB_BRANCH, "2241"), yuan("1"))])
    };
    traced(&replica, TELLER, request(&cash), (NOT_KEPT, "00")).await.unwrap();
    let refused = traced(&replica, TELLER, request("accounts/1"), (NOT_KEPT, "00")).await.unwrap_err();
    assert!(!refused.is_transient(), "{refused:?}");
    traced(&replica, TELLER, request(&cash), (TRACE, "01")).await.unwrap();
    let spans = wait_for(BOUND, "the trace of the posting", async || whole(&collector, TRACE)).await;
    assert_eq!(
        paths(&spans),
        [
            "PostTransaction",
            "PostTransaction > process posting.v1",
            "PostTransaction > send posting.v1",
            "PostTransaction > write",
            "PostTransaction > write > batch",
            "PostTransaction > write > batch > append",
            "PostTransaction > write > batch > decide",
            "PostTransaction > write > batch > load",
        ]
    );
    let service =
        |name: &str| spans.iter().find(|span| named(span) == name).unwrap().resource["service.name"].clone();
    assert_eq!([service("send posting.v1"), service("process posting.v1")], ["accounting", "reader"]);

    let traceparent = Some(format!("00-{ELSEWHERE}-{CLIENT}-01"));
    publish(&bank, &[&Fact { traceparent, ..delivery(&bank, 1, "50.00") }]).await;
    let spans = wait_for(BOUND, "the trace of the fact", async || whole(&collector, ELSEWHERE)).await;
    assert_eq!(
        paths(&spans),
        [
            "process delivery.v1",
            "process delivery.v1 > process posting.v1",
            "process delivery.v1 > send posting.v1",
            "process delivery.v1 > write",
            "process delivery.v1 > write > batch",
            "process delivery.v1 > write > batch > append",
            "process delivery.v1 > write > batch > decide",
            "process delivery.v1 > write > batch > load",
        ]
    );
    assert!(collector.trace(NOT_KEPT).is_empty(), "what is not sampled costs no span");

    the_documents_name(&collector).await;
    drop(reader.stdin.take());
    assert!(tokio::task::spawn_blocking(move || reader.wait().unwrap()).await.unwrap().success());
}

/// The spans of a trace, once the reader has taken the posting's fact in.
fn whole(collector: &Collector, trace: &str) -> Option<Vec<ReceivedSpan>> {
    let spans = collector.trace(trace);
    let is_there = |name: &str| spans.iter().any(|span| named(span) == name);
    ["process posting.v1", "send posting.v1", "write", "append"]
        .iter()
        .all(|name| is_there(name))
        .then_some(spans.clone())
        .filter(|spans| {
            spans
                .iter()
                .all(|span| span.parent == CLIENT || spans.iter().any(|other| other.id == span.parent))
        })
}

/// A span's name, in short.
fn named(span: &ReceivedSpan) -> String {
    let short = |topic: &str| {
        topic.rsplitn(3, '.').take(2).collect::<Vec<_>>().into_iter().rev().collect::<Vec<_>>().join(".")
    };
    match span.name.split_once(' ') {
        Some((verb, topic)) => format!("{verb} {}", short(topic)),
        None => span.name.rsplit('/').next().unwrap_or_default().to_owned(),
    }
}

/// Each span with those above it, in the alphabet's order.
fn paths(spans: &[ReceivedSpan]) -> Vec<String> {
    let by_id: BTreeMap<&str, &ReceivedSpan> = spans.iter().map(|span| (span.id.as_str(), span)).collect();
    let path = |span: &ReceivedSpan| {
        let mut path = vec![named(span)];
        let mut above = by_id.get(span.parent.as_str());
        while let Some(span) = above {
            path.insert(0, named(span));
            above = by_id.get(span.parent.as_str());
        }
        path.join(" > ")
    };
    let mut paths: Vec<String> = spans.iter().map(path).collect();
    paths.sort();
    paths
}

/// The table of docs/metrics.md has each metric that is recorded, and no other.
async fn the_documents_name(collector: &Collector) {
    let documented = documented();
    let same = tokio::time::timeout(RECORDED_WITHIN, async {
        while table(&collector.metrics()) != documented {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    });
    if same.await.is_err() {
        let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("metrics.md");
        fs::write(&file, table(&collector.metrics())).unwrap();
        panic!("the tables of docs/metrics.md are not what is sent: take the rows from {}", file.display());
    }
}

/// The rows of docs/metrics.md that are about this service, in the order of their names.
fn documented() -> String {
    let text = fs::read_to_string(folder::workspace().join("docs/metrics.md")).unwrap();
    let sections = text.split("\n## ").filter(|section| {
        section.starts_with("Metrics of all services\n") || section.starts_with("Metrics of accounting\n")
    });
    let rows = sections.flat_map(str::lines).filter(|line| line.starts_with("| `"));
    let rows: BTreeMap<&str, &str> = rows.map(|row| (row.split('`').nth(1).unwrap(), row)).collect();
    rows.values().map(|row| format!("{row}\n")).collect()
}

fn table(metrics: &BTreeMap<String, Metric>) -> String {
    metrics.iter().map(|(name, metric)| metric.row(name) + "\n").collect()
}

/// A service that takes in the postings' facts, in a process of its own, since each process records for itself.
fn reader(bank: &BankFixture, collector: &Collector, marks: &TestDatabase) -> Child {
    let kafka = &bank.settings.kafka;
    Command::new(env::current_exe().unwrap())
        .args(["telemetry::reading_in_a_process_of_its_own", "--exact", "--ignored"])
        .env(ENDPOINT, collector.endpoint())
        .env(DATABASE_URL, &marks.dml_url)
        .env(BROKERS, &kafka.brokers)
        .env(PREFIX, &kafka.topic_prefix)
        .env("OTEL_BSP_SCHEDULE_DELAY", "100")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

struct Reader;

impl Handler for Reader {
    fn name(&self) -> &'static str {
        "reader"
    }

    fn topics(&self) -> Vec<String> {
        vec![POSTINGS.to_owned()]
    }

    async fn handle(&self, _: &mut PgConnection, _: &Record) -> Result<(), HandleError> {
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "not a test: the process that reads"]
async fn reading_in_a_process_of_its_own() {
    let variable = |name| env::var(name).expect("invariant: a test has started this process");
    let config = TelemetryConfig {
        log: "warn".to_owned(),
        otlp_endpoint: variable(ENDPOINT),
        trace_ratio: 0.0,
        // Only the metrics of accounting are looked at.
        metrics_every_ms: 3_600_000,
    };
    let guard = telemetry::init(&config, "reader", "tests").unwrap();
    let defaults = Settings::load::<Accounting>(None).unwrap().database;
    let database = DbConfig { url: Secret::new(variable(DATABASE_URL)), ..defaults };
    let kafka = KafkaConfig::plaintext(variable(BROKERS), variable(PREFIX));
    let pool = db::connect(&database).unwrap();
    let stop = CancellationToken::new();
    let consumer = Consumer::new(Reader, pool, kafka, "tests", Arc::new(SystemClock));
    let consumer = tokio::spawn(consumer.run(stop.clone()));
    let read = || std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
    tokio::task::spawn_blocking(read).await.unwrap().unwrap();
    stop.cancel();
    consumer.await.unwrap().unwrap();
    drop(guard);
}

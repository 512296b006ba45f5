//! Telemetry: what is recorded arrives at a collector, and a trace is carried in metadata and columns.

use std::{
    env,
    process::{Child, Command, Stdio},
};

use chrono::TimeDelta;
use http::HeaderMap;
use opentelemetry::trace::{TraceContextExt, TracerProvider};
use opentelemetry_sdk::trace::SdkTracerProvider;
use platform::{
    audit::Sealer,
    telemetry::{self, TelemetryConfig, TelemetryError},
};
use testkit::{Collector, wait_for};
use tokio_util::sync::CancellationToken;
use tonic::metadata::MetadataMap;
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::{Registry, layer::SubscriberExt};

use crate::support::bench::{self, BOUND, MIGRATOR, clock, now};

/// Where a process of a test's own finds the collector and the database.
const ENDPOINT: &str = "TEST_TELEMETRY_ENDPOINT";
const DATABASE_URL: &str = "TEST_TELEMETRY_DATABASE_URL";

const TRACEPARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
const PARENT: &str = "00f067aa0ba902b7";

fn process(name: &str, endpoint: &str, database_url: &str) -> Child {
    Command::new(env::current_exe().unwrap())
        .args([name, "--exact", "--ignored"])
        .env(ENDPOINT, endpoint)
        .env(DATABASE_URL, database_url)
        .env("OTEL_RESOURCE_ATTRIBUTES", "service.instance.id=drawer-1")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

fn config(endpoint: &str) -> TelemetryConfig {
    TelemetryConfig {
        // Traces do not depend on it.
        log: "warn".to_owned(),
        otlp_endpoint: endpoint.to_owned(),
        trace_ratio: 1.0,
        metrics_every_ms: 100,
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn spans_and_metrics_arrive_and_an_overdue_audit_record_is_a_gauge() {
    let database = testkit::database(&MIGRATOR).await;
    // A record that waits and that no sealer can seal, since it is not there.
    sqlx::query("INSERT INTO platform.audit_waiting VALUES (1, $1)")
        .bind(now() - TimeDelta::hours(1))
        .execute(&database.dml)
        .await
        .unwrap();
    let collector = Collector::serve().await;
    let recording = "telemetry::recording_in_a_process_of_its_own";
    let mut process = process(recording, collector.endpoint(), &database.dml_url);
    wait_for(BOUND, "the gauge", || async {
        collector.metrics().get("countinghouse.audit.overdue")?.values.contains(&1).then_some(())
    })
    .await;
    drop(process.stdin.take());
    let ended = tokio::task::spawn_blocking(move || process.wait().unwrap()).await.unwrap();
    assert!(ended.success());

    let spans = collector.trace(TRACE);
    let span =
        spans.iter().find(|span| span.name == "open drawer").expect("what was left is sent at the end");
    assert_eq!(span.parent, PARENT);
    let resource = |name: &str| span.resource.get(name).map(String::as_str);
    assert_eq!(resource("service.name"), Some("test service"));
    assert_eq!(resource("service.version"), Some("1.2.3"));
    assert_eq!(resource("service.namespace"), Some("countinghouse"));
    assert_eq!(resource("service.instance.id"), Some("drawer-1"), "the environment knows better");

    let spans = collector.spans();
    let named = |name: &str| spans.iter().find(|span| span.name == name).expect("it is sent too");
    let (one, other) = (named("close drawer"), named("count money"));
    assert_ne!(one.trace, other.trace);
    assert_eq!((&one.links[..], &other.links[..]), (&[other.id.clone()][..], &[one.id.clone()][..]));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "not a test: the process that records"]
async fn recording_in_a_process_of_its_own() {
    let variable = |name| env::var(name).expect("invariant: a test has started this process");
    let config = config(&variable(ENDPOINT));
    let guard = telemetry::init(&config, "test service", "1.2.3").unwrap();
    assert!(matches!(telemetry::init(&config, "test service", "1.2.3"), Err(TelemetryError::Twice(_))));
    let span = tracing::info_span!("open drawer");
    span.set_parent(telemetry::extract_traceparent(Some(TRACEPARENT))).unwrap();
    span.in_scope(|| tracing::info!("opened"));
    drop(span);
    telemetry::link(&tracing::info_span!("close drawer"), &tracing::info_span!("count money"));

    let stop = CancellationToken::new();
    let sealer = Sealer::new(bench::pool(&variable(DATABASE_URL)), clock());
    let sealer = tokio::spawn(sealer.run(stop.clone()));
    until_the_test_says_so().await;
    stop.cancel();
    sealer.await.unwrap().unwrap();
    drop(guard);
}

/// Until standard input is closed.
async fn until_the_test_says_so() {
    let read = || std::io::copy(&mut std::io::stdin(), &mut std::io::sink());
    tokio::task::spawn_blocking(read).await.unwrap().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_away_does_not_keep_a_process_from_ending() {
    let name = "telemetry::recording_for_nobody_in_a_process_of_its_own";
    let mut process = process(name, "http://127.0.0.1:1", "");
    let ended = tokio::task::spawn_blocking(move || {
        drop(process.stdin.take());
        process.wait().unwrap()
    });
    assert!(tokio::time::timeout(BOUND, ended).await.expect("it ends").unwrap().success());
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "not a test: the process that records for nobody"]
async fn recording_for_nobody_in_a_process_of_its_own() {
    let endpoint = env::var(ENDPOINT).expect("invariant: a test has started this process");
    let guard = telemetry::init(&config(&endpoint), "test service", "1.2.3").unwrap();
    tracing::info_span!("open drawer").in_scope(|| tracing::info!("opened"));
    opentelemetry::global::meter("test").u64_counter("drawers").build().add(1, &[]);
    drop(guard);
}

#[tokio::test]
async fn what_cannot_be_set_up_is_refused() {
    let bad_filter = TelemetryConfig { log: "platform=loud".to_owned(), ..config("") };
    assert!(matches!(telemetry::init(&bad_filter, "test", "1.2.3"), Err(TelemetryError::Filter(_))));
    let bad_endpoint = config("no endpoint");
    assert!(matches!(telemetry::init(&bad_endpoint, "test", "1.2.3"), Err(TelemetryError::Exporter(_))));
}

/// Runs `work` where spans are traced.
fn traced(work: impl FnOnce()) {
    let provider = SdkTracerProvider::builder().build();
    let layer = tracing_opentelemetry::layer().with_tracer(provider.tracer("test"));
    tracing::subscriber::with_default(Registry::default().with(layer), work);
}

#[test]
fn a_trace_goes_on_from_a_column_and_back_into_one() {
    traced(|| {
        let span = tracing::info_span!("publish");
        span.set_parent(telemetry::extract_traceparent(Some(TRACEPARENT))).unwrap();
        let column = telemetry::traceparent_of(&span).expect("it is traced");
        assert!(column.starts_with(&format!("00-{TRACE}-")), "{column}");
        assert_ne!(column, TRACEPARENT, "a span of its own");
        let span_id = span.context().span().span_context().span_id().to_string();
        assert!(column.contains(&span_id));
    });
}

#[test]
fn a_trace_is_kept_when_its_flags_say_so() {
    assert!(telemetry::is_sampled(Some(TRACEPARENT)));
    let flags = |flags: &str| format!("{}{flags}", TRACEPARENT.strip_suffix("01").unwrap());
    for (text, expected) in [("00", false), ("02", false), ("03", true), ("ff", true), ("0x", false)] {
        assert_eq!(telemetry::is_sampled(Some(&flags(text))), expected, "{text}");
    }
    assert!(!telemetry::is_sampled(Some("")) && !telemetry::is_sampled(None));
}

#[test]
fn a_trace_goes_on_from_call_to_call_in_the_metadata() {
    traced(|| {
        let mut headers = HeaderMap::new();
        headers.insert("traceparent", TRACEPARENT.parse().unwrap());
        let span = tracing::info_span!("call");
        span.set_parent(telemetry::extract(&headers)).unwrap();
        let mut metadata = MetadataMap::new();
        span.in_scope(|| telemetry::inject(&mut metadata));
        let sent = telemetry::extract(&metadata.into_headers());
        let sent = sent.span().span_context().clone();
        assert_eq!(sent.trace_id().to_string(), TRACE);
        assert_eq!(sent.span_id(), span.context().span().span_context().span_id());
        assert!(sent.is_remote() && sent.is_sampled());
    });
}

#[test]
fn what_is_not_traced_or_no_trace_has_no_context() {
    assert_eq!(telemetry::traceparent_of(&tracing::info_span!("untraced")), None);
    for text in
        [None, Some(""), Some("00-nonsense"), Some("00-00000000000000000000000000000000-00f067aa0ba902b7-01")]
    {
        assert!(!telemetry::extract_traceparent(text).span().span_context().is_valid(), "{text:?}");
    }
    assert!(!telemetry::extract(&HeaderMap::new()).span().span_context().is_valid());
    let mut metadata = MetadataMap::new();
    telemetry::inject(&mut metadata);
    assert!(metadata.is_empty());
}

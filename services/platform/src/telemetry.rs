//! Logs, traces and metrics. Logs are JSON lines on standard error. Traces and metrics go to an OpenTelemetry collector over
//! OTLP when an endpoint is configured. A trace is carried from call to call by W3C trace context, in headers and in columns.

use std::{collections::HashMap, process, time::Duration};

use http::HeaderMap;
use opentelemetry::{
    Context, KeyValue, global,
    propagation::{Extractor, Injector, TextMapPropagator},
    trace::{TraceContextExt, TracerProvider},
};
use opentelemetry_otlp::{ExporterBuildError, MetricExporter, SpanExporter, WithExportConfig};
use opentelemetry_sdk::{
    Resource,
    metrics::{PeriodicReader, SdkMeterProvider},
    propagation::TraceContextPropagator,
    resource::{EnvResourceDetector, TelemetryResourceDetector},
    trace::{Sampler, SdkTracerProvider},
};
use serde::{Deserialize, Serialize};
use tracing::{Span, level_filters::LevelFilter};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::{EnvFilter, Layer, Registry, layer::SubscriberExt, util::SubscriberInitExt};

/// How long the last export of spans and metrics may take.
const FLUSH_MAX: Duration = Duration::from_secs(5);

/// The namespace of all services, unless the environment says otherwise.
const NAMESPACE: &str = "countinghouse";

/// What is exported, and where to.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TelemetryConfig {
    /// Which logs: `info`, `platform=debug,info` ...
    pub log: String,
    /// OTLP endpoint of the collector, as `http://host:4317`; empty for none.
    pub otlp_endpoint: String,
    /// The part of traces that begin here which is kept, from 0 to 1; those begun elsewhere follow their beginning.
    pub trace_ratio: f64,
    /// How often metrics are sent.
    pub metrics_every_ms: u64,
}

/// Why telemetry could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    #[error("telemetry.log is not a filter")]
    Filter(#[from] tracing_subscriber::filter::ParseError),
    #[error("no exporter for telemetry.otlp_endpoint")]
    Exporter(#[from] ExporterBuildError),
    #[error("telemetry is set up already")]
    Twice(#[from] tracing_subscriber::util::TryInitError),
}

/// Sends what is left when dropped.
#[derive(Debug, Default)]
pub struct TelemetryGuard {
    traces: Option<SdkTracerProvider>,
    metrics: Option<SdkMeterProvider>,
}

impl Drop for TelemetryGuard {
    fn drop(&mut self) {
        // A collector that is away must not keep the process from ending, so its errors end here.
        if let Some(traces) = &self.traces {
            drop(traces.shutdown_with_timeout(FLUSH_MAX));
        }
        if let Some(metrics) = &self.metrics {
            drop(metrics.shutdown_with_timeout(FLUSH_MAX));
        }
    }
}

/// Sets up logs, traces and metrics for the process. Traces do not depend on which logs are wanted.
pub fn init(
    config: &TelemetryConfig,
    service: &'static str,
    version: &'static str,
) -> Result<TelemetryGuard, TelemetryError> {
    let filter = EnvFilter::try_new(&config.log)?;
    let logs = tracing_subscriber::fmt::layer().json().flatten_event(true).with_writer(std::io::stderr);
    let mut layers: Vec<Box<dyn Layer<Registry> + Send + Sync>> = vec![logs.with_filter(filter).boxed()];
    let mut guard = TelemetryGuard::default();
    if !config.otlp_endpoint.is_empty() {
        let resource = resource(service, version);
        let traces = traces(config, resource.clone())?;
        let spans = tracing_opentelemetry::layer().with_tracer(traces.tracer(service));
        layers.push(spans.with_filter(LevelFilter::INFO).boxed());
        guard = TelemetryGuard { traces: Some(traces), metrics: Some(metrics(config, resource)?) };
    }
    // Globals are set only once it is certain that they are not set already.
    tracing_subscriber::registry().with(layers).try_init()?;
    global::set_text_map_propagator(TraceContextPropagator::new());
    if let Some(metrics) = &guard.metrics {
        global::set_meter_provider(metrics.clone());
    }
    Ok(guard)
}

/// The resource that exports. What the environment says of it (`OTEL_RESOURCE_ATTRIBUTES`) takes precedence over what is set here:
/// the instance, which distinguishes replicas, is the host and the process, and a pod's host is named as the pod.
fn resource(service: &'static str, version: &'static str) -> Resource {
    let host = rustix::system::uname();
    let instance = format!("{}/{}", host.nodename().to_string_lossy(), process::id());
    Resource::builder_empty()
        .with_attributes([
            KeyValue::new("service.namespace", NAMESPACE),
            KeyValue::new("service.instance.id", instance),
        ])
        .with_detectors(&[Box::new(TelemetryResourceDetector), Box::new(EnvResourceDetector::new())])
        .with_attributes([KeyValue::new("service.name", service), KeyValue::new("service.version", version)])
        .build()
}

fn traces(config: &TelemetryConfig, resource: Resource) -> Result<SdkTracerProvider, TelemetryError> {
    let exporter = SpanExporter::builder().with_tonic().with_endpoint(&config.otlp_endpoint).build()?;
    Ok(SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(config.trace_ratio))))
        .with_resource(resource)
        .build())
}

fn metrics(config: &TelemetryConfig, resource: Resource) -> Result<SdkMeterProvider, TelemetryError> {
    let exporter = MetricExporter::builder().with_tonic().with_endpoint(&config.otlp_endpoint).build()?;
    let every = Duration::from_millis(config.metrics_every_ms);
    let reader = PeriodicReader::builder(exporter).with_interval(every).build();
    Ok(SdkMeterProvider::builder().with_reader(reader).with_resource(resource).build())
}

/// The trace context in the headers of a call; an empty one when there is none.
pub fn extract(headers: &HeaderMap) -> Context {
    TraceContextPropagator::new().extract(&Headers(headers))
}

/// The trace context in a `traceparent`, as columns and Kafka headers carry it.
pub fn extract_traceparent(traceparent: Option<&str>) -> Context {
    TraceContextPropagator::new().extract(&Traceparent(traceparent))
}

/// Whether the trace of a `traceparent` is kept, as its flags say. Cheap: it is called for each request.
pub fn is_sampled(traceparent: Option<&str>) -> bool {
    // The flags are the last two of its hexadecimal digits, and sampled is the lowest bit.
    let last = traceparent.and_then(|traceparent| traceparent.bytes().last());
    last.is_some_and(|digit| char::from(digit).to_digit(16).is_some_and(|flags| flags & 1 == 1))
}

/// Makes `span` a child of a `traceparent`, if there is one.
pub fn follow(span: &Span, traceparent: Option<&str>) {
    if traceparent.is_some() {
        // It fails only when tracing is off.
        drop(span.set_parent(extract_traceparent(traceparent)));
    }
}

/// Links two spans with each other, when neither is the parent of the other.
pub fn link(one: &Span, other: &Span) {
    let (context, other_context) = (one.context(), other.context());
    one.add_link(other_context.span().span_context().clone());
    other.add_link(context.span().span_context().clone());
}

/// The `traceparent` of a span; none when it is not traced.
pub fn traceparent_of(span: &Span) -> Option<String> {
    let context = span.context();
    if !context.span().span_context().is_valid() {
        return None;
    }
    let mut carrier = HashMap::new();
    TraceContextPropagator::new().inject_context(&context, &mut carrier);
    carrier.remove("traceparent")
}

/// Puts the current span's trace context into the metadata of a call.
pub fn inject(metadata: &mut tonic::metadata::MetadataMap) {
    TraceContextPropagator::new().inject_context(&Span::current().context(), &mut Metadata(metadata));
}

struct Headers<'a>(&'a HeaderMap);

impl Extractor for Headers<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(|value| value.to_str().ok())
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(http::HeaderName::as_str).collect()
    }
}

struct Traceparent<'a>(Option<&'a str>);

impl Extractor for Traceparent<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.filter(|_| key == "traceparent")
    }

    fn keys(&self) -> Vec<&str> {
        self.0.map(|_| "traceparent").into_iter().collect()
    }
}

struct Metadata<'a>(&'a mut tonic::metadata::MetadataMap);

impl Injector for Metadata<'_> {
    fn set(&mut self, key: &str, value: String) {
        if let (Ok(key), Ok(value)) =
            (key.parse::<tonic::metadata::MetadataKey<tonic::metadata::Ascii>>(), value.parse())
        {
            self.0.insert(key, value);
        }
    }
}

//! Logs, traces and metrics. Logs are JSON lines on standard error. Traces and metrics go to an OpenTelemetry collector over
//! OTLP when an endpoint is configured. A trace is carried from call to call by W3C trace context, in headers and in columns.

use std::{collections::HashMap, time::Duration};

use http::HeaderMap;
use opentelemetry::{
    Context, global,
    propagation::{Extractor, Injector, TextMapPropagator},
    trace::{TraceContextExt, TracerProvider},
};
use opentelemetry_otlp::{ExporterBuildError, MetricExporter, SpanExporter, WithExportConfig};
use opentelemetry_sdk::{
    Resource,
    metrics::SdkMeterProvider,
    propagation::TraceContextPropagator,
    trace::{Sampler, SdkTracerProvider},
};
use serde::{Deserialize, Serialize};
use tracing::Span;
use tracing_opentelemetry::OpenTelemetrySpanExt;
use tracing_subscriber::{EnvFilter, Layer, Registry, layer::SubscriberExt, util::SubscriberInitExt};

/// How long the last spans and metrics may take on their way out.
const FLUSH_MAX: Duration = Duration::from_secs(5);

/// What is told, and where.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TelemetryConfig {
    /// Which logs: `info`, `platform=debug,info` ...
    pub log: String,
    /// OTLP endpoint of the collector, as `http://host:4317`; empty for none.
    pub otlp_endpoint: String,
    /// The part of traces that begin here which is kept, from 0 to 1; those begun elsewhere follow their beginning.
    pub trace_ratio: f64,
}

/// Telemetry that cannot be set up.
#[derive(Debug, thiserror::Error)]
pub enum TelemetryError {
    #[error("telemetry.log is no filter")]
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

/// Sets up logs, traces and metrics for the process.
pub fn init(config: &TelemetryConfig, service: &'static str) -> Result<TelemetryGuard, TelemetryError> {
    let filter = EnvFilter::try_new(&config.log)?;
    let logs =
        tracing_subscriber::fmt::layer().json().flatten_event(true).with_writer(std::io::stderr).boxed();
    let mut layers: Vec<Box<dyn Layer<Registry> + Send + Sync>> = vec![logs];
    let mut guard = TelemetryGuard::default();
    if !config.otlp_endpoint.is_empty() {
        let resource = Resource::builder().with_service_name(service).build();
        let traces = traces(config, resource.clone())?;
        layers.push(tracing_opentelemetry::layer().with_tracer(traces.tracer(service)).boxed());
        let exporter = MetricExporter::builder().with_tonic().with_endpoint(&config.otlp_endpoint).build()?;
        let metrics =
            SdkMeterProvider::builder().with_periodic_exporter(exporter).with_resource(resource).build();
        guard = TelemetryGuard { traces: Some(traces), metrics: Some(metrics) };
    }
    // What is global is touched only once it is certain that nobody has set it up before.
    tracing_subscriber::registry().with(layers.with_filter(filter)).try_init()?;
    global::set_text_map_propagator(TraceContextPropagator::new());
    if let Some(metrics) = &guard.metrics {
        global::set_meter_provider(metrics.clone());
    }
    Ok(guard)
}

fn traces(config: &TelemetryConfig, resource: Resource) -> Result<SdkTracerProvider, TelemetryError> {
    let exporter = SpanExporter::builder().with_tonic().with_endpoint(&config.otlp_endpoint).build()?;
    Ok(SdkTracerProvider::builder()
        .with_batch_exporter(exporter)
        .with_sampler(Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(config.trace_ratio))))
        .with_resource(resource)
        .build())
}

/// The trace context in the headers of a call; an empty one when there is none.
pub fn extract(headers: &HeaderMap) -> Context {
    TraceContextPropagator::new().extract(&Headers(headers))
}

/// The trace context in a `traceparent`, as columns and Kafka headers carry it.
pub fn extract_traceparent(traceparent: Option<&str>) -> Context {
    let carrier: HashMap<String, String> =
        traceparent.map(|value| ("traceparent".to_owned(), value.to_owned())).into_iter().collect();
    TraceContextPropagator::new().extract(&carrier)
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

/// Puts the present span's trace context into the metadata of a call.
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

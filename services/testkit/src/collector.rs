//! A collector of traces and metrics (OTLP) that keeps what it receives.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use opentelemetry_proto::tonic::{
    collector::{
        metrics::v1::{
            ExportMetricsServiceRequest, ExportMetricsServiceResponse,
            metrics_service_server::{MetricsService, MetricsServiceServer},
        },
        trace::v1::{
            ExportTraceServiceRequest, ExportTraceServiceResponse,
            trace_service_server::{TraceService, TraceServiceServer},
        },
    },
    common::v1::{KeyValue, any_value::Value},
    metrics::v1::{self as otlp, metric::Data, number_data_point},
    trace::v1::Span,
};
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tonic::{Request, Response, Status, transport::Server};

/// A collector, which listens for as long as the runtime lives.
#[derive(Clone)]
pub struct Collector {
    endpoint: String,
    received: Arc<Mutex<Received>>,
}

#[derive(Default)]
struct Received {
    spans: Vec<ReceivedSpan>,
    metrics: BTreeMap<String, Metric>,
}

/// A span that was received.
#[derive(Clone, Debug)]
pub struct ReceivedSpan {
    /// The attributes of the sender.
    pub resource: BTreeMap<String, String>,
    pub name: String,
    /// Hexadecimal digits, as in a `traceparent`.
    pub trace: String,
    pub id: String,
    pub parent: String,
    /// The spans that it is linked with.
    pub links: Vec<String>,
    pub attributes: BTreeMap<String, String>,
}

/// A metric that was received.
#[derive(Clone, Debug, PartialEq)]
pub struct Metric {
    pub kind: Kind,
    pub unit: String,
    pub description: String,
    /// The names of its attributes, and which values each has had.
    pub attributes: BTreeMap<String, BTreeSet<String>>,
    /// Whole numbers that it has been.
    pub values: Vec<i64>,
}

/// What sort of metric it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Counter,
    UpDownCounter,
    Gauge,
    Histogram,
}

impl Collector {
    /// Begins to listen.
    pub async fn serve() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port of the loopback address");
        let address = listener.local_addr().expect("invariant: it listens");
        let collector = Self { endpoint: format!("http://{address}"), received: Arc::default() };
        let server = Server::builder()
            .add_service(TraceServiceServer::new(collector.clone()))
            .add_service(MetricsServiceServer::new(collector.clone()));
        tokio::spawn(server.serve_with_incoming(TcpListenerStream::new(listener)));
        collector
    }

    /// The settings of a service that sends here.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// The spans that have arrived.
    pub fn spans(&self) -> Vec<ReceivedSpan> {
        self.received().spans.clone()
    }

    /// The spans of a trace that have arrived.
    pub fn trace(&self, trace: &str) -> Vec<ReceivedSpan> {
        self.received().spans.iter().filter(|span| span.trace == trace).cloned().collect()
    }

    /// The metrics that have arrived, by name.
    pub fn metrics(&self) -> BTreeMap<String, Metric> {
        self.received().metrics.clone()
    }

    fn received(&self) -> MutexGuard<'_, Received> {
        self.received.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[tonic::async_trait]
impl TraceService for Collector {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        for of_resource in request.into_inner().resource_spans {
            let resource = texts(&of_resource.resource.unwrap_or_default().attributes);
            let spans = of_resource.scope_spans.into_iter().flat_map(|scope| scope.spans);
            self.received().spans.extend(spans.map(|span| ReceivedSpan::of(&resource, span)));
        }
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

#[tonic::async_trait]
impl MetricsService for Collector {
    async fn export(
        &self,
        request: Request<ExportMetricsServiceRequest>,
    ) -> Result<Response<ExportMetricsServiceResponse>, Status> {
        let resources = request.into_inner().resource_metrics.into_iter();
        let metrics = resources.flat_map(|resource| resource.scope_metrics).flat_map(|scope| scope.metrics);
        let mut received = self.received();
        for metric in metrics {
            let Some(fresh) = Metric::of(&metric) else { continue };
            let known = received
                .metrics
                .entry(metric.name)
                .or_insert_with(|| Metric { values: Vec::new(), ..fresh.clone() });
            known.values.extend(fresh.values);
            for (name, values) in fresh.attributes {
                known.attributes.entry(name).or_default().extend(values);
            }
        }
        Ok(Response::new(ExportMetricsServiceResponse::default()))
    }
}

impl ReceivedSpan {
    fn of(resource: &BTreeMap<String, String>, span: Span) -> Self {
        Self {
            resource: resource.clone(),
            trace: hex(&span.trace_id),
            id: hex(&span.span_id),
            parent: hex(&span.parent_span_id),
            links: span.links.iter().map(|link| hex(&link.span_id)).collect(),
            attributes: texts(&span.attributes),
            name: span.name,
        }
    }
}

impl Metric {
    fn of(metric: &otlp::Metric) -> Option<Self> {
        let (kind, attributes, values) = match metric.data.as_ref()? {
            Data::Gauge(gauge) => (Kind::Gauge, numbers(&gauge.data_points), whole(&gauge.data_points)),
            Data::Sum(sum) => {
                let kind = if sum.is_monotonic { Kind::Counter } else { Kind::UpDownCounter };
                (kind, numbers(&sum.data_points), whole(&sum.data_points))
            }
            Data::Histogram(histogram) => {
                let points = histogram.data_points.iter().map(|point| texts(&point.attributes));
                (Kind::Histogram, union(points), Vec::new())
            }
            Data::ExponentialHistogram(_) | Data::Summary(_) => return None,
        };
        Some(Self {
            kind,
            unit: metric.unit.clone(),
            description: metric.description.clone(),
            attributes,
            values,
        })
    }

    /// The row of docs/metrics.md about this metric.
    pub fn row(&self, name: &str) -> String {
        let Metric { kind, unit, description, attributes, .. } = self;
        let kind = match kind {
            Kind::Counter => "counter",
            Kind::UpDownCounter => "up-down counter",
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
        };
        let attributes: Vec<String> = attributes.keys().map(|name| format!("`{name}`")).collect();
        let (prometheus, attributes) = (self.prometheus_name(name), attributes.join(", "));
        format!("| `{name}` | `{prometheus}` | {kind} | {unit} | {attributes} | {description} |")
    }

    /// What this metric is called by Prometheus when it comes through an OpenTelemetry collector, whose exporter writes `_` for `.`,
    /// puts the unit behind the name unless it is an annotation in braces, and `_total` behind a counter.
    pub fn prometheus_name(&self, name: &str) -> String {
        let mut name = name.replace(['.', '-'], "_");
        let unit = match self.unit.as_str() {
            "s" => "seconds",
            "ms" => "milliseconds",
            "By" => "bytes",
            "1" if self.kind == Kind::Gauge => "ratio",
            _ => "",
        };
        if !unit.is_empty() && !name.split('_').any(|part| part == unit) {
            name = format!("{name}_{unit}");
        }
        if self.kind == Kind::Counter { format!("{name}_total") } else { name }
    }
}

fn numbers(points: &[otlp::NumberDataPoint]) -> BTreeMap<String, BTreeSet<String>> {
    union(points.iter().map(|point| texts(&point.attributes)))
}

fn whole(points: &[otlp::NumberDataPoint]) -> Vec<i64> {
    let values = points.iter().filter_map(|point| match point.value {
        Some(number_data_point::Value::AsInt(value)) => Some(value),
        _ => None,
    });
    values.collect()
}

fn union(points: impl Iterator<Item = BTreeMap<String, String>>) -> BTreeMap<String, BTreeSet<String>> {
    let mut union: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for (name, value) in points.flatten() {
        union.entry(name).or_default().insert(value);
    }
    union
}

/// Attributes as texts; only texts, numbers and booleans are kept.
fn texts(attributes: &[KeyValue]) -> BTreeMap<String, String> {
    let text = |attribute: &KeyValue| {
        let value = match attribute.value.as_ref()?.value.as_ref()? {
            Value::StringValue(text) => text.clone(),
            Value::BoolValue(truth) => truth.to_string(),
            Value::IntValue(number) => number.to_string(),
            _ => return None,
        };
        Some((attribute.key.clone(), value))
    };
    attributes.iter().filter_map(text).collect()
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

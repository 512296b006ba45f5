//! What is recorded of each call: a span, a duration, the reason of a refusal, a correlation id.

use std::time::Instant;

use http::{HeaderMap, HeaderName, HeaderValue, Response};
use opentelemetry::{
    KeyValue, global,
    metrics::{Counter, Histogram},
};
use tonic::{Code, Status, body::Body};
use tracing::{Span, field::Empty};
use tracing_opentelemetry::OpenTelemetrySpanExt;
use uuid::Uuid;

use crate::{
    call::{code_name, reason_of},
    ids::SharedIds,
    telemetry,
};

/// Carries the id that a call is found by in logs, traces, the audit and facts.
pub const CORRELATION_HEADER: HeaderName = HeaderName::from_static("x-correlation-id");

/// Carries the W3C trace context.
pub const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// Marks a call that was forwarded already. It is not forwarded again.
pub const FORWARDED_HEADER: HeaderName = HeaderName::from_static("x-countinghouse-forwarded");

/// The label of unknown methods, so that callers cannot create new series.
const NO_METHOD: &str = "_OTHER";

/// Seconds; the buckets that OpenTelemetry advises for rpcs, and finer ones below them.
const BUCKETS: &[f64] =
    &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0];

/// The metrics of a server.
#[derive(Debug)]
pub struct Metrics {
    duration: Histogram<f64>,
    refusals: Counter<u64>,
    ids: SharedIds,
}

/// A call as telemetry sees it.
#[derive(Clone, Debug)]
pub struct Observed {
    pub span: Span,
    pub correlation_id: Uuid,
    /// W3C trace context: of the span when it is traced, else the caller's.
    pub traceparent: Option<String>,
    began: Instant,
    method: String,
    /// Another replica has passed it on, and counts it too.
    is_forwarded: bool,
}

impl Metrics {
    pub fn new(ids: SharedIds) -> Self {
        let meter = global::meter("countinghouse.rpc");
        Self {
            duration: meter
                .f64_histogram("rpc.server.call.duration")
                .with_unit("s")
                .with_description("how long calls take")
                .with_boundaries(BUCKETS.to_vec())
                .build(),
            refusals: meter
                .u64_counter("countinghouse.rpc.refusals")
                .with_unit("{call}")
                .with_description("calls that were not done, by reason")
                .build(),
            ids,
        }
    }

    /// A call begins; `method` is none for one that the server does not have.
    pub fn begin(&self, method: Option<&str>, headers: &HeaderMap) -> Observed {
        let method = method.unwrap_or(NO_METHOD);
        let correlation_id = headers
            .get(CORRELATION_HEADER)
            .and_then(|id| Uuid::try_parse_ascii(id.as_bytes()).ok())
            .filter(|id| !id.is_nil())
            .unwrap_or_else(|| self.ids.next());
        let span = tracing::info_span!(
            "rpc",
            otel.name = method,
            otel.kind = "server",
            otel.status_code = Empty,
            rpc.system.name = "grpc",
            rpc.method = method,
            %correlation_id,
        );
        let given = headers.get(TRACEPARENT);
        if given.is_some() {
            // It fails only when tracing is off.
            drop(span.set_parent(telemetry::extract(headers)));
        }
        let traceparent = telemetry::traceparent_of(&span)
            .or_else(|| given.and_then(|given| given.to_str().ok()).map(str::to_owned));
        let is_forwarded = headers.contains_key(FORWARDED_HEADER);
        Observed {
            span,
            correlation_id,
            traceparent,
            began: Instant::now(),
            method: method.to_owned(),
            is_forwarded,
        }
    }

    /// A call has been answered.
    pub fn end(&self, call: &Observed, response: &mut Response<Body>) {
        if let Ok(id) = HeaderValue::try_from(call.correlation_id.to_string()) {
            response.headers_mut().insert(CORRELATION_HEADER, id);
        }
        let status = Status::from_header_map(response.headers());
        let code = status.as_ref().map_or(Code::Ok, Status::code);
        let is_fault = matches!(
            code,
            Code::Unknown | Code::DeadlineExceeded | Code::Internal | Code::Unavailable | Code::DataLoss
        );
        if is_fault {
            call.span.record("otel.status_code", "ERROR");
        }
        call.span.set_attribute("rpc.response.status_code", code_name(code));
        let mut labels = vec![
            KeyValue::new("rpc.system.name", "grpc"),
            KeyValue::new("rpc.method", call.method.clone()),
            KeyValue::new("rpc.response.status_code", code_name(code)),
            KeyValue::new("forwarded", call.is_forwarded),
        ];
        self.duration.record(call.began.elapsed().as_secs_f64(), &labels);
        if let Some(status) = status.filter(|_| code != Code::Ok) {
            let reason = reason_of(&status).unwrap_or_else(|| code_name(code).to_owned());
            tracing::debug!(parent: &call.span, reason, message = status.message(), "not done");
            labels.push(KeyValue::new("reason", reason));
            self.refusals.add(1, &labels);
        }
    }
}

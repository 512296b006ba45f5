//! The writer's telemetry: metrics of each batch, and the spans of requests that are traced.
//!
//! A request that is traced waits and is written in a span of its own. Its batch is a span in the trace of the first such request,
//! and linked with those of the others. A batch without a traced request has no span.

use std::time::{Duration, Instant};

use opentelemetry::{
    KeyValue, global,
    metrics::{Counter, Gauge, Histogram},
};
use platform::telemetry;
use tokio::sync::mpsc;
use tracing::Span;

use super::{Job, Submission};

const METER: &str = "countinghouse.writer";

/// Commands in a batch.
const SIZES: &[f64] = &[1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0, 512.0, 1_024.0];

/// Seconds that a step takes: some microseconds to decide, and up to the statement's time-out to append.
const TIMES: &[f64] =
    &[0.000_1, 0.000_25, 0.000_5, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0];

/// The steps of a batch.
#[derive(Clone, Copy, Debug)]
pub(super) enum Step {
    Load,
    Decide,
    Append,
}

/// The metrics of the writer.
#[derive(Clone, Debug)]
pub struct Metrics {
    batch_size: Histogram<u64>,
    step_duration: Histogram<f64>,
    postings: Counter<u64>,
    leads: Gauge<u64>,
    takeovers: Counter<u64>,
}

impl Default for Metrics {
    fn default() -> Self {
        let meter = global::meter(METER);
        let metrics = Self {
            batch_size: meter
                .u64_histogram("countinghouse.writer.batch.size")
                .with_unit("{command}")
                .with_description("commands in a batch")
                .with_boundaries(SIZES.to_vec())
                .build(),
            step_duration: meter
                .f64_histogram("countinghouse.writer.step.duration")
                .with_unit("s")
                .with_description("how long a batch takes to load, to decide and to append")
                .with_boundaries(TIMES.to_vec())
                .build(),
            postings: meter
                .u64_counter("countinghouse.writer.postings")
                .with_unit("{posting}")
                .with_description("postings that were written")
                .build(),
            leads: meter
                .u64_gauge("countinghouse.writer.leads")
                .with_description("1 where this replica writes the book, else 0")
                .build(),
            takeovers: meter
                .u64_counter("countinghouse.writer.takeovers")
                .with_unit("{takeover}")
                .with_description("times that this replica became the writer")
                .build(),
        };
        // Counters start at zero, so that their first increase can be seen.
        metrics.postings.add(0, &[]);
        metrics.takeovers.add(0, &[]);
        metrics.leads.record(0, &[]);
        metrics
    }
}

impl Metrics {
    /// This replica writes the book from here on.
    pub(super) fn leads(&self) {
        self.leads.record(1, &[]);
        self.takeovers.add(1, &[]);
    }

    /// It writes no longer.
    pub(super) fn steps_down(&self) {
        self.leads.record(0, &[]);
    }

    /// A batch begins. The span is none when nobody traces any of its requests.
    pub(super) fn batch(&self, jobs: &[Job]) -> Span {
        self.batch_size.record(u64::try_from(jobs.len()).unwrap_or(u64::MAX), &[]);
        let mut traced = jobs.iter().map(|job| &job.span).filter(|span| !span.is_disabled());
        let Some(first) = traced.next() else { return Span::none() };
        let span = tracing::info_span!(parent: first, "batch", commands = jobs.len());
        traced.for_each(|other| telemetry::link(&span, other));
        span
    }

    /// A step of the batch of `batch` begins; the span is none when nobody traces it.
    pub(super) fn step(&self, step: Step, batch: &Span) -> (Stopwatch<'_>, Span) {
        let span = match step {
            _ if batch.is_disabled() => Span::none(),
            Step::Load => tracing::info_span!(parent: batch, "load"),
            Step::Decide => tracing::info_span!(parent: batch, "decide"),
            Step::Append => tracing::info_span!(parent: batch, "append"),
        };
        (Stopwatch { metrics: self, step, began: Instant::now() }, span)
    }

    /// So many postings were written.
    pub(super) fn written(&self, postings: usize) {
        self.postings.add(u64::try_from(postings).unwrap_or(u64::MAX), &[]);
    }

    fn took(&self, step: Step, time: Duration) {
        let name = match step {
            Step::Load => "load",
            Step::Decide => "decide",
            Step::Append => "append",
        };
        self.step_duration.record(time.as_secs_f64(), &[KeyValue::new("step", name)]);
    }
}

/// Measures a step until it is dropped.
pub(super) struct Stopwatch<'a> {
    metrics: &'a Metrics,
    step: Step,
    began: Instant,
}

impl Drop for Stopwatch<'_> {
    fn drop(&mut self) {
        self.metrics.took(self.step, self.began.elapsed());
    }
}

/// The span of a request while it waits and is written; none when nobody traces it.
pub(super) fn waiting(submission: &Submission) -> Span {
    if telemetry::is_sampled(submission.command.origin.traceparent.as_deref()) {
        tracing::info_span!("write", rpc = &*submission.method)
    } else {
        Span::none()
    }
}

/// Reports how many commands wait in a queue, for as long as the queue exists.
pub(super) fn observe(queue: &mpsc::Sender<Job>) {
    let meter = global::meter(METER);
    let (weak, max) = (queue.downgrade(), queue.max_capacity());
    meter
        .u64_observable_gauge("countinghouse.writer.queue.depth")
        .with_unit("{command}")
        .with_description("commands that wait for the writer")
        .with_callback(move |observer| {
            let Some(queue) = weak.upgrade() else { return };
            let depth = queue.max_capacity() - queue.capacity();
            observer.observe(u64::try_from(depth).unwrap_or(u64::MAX), &[]);
        })
        .build();
    let max = u64::try_from(max).unwrap_or(u64::MAX);
    meter
        .u64_observable_gauge("countinghouse.writer.queue.depth_max")
        .with_unit("{command}")
        .with_description("commands that may wait")
        .with_callback(move |observer| observer.observe(max, &[]))
        .build();
}

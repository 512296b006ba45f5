//! The metrics of the relay.

use chrono::{DateTime, Utc};
use opentelemetry::{
    KeyValue, global,
    metrics::{Counter, Gauge},
};

use super::source::Backlog;

/// The metrics of one source's relay.
pub struct Gauges {
    lag: Gauge<f64>,
    backlog: Gauge<i64>,
    published: Counter<u64>,
    failures: Counter<u64>,
    source: [KeyValue; 1],
}

impl Gauges {
    pub fn new(source: &str) -> Gauges {
        let meter = global::meter("countinghouse.relay");
        let gauges = Gauges {
            lag: meter
                .f64_gauge("countinghouse.relay.lag")
                .with_unit("s")
                .with_description("age of the oldest fact that is not published")
                .build(),
            backlog: meter
                .i64_gauge("countinghouse.relay.backlog")
                .with_unit("{fact}")
                .with_description("facts that are not published")
                .build(),
            published: meter
                .u64_counter("countinghouse.relay.published")
                .with_unit("{fact}")
                .with_description("facts that the broker has acknowledged")
                .build(),
            failures: meter
                .u64_counter("countinghouse.relay.failures")
                .with_description("times that publishing had to begin again from the cursor")
                .build(),
            source: [KeyValue::new("source", source.to_owned())],
        };
        // Counters start at zero: an increase shows only on a series that was there before it.
        gauges.published.add(0, &gauges.source);
        gauges.failures.add(0, &gauges.source);
        gauges.idle();
        gauges
    }

    /// Another replica publishes and measures now: the values measured here are out of date.
    pub fn idle(&self) {
        self.lag.record(0.0, &self.source);
        self.backlog.record(0, &self.source);
    }

    pub fn backlog(&self, backlog: &Backlog, now: DateTime<Utc>) {
        let lag = backlog.oldest.map_or(0.0, |oldest| (now - oldest).as_seconds_f64().max(0.0));
        self.lag.record(lag, &self.source);
        self.backlog.record(backlog.facts, &self.source);
    }

    pub fn published(&self, facts: u64) {
        self.published.add(facts, &self.source);
    }

    pub fn failed(&self) {
        self.failures.add(1, &self.source);
    }
}

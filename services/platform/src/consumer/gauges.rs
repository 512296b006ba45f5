//! The metrics of a consumer.

use std::time::Duration;

use chrono::{DateTime, Utc};
use opentelemetry::{
    KeyValue, global,
    metrics::{Counter, Gauge, Histogram},
};

/// Seconds from a fact's time until it is taken in: at once when all is well, hours when a service was away.
const DELAYS: &[f64] =
    &[0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0, 3_600.0, 14_400.0];

/// Seconds that a handler takes for one fact.
const WORK: &[f64] = &[0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0];

/// The metrics of one handler.
pub struct Gauges {
    handled: Counter<u64>,
    duplicates: Counter<u64>,
    retries: Counter<u64>,
    dead_letters: Counter<u64>,
    delay: Histogram<f64>,
    work: Histogram<f64>,
    lag: Gauge<i64>,
    handler: [KeyValue; 1],
    process: [KeyValue; 3],
}

impl Gauges {
    pub fn new(handler: &str) -> Gauges {
        let meter = global::meter("countinghouse.consumer");
        let counter = |name: &'static str, description: &'static str| {
            meter.u64_counter(name).with_unit("{fact}").with_description(description).build()
        };
        let gauges = Gauges {
            handled: counter("countinghouse.consumer.handled", "facts taken in"),
            duplicates: counter("countinghouse.consumer.duplicates", "facts that had been taken in before"),
            retries: counter("countinghouse.consumer.retries", "facts that failed for now"),
            dead_letters: counter("countinghouse.consumer.dead_letters", "records refused permanently"),
            delay: meter
                .f64_histogram("countinghouse.consumer.delay")
                .with_unit("s")
                .with_description("from a fact's time until it is taken in")
                .with_boundaries(DELAYS.to_vec())
                .build(),
            work: meter
                .f64_histogram("messaging.process.duration")
                .with_unit("s")
                .with_description("how long the handler takes over a fact")
                .with_boundaries(WORK.to_vec())
                .build(),
            lag: meter
                .i64_gauge("countinghouse.consumer.lag")
                .with_unit("{record}")
                .with_description(
                    "records on the topic that are not taken in, in the partitions of this replica",
                )
                .build(),
            handler: [KeyValue::new("handler", handler.to_owned())],
            process: [
                KeyValue::new("messaging.system", "kafka"),
                KeyValue::new("messaging.operation.name", "process"),
                KeyValue::new("handler", handler.to_owned()),
            ],
        };
        // Counters start at zero: an increase shows only on a series that was there before it.
        for counter in [&gauges.handled, &gauges.duplicates, &gauges.retries, &gauges.dead_letters] {
            counter.add(0, &gauges.handler);
        }
        gauges
    }

    /// The handler has worked on a fact.
    pub fn worked(&self, took: Duration) {
        self.work.record(took.as_secs_f64(), &self.process);
    }

    /// How many records of a topic wait.
    pub fn lag(&self, topic: &str, records: i64) {
        let [handler] = &self.handler;
        self.lag.record(records, &[handler.clone(), KeyValue::new("topic", topic.to_owned())]);
    }

    pub fn handled(&self, recorded_at: DateTime<Utc>, now: DateTime<Utc>) {
        self.handled.add(1, &self.handler);
        self.delay.record((now - recorded_at).as_seconds_f64().max(0.0), &self.handler);
    }

    pub fn duplicates(&self, facts: usize) {
        self.duplicates.add(u64::try_from(facts).unwrap_or(u64::MAX), &self.handler);
    }

    pub fn retried(&self) {
        self.retries.add(1, &self.handler);
    }

    pub fn dead_letter(&self) {
        self.dead_letters.add(1, &self.handler);
    }
}

//! What a consumer tells about itself.

use chrono::{DateTime, Utc};
use opentelemetry::{
    KeyValue, global,
    metrics::{Counter, Histogram},
};

/// The metrics of one handler.
pub struct Gauges {
    handled: Counter<u64>,
    duplicates: Counter<u64>,
    retries: Counter<u64>,
    dead_letters: Counter<u64>,
    delay: Histogram<f64>,
    handler: [KeyValue; 1],
}

impl Gauges {
    pub fn new(handler: &str) -> Gauges {
        let meter = global::meter("countinghouse.consumer");
        let counter = |name: &'static str, description: &'static str| {
            meter.u64_counter(name).with_unit("{fact}").with_description(description).build()
        };
        Gauges {
            handled: counter("countinghouse.consumer.handled", "facts taken in"),
            duplicates: counter("countinghouse.consumer.duplicates", "facts that had been taken in before"),
            retries: counter("countinghouse.consumer.retries", "facts that failed for now"),
            dead_letters: counter("countinghouse.consumer.dead_letters", "records refused for good"),
            delay: meter
                .f64_histogram("countinghouse.consumer.delay")
                .with_unit("s")
                .with_description("from a fact's time until it is taken in")
                .build(),
            handler: [KeyValue::new("handler", handler.to_owned())],
        }
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

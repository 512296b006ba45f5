//! The metrics of the sealer.

use chrono::{DateTime, Utc};
use opentelemetry::{
    global,
    metrics::{Counter, Gauge},
};

/// Records that are not sealed.
#[derive(Debug, Default)]
pub struct Unsealed {
    /// Those that are overdue.
    pub overdue: i64,
    /// When the oldest was made.
    pub oldest: Option<DateTime<Utc>>,
}

/// The metrics of a service's sealer.
pub struct Gauges {
    overdue: Gauge<i64>,
    lag: Gauge<f64>,
    sealed: Counter<u64>,
    failures: Counter<u64>,
}

impl Gauges {
    pub fn new() -> Gauges {
        let meter = global::meter("countinghouse.audit");
        let gauges = Gauges {
            overdue: meter
                .i64_gauge("countinghouse.audit.overdue")
                .with_unit("{record}")
                .with_description("records that should have been sealed by now")
                .build(),
            lag: meter
                .f64_gauge("countinghouse.audit.lag")
                .with_unit("s")
                .with_description("age of the oldest record that is not sealed")
                .build(),
            sealed: meter
                .u64_counter("countinghouse.audit.sealed")
                .with_unit("{record}")
                .with_description("records that were sealed")
                .build(),
            failures: meter
                .u64_counter("countinghouse.audit.failures")
                .with_description("times that sealing failed and began again")
                .build(),
        };
        // Counters start at zero: an increase shows only on a series that was there before it.
        gauges.sealed.add(0, &[]);
        gauges.failures.add(0, &[]);
        gauges.idle();
        gauges
    }

    /// Another replica seals and measures now: the values measured here are out of date.
    pub fn idle(&self) {
        self.overdue.record(0, &[]);
        self.lag.record(0.0, &[]);
    }

    pub fn unsealed(&self, unsealed: &Unsealed, now: DateTime<Utc>) {
        let lag = unsealed.oldest.map_or(0.0, |oldest| (now - oldest).as_seconds_f64().max(0.0));
        self.overdue.record(unsealed.overdue, &[]);
        self.lag.record(lag, &[]);
    }

    pub fn sealed(&self, rows: u64) {
        self.sealed.add(rows, &[]);
    }

    pub fn failed(&self) {
        self.failures.add(1, &[]);
    }
}

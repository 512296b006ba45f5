use std::{
    sync::atomic::{AtomicI64, Ordering},
    time::Duration,
};

use chrono::{DateTime, TimeDelta, Utc};
use platform::clock::{Clock, SystemClock};

/// A clock that goes on by itself and can be moved.
#[derive(Debug, Default)]
pub struct MovableClock {
    ahead_ms: AtomicI64,
}

impl MovableClock {
    pub fn advance(&self, by: Duration) {
        self.ahead_ms.fetch_add(millis(by), Ordering::SeqCst);
    }

    /// Puts it back, as a correction of the system's clock does.
    pub fn put_back(&self, by: Duration) {
        self.ahead_ms.fetch_sub(millis(by), Ordering::SeqCst);
    }
}

impl Clock for MovableClock {
    fn now(&self) -> DateTime<Utc> {
        SystemClock.now() + TimeDelta::milliseconds(self.ahead_ms.load(Ordering::SeqCst))
    }
}

fn millis(by: Duration) -> i64 {
    i64::try_from(by.as_millis()).expect("a test moves its clock by less than an age")
}

//! How long to wait before the next try of something that failed: longer each time, up to a bound, and never the same for
//! two processes that failed together.

use std::time::Duration;

use rand::Rng;

/// Waits that double from `least` to `most`, each shortened by up to half at random.
#[derive(Debug, Clone)]
pub struct Backoff {
    least: Duration,
    most: Duration,
    next: Duration,
}

impl Backoff {
    /// Begins with about `least`, and never waits longer than `most`.
    pub const fn new(least: Duration, most: Duration) -> Backoff {
        Backoff { least, most, next: least }
    }

    /// How long to wait now. The next wait is twice as long.
    pub fn wait(&mut self) -> Duration {
        let wait = self.next.mul_f64(rand::rng().random_range(0.5..=1.0));
        self.next = self.next.saturating_mul(2).min(self.most);
        wait
    }

    /// The last try succeeded: begin again with the shortest wait.
    pub const fn reset(&mut self) {
        self.next = self.least;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_to_its_bound_and_begins_again_after_a_success() {
        let (least, most) = (Duration::from_millis(100), Duration::from_millis(450));
        let mut backoff = Backoff::new(least, most);
        for whole in [100, 200, 400, 450, 450] {
            let wait = backoff.wait();
            assert!(wait <= Duration::from_millis(whole), "{wait:?} is over {whole} ms");
            assert!(wait >= Duration::from_millis(whole / 2), "{wait:?} is under half of {whole} ms");
        }
        backoff.reset();
        assert!(backoff.wait() <= least);
    }
}

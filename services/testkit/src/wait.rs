//! Waiting for a condition, never for a time.

use std::{
    future::Future,
    time::{Duration, Instant},
};

/// Between two checks of a condition: short compared with any bound, long compared with the cost of a check.
const POLL_INTERVAL: Duration = Duration::from_millis(20);

/// Checks `condition` until it yields a value, and returns that.
///
/// # Panics
/// When `bound` has passed; `what` says in the message what did not happen.
pub async fn wait_for<T, F: Future<Output = Option<T>>>(
    bound: Duration,
    what: &str,
    condition: impl FnMut() -> F,
) -> T {
    match poll(bound, condition).await {
        Some(value) => value,
        None => panic!("waited {bound:?} in vain for {what}"),
    }
}

/// As [`wait_for`], for callers that have more to say than that it did not happen.
pub(crate) async fn poll<T, F: Future<Output = Option<T>>>(
    bound: Duration,
    mut condition: impl FnMut() -> F,
) -> Option<T> {
    let began = Instant::now();
    loop {
        if let Some(value) = condition().await {
            return Some(value);
        }
        if began.elapsed() >= bound {
            return None;
        }
        tokio::time::sleep(POLL_INTERVAL).await;
    }
}

//! A time of our own, and an executor that stands still in it: a run takes the same steps in the same order each time.

use std::{
    collections::BTreeMap,
    future::poll_fn,
    sync::{Arc, Mutex, MutexGuard},
    task::{Poll, Waker},
    time::Duration,
};

/// What time it is, and who waits for when. It goes on only by [`Time::skip`].
#[derive(Clone, Debug, Default)]
pub struct Time(Arc<Mutex<Inner>>);

#[derive(Debug, Default)]
struct Inner {
    now: Duration,
    sleepers: BTreeMap<(Duration, u64), Waker>,
    slept: u64,
}

impl Time {
    fn inner(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap()
    }

    pub fn now(&self) -> Duration {
        self.inner().now
    }

    /// Goes on to the next moment that somebody waits for, and wakes those who do; not beyond `until`. Whether there was one.
    pub fn skip(&self, until: Duration) -> bool {
        let mut inner = self.inner();
        let Some((at, _)) = inner.sleepers.keys().next().copied().filter(|(at, _)| *at <= until) else {
            inner.now = inner.now.max(until);
            return false;
        };
        inner.now = at;
        while inner.sleepers.first_key_value().is_some_and(|((due, _), _)| *due <= at) {
            let Some((_, waker)) = inner.sleepers.pop_first() else { break };
            waker.wake();
        }
        true
    }

    /// Waits. One that is given up no longer counts as somebody who waits.
    pub fn sleep(&self, time: Duration) -> impl Future<Output = ()> + Send + use<> {
        let mut asleep = Asleep { time: self.clone(), key: None };
        poll_fn(move |context| {
            let mut inner = asleep.time.inner();
            let key = asleep.key.unwrap_or_else(|| {
                inner.slept += 1;
                (inner.now + time, inner.slept)
            });
            if inner.now >= key.0 {
                return Poll::Ready(());
            }
            inner.sleepers.insert(key, context.waker().clone());
            drop(inner);
            asleep.key = Some(key);
            Poll::Pending
        })
    }
}

struct Asleep {
    time: Time,
    key: Option<(Duration, u64)>,
}

impl Drop for Asleep {
    fn drop(&mut self) {
        if let Some(key) = self.key {
            self.time.inner().sleepers.remove(&key);
        }
    }
}

/// Lets everyone else who can go on do so first.
pub async fn let_others_go_first() {
    let mut has_let = false;
    poll_fn(|context| {
        if std::mem::replace(&mut has_let, true) {
            return Poll::Ready(());
        }
        context.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

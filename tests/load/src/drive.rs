//! Slots that call until the time is up, each with one call under way at any time, and what came of it.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    rc::Rc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use bytes::Bytes;
use day::client::Refusal;
use hdrhistogram::Histogram;
use http::{HeaderMap, Uri};
use tokio::{
    task::JoinSet,
    time::{sleep, sleep_until, timeout},
};

use crate::{
    processes::{Processes, ProcessorTime},
    wire::{CallError, Connection},
};

/// Calls under way on one connection: below what HTTP/2 servers allow by default.
const CALLS_A_CONNECTION: usize = 64;

/// Before a repeat, when the service does not say how long to wait.
const RETRY_AFTER: Duration = Duration::from_millis(50);

/// When the time is up, what is under way is answered, refused calls are repeated, and a service that needs longer hangs.
const DRAIN_MAX: Duration = Duration::from_mins(2);

/// Latencies are kept in microseconds, up to this many, to three digits.
const LATENCY_MICROS_MAX: u64 = 600_000_000;

/// How long, and how many at once.
#[derive(Debug, Clone, Copy)]
pub struct Effort {
    pub in_flight: usize,
    pub warm_up: Duration,
    pub measured: Duration,
}

/// What a slot does, over and over.
pub trait Work: 'static {
    /// Does one piece of it.
    fn act(&mut self, slot: &Slot) -> impl Future<Output = Result<(), CallError>>;
}

/// A call to make.
#[derive(Debug)]
pub struct Call<'a> {
    pub rpc: &'a Uri,
    pub headers: &'a HeaderMap,
    pub frame: Bytes,
    /// How many postings it makes when it is answered.
    pub postings: u64,
}

/// One place in flight.
pub struct Slot {
    connection: Connection,
    tally: Rc<RefCell<Tally>>,
}

impl Slot {
    /// Calls until there is an answer, and counts it. `None` when the service refused permanently.
    pub async fn call(&self, call: Call<'_>) -> Result<Option<Bytes>, CallError> {
        let began = Instant::now();
        loop {
            match self.connection.call(call.rpc, call.headers, call.frame.clone()).await {
                Ok(answer) => {
                    self.tally.borrow_mut().answered(began, call.postings);
                    return Ok(Some(answer));
                }
                Err(CallError::Refused(refusal)) if refusal.is_transient() => {
                    self.tally.borrow_mut().retried += 1;
                    sleep(refusal.retry_after.unwrap_or(RETRY_AFTER)).await;
                }
                Err(CallError::Refused(refusal)) => {
                    self.tally.borrow_mut().refused(began, refusal);
                    return Ok(None);
                }
                Err(error) => return Err(error),
            }
        }
    }
}

/// What is measured: calls that end between two instants.
#[derive(Debug, Clone, Copy)]
struct Window {
    from: Instant,
    until: Instant,
}

/// What has come of the calls so far.
#[derive(Debug)]
struct Tally {
    window: Window,
    latency: Histogram<u64>,
    calls: u64,
    postings: u64,
    acknowledged: u64,
    acknowledged_at: Instant,
    refused: BTreeMap<String, u64>,
    retried: u64,
}

impl Tally {
    fn of(window: Window) -> Result<Self> {
        Ok(Self {
            window,
            latency: Histogram::new_with_bounds(1, LATENCY_MICROS_MAX, 3)
                .context("the histogram's bounds")?,
            calls: 0,
            postings: 0,
            acknowledged: 0,
            acknowledged_at: window.from,
            refused: BTreeMap::new(),
            retried: 0,
        })
    }

    fn answered(&mut self, began: Instant, postings: u64) {
        let now = Instant::now();
        self.acknowledged += postings;
        if postings > 0 {
            self.acknowledged_at = now;
        }
        if self.measure(began, now) {
            self.postings += postings;
        }
    }

    fn refused(&mut self, began: Instant, refusal: Refusal) {
        self.measure(began, Instant::now());
        let reason = if refusal.reason.is_empty() { format!("{:?}", refusal.code) } else { refusal.reason };
        *self.refused.entry(reason).or_default() += 1;
    }

    /// Keeps the latency of a call that ended now, when it counts.
    fn measure(&mut self, began: Instant, now: Instant) -> bool {
        let counts = self.window.from <= now && now < self.window.until;
        if counts {
            self.calls += 1;
            let micros = u64::try_from((now - began).as_micros()).unwrap_or(LATENCY_MICROS_MAX);
            self.latency.saturating_record(micros);
        }
        counts
    }
}

/// What came of a row.
#[derive(Debug)]
pub struct Outcome {
    pub measured: Duration,
    /// Calls that ended while it was measured, refused ones too.
    pub calls: u64,
    /// Postings acknowledged while it was measured.
    pub postings: u64,
    /// Postings acknowledged at all.
    pub acknowledged: u64,
    /// When the last of them was.
    pub acknowledged_at: Instant,
    pub p50_ms: f64,
    pub p99_ms: f64,
    /// Calls refused permanently, at any time, by reason.
    pub refused: BTreeMap<String, u64>,
    /// Attempts that were refused for the moment, and repeated.
    pub retried: u64,
    /// Processor time taken while it was measured.
    pub processors: ProcessorTime,
}

/// Lets slots do the work that `work_of` gives each.
pub async fn drive<W: Work>(
    address: &str,
    effort: Effort,
    processes: &Processes,
    work_of: impl Fn(usize) -> W,
) -> Result<Outcome> {
    let mut connections = Vec::new();
    for _ in 0..effort.in_flight.div_ceil(CALLS_A_CONNECTION) {
        connections.push(Connection::open(address).await?);
    }
    let from = Instant::now() + effort.warm_up;
    let window = Window { from, until: from + effort.measured };
    let tally = Rc::new(RefCell::new(Tally::of(window)?));
    let mut slots = JoinSet::new();
    for (number, connection) in (0..effort.in_flight).zip(connections.iter().cycle()) {
        let slot = Slot { connection: connection.clone(), tally: tally.clone() };
        slots.spawn_local(work_until(window.until, slot, work_of(number)));
    }
    let watched = async {
        sleep_until(window.from.into()).await;
        let before = processes.time()?;
        sleep_until(window.until.into()).await;
        Ok(processes.time()?.since(&before))
    };
    let at_most = effort.warm_up + effort.measured + DRAIN_MAX;
    let ended = timeout(at_most, async { tokio::try_join!(watched, all(&mut slots)) }).await;
    let (processors, ()) = ended.context("calls are still unanswered long after the time was up")??;
    drop(slots);
    let tally = Rc::into_inner(tally).context("a slot is still at work")?.into_inner();
    Ok(outcome(tally, effort.measured, processors))
}

async fn work_until<W: Work>(until: Instant, slot: Slot, mut work: W) -> Result<()> {
    while Instant::now() < until {
        work.act(&slot).await?;
    }
    Ok(())
}

async fn all(slots: &mut JoinSet<Result<()>>) -> Result<()> {
    while let Some(ended) = slots.join_next().await {
        ended.context("a slot fell over")??;
    }
    Ok(())
}

fn outcome(tally: Tally, measured: Duration, processors: ProcessorTime) -> Outcome {
    let millis =
        |quantile| Duration::from_micros(tally.latency.value_at_quantile(quantile)).as_secs_f64() * 1e3;
    Outcome {
        measured,
        calls: tally.calls,
        postings: tally.postings,
        acknowledged: tally.acknowledged,
        acknowledged_at: tally.acknowledged_at,
        p50_ms: millis(0.5),
        p99_ms: millis(0.99),
        refused: tally.refused,
        retried: tally.retried,
        processors,
    }
}

#[cfg(test)]
mod tests {
    use day::client::Token;
    use tokio::task::LocalSet;

    use super::*;
    use crate::{template, wire};

    /// Calls a given number of times, and then waits for the time to be up.
    struct Calls {
        left: u32,
        rpc: Uri,
        headers: HeaderMap,
    }

    impl Work for Calls {
        async fn act(&mut self, slot: &Slot) -> Result<(), CallError> {
            if self.left > 0 {
                self.left -= 1;
                let frame = template::frame(&());
                slot.call(Call { rpc: &self.rpc, headers: &self.headers, frame, postings: 2 }).await?;
            } else {
                tokio::task::yield_now().await;
            }
            Ok(())
        }
    }

    #[tokio::test]
    async fn answers_refusals_and_repeats_are_counted_apart() {
        let test = async {
            // Unavailable, answered, refused, and answered from then on.
            let address = wire::tests::service(&["14", "0", "9", "0"]).await;
            let rpc = wire::rpc(&address, "PostingService/PostTransaction").unwrap();
            let headers = wire::headers(&Token::none()).unwrap();
            let effort = Effort { in_flight: 1, warm_up: Duration::ZERO, measured: Duration::from_secs(2) };
            let own = std::process::id();
            let processes = Processes::of(&crate::arguments::Endpoints {
                accounting_grpc: String::new(),
                keys: std::path::PathBuf::new(),
                kafka_brokers: String::new(),
                postgres_url: String::new(),
                accounting_pid: own,
                postgres_pid: own,
                kafka_pid: own,
            });
            let work = |_| Calls { left: 4, rpc: rpc.clone(), headers: headers.clone() };
            let outcome = drive(&address, effort, &processes, work).await.unwrap();
            assert_eq!((outcome.calls, outcome.postings, outcome.acknowledged), (4, 6, 6));
            assert_eq!(
                (outcome.refused, outcome.retried),
                (BTreeMap::from([("FailedPrecondition".to_owned(), 1)]), 1)
            );
            assert!(outcome.p99_ms >= outcome.p50_ms && outcome.p50_ms > 0.0);
        };
        LocalSet::new().run_until(test).await;
    }

    #[test]
    fn only_calls_that_end_in_the_window_are_measured() {
        let now = Instant::now();
        let ahead = Window { from: now + Duration::from_hours(1), until: now + Duration::from_hours(2) };
        let mut tally = Tally::of(ahead).unwrap();
        tally.answered(now, 1);
        assert_eq!((tally.calls, tally.postings, tally.acknowledged), (0, 0, 1));
    }
}

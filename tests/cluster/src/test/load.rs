//! Callers that ask for a posting every so often, whatever came of the last one, and repeat each request until it is acknowledged.

use std::{
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use anyhow::{Context, Result};
use faults::{
    attempt::{Attempt, SentRequest},
    customers::Customers,
};
use rand::{SeedableRng, rngs::StdRng};
use tokio::{task::JoinSet, time};
use tokio_util::sync::CancellationToken;
use tonic::transport::{Channel, Endpoint};
use uuid::Uuid;

/// As many as keep the rate up at ten times the usual latency.
const CALLERS: u32 = 50;

/// Connections, each to whichever pod the Service has picked for it.
const CONNECTIONS: usize = 10;

/// How long a call may take before it is repeated.
const ATTEMPT_MAX: Duration = Duration::from_secs(2);

/// Before a repeat.
const AFTER_LOSS: Duration = Duration::from_millis(50);

/// How long one request is repeated for.
const SETTLED_WITHIN: Duration = Duration::from_mins(1);

/// How a client of a service on Kubernetes finds out that a pod has gone without a word: it asks every so often, and has its
/// answer within so long.
const ALIVE_EVERY: Duration = Duration::from_millis(500);
const ALIVE_WITHIN: Duration = Duration::from_secs(1);
const CONNECT_MAX: Duration = Duration::from_secs(1);

/// What came of it all.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Each request with the number of its posting.
    pub acknowledged: Vec<(Uuid, i64)>,
    /// Attempts that were refused for the moment or lost, and were repeated.
    pub repeated: usize,
    /// What no caller must meet.
    pub defects: Vec<String>,
    /// The longest that a request took, repeats and all.
    pub slowest: Duration,
}

impl Outcome {
    fn add(&mut self, other: Self) {
        self.acknowledged.extend(other.acknowledged);
        self.repeated += other.repeated;
        self.defects.extend(other.defects);
        self.slowest = self.slowest.max(other.slowest);
    }
}

/// When anybody last had an answer, and the longest that nobody had one.
#[derive(Debug)]
struct Pulse(Mutex<(Instant, Duration)>);

impl Pulse {
    fn beat(&self) -> Duration {
        let mut pulse = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let gap = pulse.0.elapsed();
        *pulse = (Instant::now(), pulse.1.max(gap));
        pulse.1
    }
}

/// The callers at work.
pub struct Load {
    callers: JoinSet<Outcome>,
    stop: CancellationToken,
    pulse: Arc<Pulse>,
}

impl Load {
    /// Lets them ask `address` for so many postings a second.
    pub fn start(address: &str, rate: u32, customers: &Arc<Customers>) -> Result<Self> {
        let endpoint = Endpoint::from_shared(format!("http://{address}"))?
            .connect_timeout(CONNECT_MAX)
            .http2_keep_alive_interval(ALIVE_EVERY)
            .keep_alive_timeout(ALIVE_WITHIN)
            .keep_alive_while_idle(true);
        let channels: Vec<Channel> = (0..CONNECTIONS).map(|_| endpoint.connect_lazy()).collect();
        let stop = CancellationToken::new();
        let pulse = Arc::new(Pulse(Mutex::new((Instant::now(), Duration::ZERO))));
        let every = Duration::from_secs(1) * CALLERS / rate;
        let mut callers = JoinSet::new();
        for (caller, channel) in (0..CALLERS).zip(channels.into_iter().cycle()) {
            let caller = Caller {
                first: time::Instant::now() + every * caller / CALLERS,
                every,
                channel,
                customers: customers.clone(),
                pulse: pulse.clone(),
            };
            callers.spawn(caller.run(stop.clone()));
        }
        Ok(Self { callers, stop, pulse })
    }

    /// Tells them to stop, and waits until each has had its last answer. With the longest time in which nobody had one.
    pub async fn stop(mut self) -> Result<(Outcome, Duration)> {
        let gap = self.pulse.beat();
        self.stop.cancel();
        let mut outcome = Outcome::default();
        while let Some(caller) = self.callers.join_next().await {
            outcome.add(caller.context("a caller fell over")?);
        }
        Ok((outcome, gap))
    }
}

struct Caller {
    first: time::Instant,
    every: Duration,
    channel: Channel,
    customers: Arc<Customers>,
    pulse: Arc<Pulse>,
}

impl Caller {
    async fn run(self, stop: CancellationToken) -> Outcome {
        let mut rng = StdRng::from_os_rng();
        let mut outcome = Outcome::default();
        // Requests that were due while an answer was waited for are sent afterwards: the rate is kept.
        let mut turn = time::interval_at(self.first, self.every);
        loop {
            tokio::select! {
                () = stop.cancelled() => return outcome,
                _ = turn.tick() => {}
            }
            let (token, request) = self.customers.transfer(&mut rng);
            self.settle(&SentRequest { token, request }, &mut outcome).await;
        }
    }

    /// Asks until it is acknowledged.
    async fn settle(&self, sent: &SentRequest, outcome: &mut Outcome) {
        let began = Instant::now();
        while began.elapsed() < SETTLED_WITHIN {
            match sent.send(&self.channel, ATTEMPT_MAX).await {
                Attempt::Posted(number) => {
                    self.pulse.beat();
                    outcome.acknowledged.push((sent.id(), number));
                    outcome.slowest = outcome.slowest.max(began.elapsed());
                    return;
                }
                Attempt::Lost => {
                    outcome.repeated += 1;
                    time::sleep(AFTER_LOSS).await;
                }
                Attempt::Defect(defect) => return outcome.defects.push(defect),
            }
        }
        outcome.defects.push(format!("request {} was never acknowledged", sent.id()));
    }
}

//! Callers, each with one call under way at any time, until they are stopped.

use std::{sync::Arc, time::Duration};

use anyhow::{Context, Result};
use rand::{Rng, SeedableRng, rngs::StdRng};
use tokio::{task::JoinSet, time};
use tokio_util::sync::CancellationToken;
use tonic::transport::Channel;
use uuid::Uuid;

use crate::{
    attempt::{ATTEMPT_MAX, Attempt, SentRequest},
    customers::Customers,
};

/// Before the next call of a caller that has lost one: a service that is away answers at once that it is.
const AFTER_LOSS: Duration = Duration::from_millis(50);

/// What came of calls.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Each acknowledged request with the number of its posting.
    pub acknowledged: Vec<(Uuid, i64)>,
    /// Requests of which nobody knows yet.
    pub lost: Vec<SentRequest>,
    pub defects: Vec<String>,
}

impl Outcome {
    pub fn add(&mut self, other: Self) {
        self.acknowledged.extend(other.acknowledged);
        self.lost.extend(other.lost);
        self.defects.extend(other.defects);
    }

    /// Counts how an attempt ended.
    pub fn note(&mut self, sent: SentRequest, attempt: Attempt) {
        match attempt {
            Attempt::Posted(number) => self.acknowledged.push((sent.id(), number)),
            Attempt::Lost => self.lost.push(sent),
            Attempt::Defect(defect) => self.defects.push(defect),
        }
    }
}

/// The callers at work.
pub struct Load {
    callers: JoinSet<Outcome>,
    stop: CancellationToken,
}

impl Load {
    /// Lets `callers` call any of `channels`, whose choices follow from `seed`.
    pub fn start(callers: u32, seed: u64, channels: &[Channel], customers: &Arc<Customers>) -> Self {
        let stop = CancellationToken::new();
        let mut set = JoinSet::new();
        for caller in 0..callers {
            let rng = StdRng::seed_from_u64(seed ^ (u64::from(caller) << 32));
            set.spawn(call(rng, channels.to_vec(), customers.clone(), stop.clone()));
        }
        Self { callers: set, stop }
    }

    /// Tells them to stop, and waits until each has ended its call.
    pub async fn stop(mut self) -> Result<Outcome> {
        self.stop.cancel();
        let mut outcome = Outcome::default();
        while let Some(caller) = self.callers.join_next().await {
            outcome.add(caller.context("a caller fell over")?);
        }
        Ok(outcome)
    }
}

async fn call(
    mut rng: StdRng,
    channels: Vec<Channel>,
    customers: Arc<Customers>,
    stop: CancellationToken,
) -> Outcome {
    let mut outcome = Outcome::default();
    while !stop.is_cancelled() {
        let (token, request) = customers.transfer(&mut rng);
        let sent = SentRequest { token, request };
        let channel = &channels[rng.random_range(0..channels.len())];
        let attempt = sent.send(channel, ATTEMPT_MAX).await;
        let was_lost = matches!(attempt, Attempt::Lost);
        outcome.note(sent, attempt);
        if was_lost {
            time::sleep(AFTER_LOSS).await;
        }
    }
    outcome
}

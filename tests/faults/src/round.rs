//! One kill: the load, the fault, the way back, and the proof.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};
use futures::{StreamExt, future::select_all, stream};
use rand::{Rng, SeedableRng, rngs::StdRng};
use testkit::Backup;
use tokio::{sync::Mutex, time};
use tonic::transport::Channel;
use uuid::Uuid;

use crate::{
    attempt::{ATTEMPT_MAX, Attempt, SentRequest},
    customers::Customers,
    load::{Load, Outcome},
    proof,
    replica::Replica,
    stack::Stack,
    victim::Victim,
};

/// When the kill comes, after the load began.
const BEFORE_KILL_MS: std::ops::RangeInclusive<u64> = 100..=1500;

/// How long the load goes on after it.
const AFTER_KILL: Duration = Duration::from_millis(200);

/// How long a call of the probe may take, and how long it waits between two.
const PROBE_MAX: Duration = Duration::from_millis(500);
const PROBE_EVERY: Duration = Duration::from_millis(20);

/// Within this everything must be served again.
const SERVED_WITHIN: Duration = Duration::from_mins(1);

/// Lost requests that are repeated at any time.
const REPEATED_AT_ONCE: usize = 24;

/// What a kill has shown.
#[derive(Debug)]
pub struct Round {
    pub victim: Victim,
    /// When it came, after the load began.
    pub after: Duration,
    pub acknowledged: usize,
    /// Requests of which nobody knew, and how many of them were in the journal before they were repeated.
    pub lost: usize,
    pub lost_and_there: usize,
    /// From the kill until a posting was acknowledged that was requested after it.
    pub served_after: Duration,
}

/// What rounds need.
pub struct Ground<'a> {
    pub stack: &'a Stack,
    pub customers: &'a Arc<Customers>,
    pub callers: u32,
    /// What the disk of Postgres is restored from.
    pub backup: &'a Mutex<Option<Backup>>,
}

impl Ground<'_> {
    /// Kills `victim` under load, and proves that nothing was lost or doubled.
    pub async fn round(&self, victim: Victim, rng: &mut StdRng) -> Result<Round> {
        let books = self.stack.books();
        let before = proof::last_posting(books).await?;
        let channels = self.channels();
        let load = Load::start(self.callers, rng.random(), &channels, self.customers);
        let after = Duration::from_millis(rng.random_range(BEFORE_KILL_MS));
        time::sleep(after).await;

        self.prepare(victim, rng).await?;
        let (writer, other) = self.stack.writer().await?;
        let killed_at = Instant::now();
        self.strike(victim, writer, other).await?;
        let (probed, outcome, back) = tokio::join!(
            self.probe(rng.random()),
            async {
                time::sleep(AFTER_KILL).await;
                load.stop().await
            },
            self.bring_back(victim),
        );
        let (served_at, probed) = probed?;
        let mut outcome = outcome?;
        outcome.add(probed);
        back?;
        if victim == Victim::Stop {
            writer.wake()?;
        }
        ensure!(outcome.defects.is_empty(), "callers met what they must not: {:?}", outcome.defects);

        let Outcome { mut acknowledged, lost, .. } = outcome;
        let lost_ids: Vec<Uuid> = lost.iter().map(SentRequest::id).collect();
        let all: Vec<Uuid> = acknowledged.iter().map(|(id, _)| *id).chain(lost_ids.iter().copied()).collect();
        let journal = proof::in_journal(books, &all).await?;
        proof::once_each(&journal, &acknowledged)?;
        let lost_and_there = proof::once_at_most(&journal, &lost_ids)?;

        let round = Round {
            victim,
            after,
            acknowledged: acknowledged.len(),
            lost: lost.len(),
            lost_and_there,
            served_after: served_at - killed_at,
        };
        acknowledged.extend(self.repeat(lost).await?);
        let journal = proof::in_journal(books, &all).await?;
        proof::once_each(&journal, &acknowledged)?;
        proof::nothing_else(books, before, acknowledged.len()).await?;
        Ok(round)
    }

    fn channels(&self) -> Vec<Channel> {
        self.stack.replicas.iter().map(|replica| replica.channel.clone()).collect()
    }

    /// Backs up what is going to be lost, while the load goes on, and lets it go on for a while.
    async fn prepare(&self, victim: Victim, rng: &mut StdRng) -> Result<()> {
        if victim == Victim::Disk {
            *self.backup.lock().await = Some(self.stack.postgres.back_up().await?);
            time::sleep(Duration::from_millis(rng.random_range(BEFORE_KILL_MS))).await;
        }
        Ok(())
    }

    async fn strike(&self, victim: Victim, writer: &Replica, other: &Replica) -> Result<()> {
        match victim {
            Victim::Writer => writer.kill().await?,
            Victim::Service => {
                tokio::try_join!(writer.kill(), other.kill())?;
            }
            Victim::Stop => writer.halt()?,
            Victim::Postgres => self.stack.postgres.kill().await,
            Victim::Kafka => self.stack.broker.kill().await,
            Victim::Disk => self.stack.postgres.lose_the_disk().await?,
        }
        Ok(())
    }

    /// Starts again what was killed.
    async fn bring_back(&self, victim: Victim) -> Result<()> {
        match victim {
            Victim::Writer | Victim::Service => self.stack.start_replicas().await?,
            Victim::Stop => {}
            Victim::Postgres => self.stack.postgres.start_again().await,
            Victim::Kafka => self.stack.broker.start_again().await,
            Victim::Disk => {
                let backup = self.backup.lock().await.take().context("there is no backup")?;
                self.stack.postgres.restore(backup).await?;
            }
        }
        Ok(())
    }

    /// Asks both replicas, each for a posting of its own, until one acknowledges it, and says when; with what came of both.
    async fn probe(&self, seed: u64) -> Result<(Instant, Outcome)> {
        let mut rng = StdRng::seed_from_u64(seed);
        let sent = self.stack.replicas.iter().map(|_| {
            let (token, request) = self.customers.transfer(&mut rng);
            SentRequest { token, request }
        });
        let sent: Vec<SentRequest> = sent.collect();
        let probes = sent.iter().zip(self.channels()).map(|(sent, channel)| {
            Box::pin(async move {
                loop {
                    let attempt = sent.send(&channel, PROBE_MAX).await;
                    if !matches!(attempt, Attempt::Lost) {
                        return (Instant::now(), attempt);
                    }
                    time::sleep(PROBE_EVERY).await;
                }
            })
        });
        let first = time::timeout(SERVED_WITHIN, select_all(probes)).await;
        let ((at, attempt), place, others) =
            first.with_context(|| format!("nothing was served within {SERVED_WITHIN:?}"))?;
        drop(others);
        let (mut outcome, mut attempt) = (Outcome::default(), Some(attempt));
        for (number, sent) in sent.into_iter().enumerate() {
            // What the other requested is settled as everything that was lost.
            let ended = if number == place { attempt.take() } else { None };
            outcome.note(sent, ended.unwrap_or(Attempt::Lost));
        }
        Ok((at, outcome))
    }

    /// Repeats lost requests until each is acknowledged.
    async fn repeat(&self, lost: Vec<SentRequest>) -> Result<Vec<(Uuid, i64)>> {
        let channels = self.channels();
        let repeated = stream::iter(lost).map(|sent| {
            let channels = channels.clone();
            async move {
                let until_posted = async {
                    for channel in channels.iter().cycle() {
                        match sent.send(channel, ATTEMPT_MAX).await {
                            Attempt::Posted(number) => return Ok((sent.id(), number)),
                            Attempt::Lost => time::sleep(PROBE_EVERY).await,
                            Attempt::Defect(defect) => {
                                bail!("a repeat was answered otherwise: {defect}")
                            }
                        }
                    }
                    bail!("there is nobody to ask")
                };
                let posted = time::timeout(SERVED_WITHIN, until_posted).await;
                posted.with_context(|| format!("request {} was never acknowledged", sent.id()))?
            }
        });
        let mut repeated = repeated.buffer_unordered(REPEATED_AT_ONCE);
        let mut acknowledged = Vec::new();
        while let Some(posted) = repeated.next().await {
            acknowledged.push(posted?);
        }
        Ok(acknowledged)
    }
}

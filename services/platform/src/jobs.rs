//! Jobs that run periodically.

use std::{convert::Infallible, fmt::Display, time::Duration};

use tokio::{sync::watch, time};
use tokio_util::sync::CancellationToken;

use crate::leadership::Lead;

/// A job that runs again and again, at once and then after each pause. Every run does everything that is due, so a run that fails is
/// logged and the next one makes up for it. Several replicas may run the same job.
#[derive(Clone, Debug)]
pub struct Periodic {
    name: &'static str,
    every: Duration,
    lead: Option<watch::Receiver<Lead>>,
}

impl Periodic {
    /// On every replica.
    pub fn new(name: &'static str, every: Duration) -> Self {
        Self { name, every, lead: None }
    }

    /// Only on the replica that leads.
    #[must_use]
    pub fn where_leading(self, lead: watch::Receiver<Lead>) -> Self {
        Self { lead: Some(lead), ..self }
    }

    /// Runs until stopped.
    pub async fn run<W, F, E>(self, stop: CancellationToken, work: W) -> Result<(), Infallible>
    where
        W: Fn() -> F,
        F: Future<Output = Result<(), E>>,
        E: Display,
    {
        loop {
            let is_due = self.lead.as_ref().is_none_or(|lead| *lead.borrow() == Lead::Here);
            if is_due && let Err(error) = work().await {
                tracing::warn!(job = self.name, %error, "a job failed; the next run makes up for it");
            }
            if stop.run_until_cancelled(time::sleep(self.every)).await.is_none() {
                return Ok(());
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    };

    use super::*;

    /// Counts its runs, fails every second one, and stops after `last`.
    async fn count(job: Periodic, last: u32) -> u32 {
        let (runs, stop) = (Arc::new(AtomicU32::new(0)), CancellationToken::new());
        let work = || {
            let run = runs.fetch_add(1, Ordering::SeqCst) + 1;
            if run == last {
                stop.cancel();
            }
            async move { if run.is_multiple_of(2) { Err("every second run fails") } else { Ok(()) } }
        };
        let bound = time::timeout(Duration::from_hours(1), job.run(stop.clone(), work));
        drop(bound.await);
        runs.load(Ordering::SeqCst)
    }

    #[tokio::test(start_paused = true)]
    async fn a_run_that_fails_does_not_end_the_job() {
        assert_eq!(count(Periodic::new("count", Duration::from_mins(1)), 5).await, 5);
    }

    #[tokio::test(start_paused = true)]
    async fn only_the_leader_runs_it() {
        let (leading, lead) = watch::channel(Lead::Unknown);
        let job = || Periodic::new("count", Duration::from_mins(1)).where_leading(lead.clone());
        assert_eq!(count(job(), 5).await, 0);
        leading.send_replace(Lead::Here);
        assert_eq!(count(job(), 5).await, 5);
    }
}

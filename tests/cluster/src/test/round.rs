//! Something done to the release under load, and the proof that nothing was lost or doubled.

use std::{
    fmt,
    sync::Arc,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use day::report::thousands;
use faults::{customers::Customers, proof};
use sqlx::PgPool;
use tokio::time;
use uuid::Uuid;

use super::{
    Options,
    acts::Act,
    load::{Load, Outcome},
    pods,
    release::Release,
};

/// Defects that are shown.
const DEFECTS_SHOWN: usize = 3;

/// What rounds need.
pub struct Ground<'a> {
    pub release: &'a Release,
    pub address: String,
    pub customers: Arc<Customers>,
    pub books: PgPool,
    pub options: &'a Options,
}

/// What a round has shown.
#[derive(Debug)]
pub struct Round {
    pub acknowledged: usize,
    pub repeated: usize,
    pub rate: u64,
    pub slowest: Duration,
    /// The longest that no caller had an answer.
    pub gap: Duration,
    /// What was done, in a few words, and how long it took.
    pub done: String,
    pub took: Duration,
    /// What `accounting verify` said.
    pub verified: String,
}

impl fmt::Display for Round {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} in {:.1} s; {} acknowledged at {} a second, each once in the journal, and nothing else; {} attempts repeated; \
             longest without an answer {} ms, slowest request {} ms; {}",
            self.done,
            self.took.as_secs_f64(),
            thousands(self.acknowledged),
            self.rate,
            thousands(self.repeated),
            self.gap.as_millis(),
            self.slowest.as_millis(),
            self.verified
        )
    }
}

impl Ground<'_> {
    /// Does `act` under load.
    pub async fn round(&self, act: Act) -> Result<Round> {
        pods::settled().await?;
        let before = proof::last_posting(&self.books).await?;
        let steady = Duration::from_secs(self.options.steady_s);
        let began = Instant::now();
        let load = Load::start(&self.address, self.options.rate, &self.customers)?;
        time::sleep(steady).await;
        let acted = Instant::now();
        let done = act.run(self).await;
        let took = acted.elapsed();
        time::sleep(steady).await;
        let ran = began.elapsed();
        let (outcome, gap) = load.stop().await?;
        let done = done?;

        self.prove(before, &outcome).await?;
        let acknowledged = u64::try_from(outcome.acknowledged.len())?;
        let rate = acknowledged * 1000 / u64::try_from(ran.as_millis())?.max(1);
        let verified = pods::run(&["verify"]).await.context("the chain")?;
        Ok(Round {
            acknowledged: outcome.acknowledged.len(),
            repeated: outcome.repeated,
            rate,
            slowest: outcome.slowest,
            gap,
            done,
            took,
            verified,
        })
    }

    /// Each acknowledged request is in the journal once, under its number, and nothing else is.
    async fn prove(&self, before: i64, outcome: &Outcome) -> Result<()> {
        let defects = &outcome.defects;
        ensure!(
            defects.is_empty(),
            "{} callers met what they must not: {:?}",
            defects.len(),
            &defects[..defects.len().min(DEFECTS_SHOWN)]
        );
        let ids: Vec<Uuid> = outcome.acknowledged.iter().map(|(id, _)| *id).collect();
        let journal = proof::in_journal(&self.books, &ids).await?;
        proof::once_each(&journal, &outcome.acknowledged)?;
        proof::nothing_else(&self.books, before, outcome.acknowledged.len()).await.map(drop)
    }
}

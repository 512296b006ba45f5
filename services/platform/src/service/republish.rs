//! `republish`: what stands on compacted topics, published again.
//!
//! For readers of a topic that has lost records. For each record of a register, the fact of what stands (the version in force on
//! the business date, and those to come) goes into the outbox under a new id, so that no reader takes it for one that it has seen.
//! The relay of the running service publishes it.
//!
//! It is safe beside a running service. A batch is one transaction, and holds the lock of its register, which every change of the
//! register takes too: an older state is never published after a newer one of the same record. What is published twice says the
//! same, so the command can be repeated at any time, and after it was cut off.

use std::{collections::BTreeSet, io::Write};

use anyhow::{Result, bail};
use chrono::NaiveDate;
use clap::Args;
use sqlx::PgPool;
use uuid::Uuid;

use super::Service;
use crate::{
    clock::{Clock, SystemClock},
    facts::{Fact, FactError, FactMetadata},
    ids::{Ids, UuidV7Ids},
    outbox,
    registers::{self, Record, Standing},
};

/// Records of one transaction. Changes of their register wait while it runs.
const BATCH_RECORDS_MAX: i64 = 200;

/// What to publish again.
#[derive(Clone, Debug, Default, Args)]
pub struct Arguments {
    /// Only this topic, by its name in the contract.
    #[arg(long)]
    pub topic: Option<String>,
    /// The business date, for a service whose database does not know it. An earlier date only adds versions that have ended; a later
    /// one would leave out what is in force.
    #[arg(long)]
    pub on: Option<NaiveDate>,
}

/// Publishes registers again, as far as the arguments say.
pub struct Republish {
    pool: PgPool,
    arguments: Arguments,
    queued: u64,
}

impl Republish {
    pub fn pool(&self) -> &PgPool {
        &self.pool
    }

    /// The date from which versions are published: `known` is the open business date, where the database knows it.
    pub fn business_date(&self, known: Option<NaiveDate>) -> Result<NaiveDate> {
        match (self.arguments.on, known) {
            (Some(on), Some(known)) if on > known => {
                bail!("--on {on} is after the open business date {known}: what is in force would be left out")
            }
            (Some(date), _) | (None, Some(date)) => Ok(date),
            (None, None) => bail!("give the business date with --on: this database does not know it"),
        }
    }

    /// Queues the fact of each record of a register. `to_fact` makes it, with the id and the time of the metadata.
    pub async fn register<C: Record + Clone>(
        &mut self,
        register: &str,
        on: NaiveDate,
        to_fact: impl Fn(&Standing<C>, FactMetadata) -> Result<Fact, FactError> + Sync,
    ) -> Result<()> {
        let mut after = String::new();
        loop {
            let mut transaction = self.pool.begin().await?;
            registers::lock(&mut transaction, register).await?;
            let standing =
                registers::standing_after::<C>(&mut transaction, register, on, &after, BATCH_RECORDS_MAX)
                    .await?;
            let Some(last) = standing.last() else { return Ok(()) };
            after = last.latest.version.content.code();
            let facts: Result<Vec<Fact>, FactError> =
                standing.iter().map(|record| to_fact(record, of_latest(record))).collect();
            let mut facts = facts?;
            facts.retain(|fact| self.includes(&fact.topic));
            outbox::append(&mut transaction, &facts).await?;
            transaction.commit().await?;
            self.queued += u64::try_from(facts.len())?;
        }
    }

    /// Queues the fact of a state that is in no register. A later state must have another key: nothing is locked meanwhile.
    pub async fn fact(
        &mut self,
        actor: &str,
        to_fact: impl FnOnce(FactMetadata) -> Result<Fact, FactError>,
    ) -> Result<()> {
        let fact = to_fact(metadata(actor, UuidV7Ids.next()))?;
        if self.includes(&fact.topic) {
            outbox::append(&mut *self.pool.acquire().await?, &[fact]).await?;
            self.queued += 1;
        }
        Ok(())
    }

    fn includes(&self, topic: &str) -> bool {
        self.arguments.topic.as_deref().is_none_or(|only| only == topic)
    }
}

/// The fact happens now: the outbox is as old as its facts.
fn metadata(actor: &str, correlation_id: Uuid) -> FactMetadata {
    let (id, time) = (UuidV7Ids.next(), SystemClock.now());
    FactMetadata { id, time, actor: actor.to_owned(), correlation_id, traceparent: None }
}

/// The fact is about the newest version, and has its maker and its request.
fn of_latest<C>(record: &Standing<C>) -> FactMetadata {
    metadata(&record.latest.maker, record.latest.request_id)
}

/// Queues what a service publishes again, and says how many facts that are.
pub async fn republish<S: Service>(pool: &PgPool, arguments: Arguments) -> Result<u64> {
    if let Some(topic) = &arguments.topic {
        let compacted: BTreeSet<&str> = S::contract().compacted(S::NAME).collect();
        if !compacted.contains(topic.as_str()) {
            bail!("{topic} is not a compacted topic of {}; these are: {compacted:?}", S::NAME);
        }
    }
    let mut republish = Republish { pool: pool.clone(), arguments, queued: 0 };
    S::republish(&mut republish).await?;
    Ok(republish.queued)
}

/// Runs the command.
pub async fn run<S: Service>(pool: &PgPool, arguments: Arguments, out: &mut impl Write) -> Result<()> {
    let queued = republish::<S>(pool, arguments).await?;
    writeln!(out, "{queued} facts are in the outbox; the service publishes them while it runs")?;
    Ok(())
}

//! `dead-letters`: what a handler refused permanently, listed, and handled again.

use std::{io::Write, time::Duration};

use anyhow::{Result, bail};
use clap::Subcommand;
use sqlx::PgPool;
use tokio::time;

use super::Ran;
use crate::{
    clock::{Clock, SystemClock},
    dead_letters::{self, Replay},
};

/// Letters that one call lists.
const LETTERS_MAX: i64 = 500;

/// How long to wait for a replay, and how often to check it.
const REPLAY_MAX: Duration = Duration::from_mins(1);
const LOOKED_EVERY: Duration = Duration::from_millis(200);

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Lists those that have not been replayed, oldest first.
    List {
        /// The handler's name.
        handler: String,
        /// Begins after the letter of this number.
        #[arg(long, default_value_t = 0)]
        after: i64,
    },
    /// Has the running service give a letter to its handler again, and waits for the outcome.
    Replay {
        /// The handler's name.
        handler: String,
        /// The letter's number.
        number: i64,
    },
}

pub async fn run(pool: &PgPool, command: Command, out: &mut impl Write) -> Result<Ran> {
    match command {
        Command::List { handler, after } => list(pool, &handler, after, out).await,
        Command::Replay { handler, number } => replay(pool, &handler, number, out).await,
    }
}

async fn list(pool: &PgPool, handler: &str, after: i64, out: &mut impl Write) -> Result<Ran> {
    let letters = dead_letters::list(pool, handler, after, LETTERS_MAX).await?;
    for letter in &letters {
        let record = &letter.record;
        let place = format!("{}[{}]@{}", record.topic, record.partition, record.offset);
        writeln!(out, "{:>8}  {}  {place}  {}", letter.number, letter.failed_at, letter.reason)?;
    }
    writeln!(out, "{} letters", letters.len())?;
    Ok(Ran::Well)
}

async fn replay(pool: &PgPool, handler: &str, number: i64, out: &mut impl Write) -> Result<Ran> {
    dead_letters::request_replay(pool, handler, number, SystemClock.now()).await?;
    let deadline = time::Instant::now() + REPLAY_MAX;
    loop {
        match dead_letters::replay_of(pool, handler, number).await? {
            Some(Replay::Done(at)) => {
                writeln!(out, "dead letter {number} was replayed at {at}")?;
                return Ok(Ran::Well);
            }
            Some(Replay::Failed(reason)) => {
                writeln!(out, "dead letter {number} failed again: {reason}")?;
                return Ok(Ran::Badly);
            }
            Some(Replay::Requested) if time::Instant::now() < deadline => time::sleep(LOOKED_EVERY).await,
            Some(Replay::Requested) => bail!(
                "dead letter {number} was not replayed within {REPLAY_MAX:?}: is the service running? It replays the letter once it runs"
            ),
            None => bail!("the request to replay dead letter {number} is gone: request it again"),
        }
    }
}

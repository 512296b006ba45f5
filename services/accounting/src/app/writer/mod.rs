//! The one writer of the book (`docs/architecture.md`, "How a posting is written").
//!
//! Commands wait in one bounded queue. The writer takes all that wait and runs a batch in three steps, each with its cost:
//!
//! 1. **load**: what the commands need and the book does not hold. One round trip when all accounts are warm.
//! 2. **decide**: in order of arrival, in memory, by the pure domain. No round trip.
//! 3. **append**: one statement, its own transaction, for postings and holds. When accounts or base data change, or something
//!    was refused, their rows are written in the same transaction.
//!
//! Then the answers go out. How it fails:
//!
//! - A writer that loses its connection in step 3 settles whether the batch is there before anyone is answered.
//! - One whose batch number is taken is no longer the writer: it drops its state and steps down.
//! - When the database does not take a batch, each command of it is done by itself, so that only the one at fault fails. The
//!   failure is final when its data are refused, and `DATABASE_BUSY` when the database is full or too slow. State in memory that
//!   was not written is loaded again.
//! - A silent writer loses its session to another replica, and steps down when it wakes.
//! - A replica that does not write answers `NOT_THE_WRITER` at once; a full queue answers `OVERLOADED`.
//!
//! The database is a seam ([`Database`]), and so all of this runs in a simulation too, whose database fails as a seed says.

mod audits;
mod batch;
mod bounds;
mod database;
mod heartbeat;
mod lead;
mod metrics;
mod postgres;
mod queue;
mod recent;
mod settle;
#[cfg(test)]
mod tests;

use std::time::Duration;

use chrono::NaiveDate;
use platform::{clock::SharedClock, leadership::Lead};
use serde::Deserialize;
use tokio::sync::watch;

pub use database::{Append, Claim, Database, Fault, Opened, Session};
pub use metrics::Metrics;
pub use postgres::Postgres;
pub use queue::{Job, Submission, WriterHandle, queue};
pub use recent::Recent;

/// Bounds of the writer.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WriterConfig {
    /// Commands that may wait. More are refused at once: a longer queue only makes everyone wait longer.
    pub queue_max: usize,
    /// Commands in a batch. Bounds the time that the first of them waits for the last.
    pub batch_commands_max: usize,
    /// Bytes of requests in a batch. Bounds the statement.
    pub batch_bytes_max: usize,
    /// Accounts in memory, inter-branch accounts besides.
    pub accounts_max: usize,
    /// Days for which a request id is remembered.
    pub request_memory_days: u32,
    /// How long a statement of the writer may take before Postgres ends it.
    pub statement_timeout_ms: u32,
    /// How often a replica that is not the writer tries to become it.
    pub lead_retry_ms: u64,
    /// How often the writer says that it is alive.
    pub heartbeat_ms: u64,
    /// After how long without hearing from it another replica ends its session and takes its place.
    pub heartbeat_lost_ms: u64,
}

/// The writer, before it leads.
pub struct Writer<D> {
    pub database: D,
    pub config: WriterConfig,
    pub clock: SharedClock,
    /// Where what was written last is kept for the relay.
    pub recent: Recent,
    /// Where other replicas reach this one. Empty when they cannot.
    pub address: String,
    /// Where the writer is, for those who forward calls to it.
    pub leading: watch::Sender<Lead>,
    pub metrics: Metrics,
}

impl<D: Database> Writer<D> {
    /// Waits for `step`, and no longer than `bound`.
    async fn within<T>(&self, bound: Duration, step: impl Future<Output = T>) -> Option<T> {
        tokio::select! {
            biased;
            done = step => Some(done),
            () = self.database.sleep(bound) => None,
        }
    }

    /// The first business date of which requests are remembered: long before all business, when no day is open.
    fn remembered_from(&self, business_date: Option<NaiveDate>) -> NaiveDate {
        business_date
            .and_then(|date| date.checked_sub_days(chrono::Days::new(self.config.request_memory_days.into())))
            .unwrap_or_default()
    }
}

//! What the writer needs from its database. It is a seam: the simulation replaces it with a database that fails as a seed says.

use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};
use platform::{audit::AuditRecord, leadership::Lead};

use crate::domain::{
    Digest,
    base::BaseVersion,
    book::{AccountState, BatchRow, Heads, Loaded, Needs},
    command::{BusinessDay, Records},
    ids::BatchNumber,
};

/// Where the book is kept.
pub trait Database: Send + Sync + 'static {
    type Session: Session;

    /// A session for the writer alone.
    fn connect(&self) -> impl Future<Output = Result<Self::Session, Fault>> + Send;

    /// Lets time pass; a simulation has a time of its own.
    fn sleep(&self, time: Duration) -> impl Future<Output = ()> + Send;
}

/// A session with the database. It answers each call within a bound, or fails with [`Fault::Lost`].
pub trait Session: Send {
    /// Names a session, also when it is over.
    type Name: Send + Sync;

    /// Takes the lead if no replica has it, or if the one that has it is silent: its session is ended first. The lead is held
    /// until the session ends. Meanwhile the other replicas can see that this one is alive, and reach it at `address`.
    fn claim(&mut self, address: &str) -> impl Future<Output = Result<Claim<Self::Name>, Fault>> + Send;

    /// Whether another session is over, and with it all that it was doing. A session without a client is ended.
    fn is_over(&mut self, session: &Self::Name) -> impl Future<Output = Result<bool, Fault>> + Send;

    /// The book as it was written last.
    fn open(&mut self) -> impl Future<Output = Result<Opened, Fault>> + Send;

    /// What is wanted. Requests are remembered that were booked on `remembered_from` or later.
    fn load(
        &mut self,
        needs: &Needs,
        remembered_from: NaiveDate,
    ) -> impl Future<Output = Result<Loaded, Fault>> + Send;

    /// Writes all of it or nothing.
    fn append(&mut self, append: &Append) -> impl Future<Output = Result<(), Fault>> + Send;

    /// The hash under which a batch stands, if it does.
    fn hash_of(&mut self, batch: BatchNumber) -> impl Future<Output = Result<Option<Digest>, Fault>> + Send;

    /// Whether the session is still there.
    fn ping(&mut self) -> impl Future<Output = Result<(), Fault>> + Send;

    /// Ends the session, and gives up the lead.
    fn close(self) -> impl Future<Output = ()> + Send;
}

/// What became of a claim to the lead.
#[derive(Debug)]
pub enum Claim<N> {
    /// This session has it.
    Won(N),
    /// Another has it.
    Held(Lead),
}

/// What a writer begins with.
#[derive(Debug)]
pub struct Opened {
    /// All base data, in the order in which it was made.
    pub base: Vec<BaseVersion>,
    pub day: Option<BusinessDay>,
    /// The bank's first business day here.
    pub first_day: Option<NaiveDate>,
    pub heads: Heads,
    /// The inter-branch accounts, which stay in memory.
    pub accounts: Vec<AccountState>,
}

/// What one append writes.
#[derive(Clone, Debug)]
pub struct Append {
    pub records: Records,
    /// `None` when the commands changed nothing.
    pub batch: Option<BatchRow>,
    pub audits: Vec<AuditRecord>,
    pub at: DateTime<Utc>,
}

/// How the database fails.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// Nothing was written: another writer has taken the batch number.
    #[error("another writer has taken the batch number")]
    Fenced,
    /// Nothing was written: it does not take this, and will not the next time. The session is good.
    #[error("the database refuses this: {0}")]
    Refused(sqlx::Error),
    /// Nothing was written: it is full, too slow, or in somebody's way, and may not be the next time. The session is good.
    #[error("the database cannot do this now: {0}")]
    Busy(sqlx::Error),
    /// The session is gone, or its server does not write any more. The statement may have been executed.
    #[error("the database is lost: {0}")]
    Lost(sqlx::Error),
}

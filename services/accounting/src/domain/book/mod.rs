//! The book (账簿): what is known of it, and the decisions on it. Commands are decided one after another, each on the state
//! that the ones before it left. The result is what is to be recorded; when recording fails, the whole book is dropped.
//!
//! A command that is refused, or only checked, changes nothing (ACC-9): a decision is made whole before any of it is done.
//! Only the items of a batch are done one by one, and undone when the batch is not to stand.

mod account_state;
mod accounts;
mod acting;
mod amounts;
mod base_data;
mod batch;
mod business;
mod facts;
mod holds;
mod memory;
mod needs;
mod onboarding;
mod opening;
mod posting;
mod repeats;
#[cfg(test)]
pub(crate) mod tests;

use std::{collections::HashMap, sync::Arc};

use chrono::{DateTime, NaiveDate, Utc};
use uuid::Uuid;

pub use account_state::AccountState;
pub use batch::TRANSACTIONS_MAX;
pub use needs::{Loaded, Needs, Place};
pub use onboarding::IMPORTED_MAX;

use super::{
    Digest, chain,
    command::{Action, Answer, BusinessDay, Command, Earlier, Records, Verdict},
    ids::BatchNumber,
    reference::Reference,
    refusal::{Refusal, Rule},
    transaction::Line,
};
use business::Ahead;
use memory::Memory;

/// The last numbers given, and the chain's head. All zero in a book in which nothing is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heads {
    pub posting: i64,
    pub hold: i64,
    pub hold_event: i64,
    pub account: i64,
    pub suspense: i64,
    pub batch: i64,
    /// Of the last batch.
    pub hash: Digest,
    /// When the last batch was recorded.
    pub recorded_at: DateTime<Utc>,
}

impl Default for Heads {
    fn default() -> Self {
        Self {
            posting: 0,
            hold: 0,
            hold_event: 0,
            account: 0,
            suspense: 0,
            batch: 0,
            hash: chain::START,
            recorded_at: DateTime::UNIX_EPOCH,
        }
    }
}

/// A batch of the journal: what one append wrote, and its link in the chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BatchRow {
    pub number: BatchNumber,
    pub first_posting: Option<i64>,
    pub last_posting: Option<i64>,
    pub first_hold_event: Option<i64>,
    pub last_hold_event: Option<i64>,
    /// Hash of the batch before.
    pub previous: Digest,
    pub hash: Digest,
    pub recorded_at: DateTime<Utc>,
}

/// The book, as one writer holds it.
#[derive(Debug)]
pub struct Book {
    reference: Arc<Reference>,
    day: Option<BusinessDay>,
    /// The bank's first business day here.
    first_day: Option<NaiveDate>,
    heads: Heads,
    memory: Memory,
    /// What the requests of the batch in hand were answered: before it, and in it.
    answered: HashMap<Uuid, Earlier>,
    /// What commands that are being collected may change for those after them.
    ahead: Ahead,
}

impl Book {
    /// A book that knows its base data, its open day and its last numbers. Of accounts it remembers at most `accounts_max`,
    /// and inter-branch accounts besides; it learns them as they are wanted.
    pub fn new(reference: Reference, day: Option<BusinessDay>, heads: Heads, accounts_max: usize) -> Self {
        Self {
            reference: Arc::new(reference),
            first_day: day.as_ref().map(|day| day.date),
            day,
            heads,
            memory: Memory::new(accounts_max),
            answered: HashMap::new(),
            ahead: Ahead::default(),
        }
    }

    /// The same book, of a bank whose first business day here was another than the open one.
    #[must_use]
    pub fn begun_on(mut self, first_day: Option<NaiveDate>) -> Self {
        self.first_day = first_day.or(self.first_day);
        self
    }

    /// The last numbers given, and the chain's head.
    pub fn heads(&self) -> &Heads {
        &self.heads
    }

    /// The business day that is open.
    pub fn day(&self) -> Option<&BusinessDay> {
        self.day.as_ref()
    }

    /// The time for what is decided next: what the clock says, and never before what is recorded already.
    pub fn time(&self, clock: DateTime<Utc>) -> DateTime<Utc> {
        clock.max(self.heads.recorded_at)
    }

    /// Base data.
    pub fn reference(&self) -> &Reference {
        &self.reference
    }

    /// Adds what a command needs and the book does not hold. What it does hold is kept until the next [`Self::learn`].
    pub fn needs(&mut self, command: &Command, needs: &mut Needs) {
        let (lines, places) = self.lines_by_template(command);
        needs::of_lines(&lines, &mut self.memory, needs);
        for place in places {
            needs::of_place(place, &mut self.memory, needs);
        }
        self.ahead.see(command);
        needs::collect(command, &mut self.memory, needs);
        self.want_months(command, needs);
    }

    /// Takes in what was wanted for the commands that come next.
    pub fn learn(&mut self, loaded: Loaded) {
        // Cleared rather than replaced: it is filled again with every batch.
        self.answered.clear();
        self.answered.extend(loaded.earlier);
        self.memory.learn(loaded.accounts);
        self.ahead = Ahead::default();
    }

    /// Decides a command, and adds what is to be recorded to `records`. All that the command needs has been learned.
    pub fn decide(&mut self, command: &Command, now: DateTime<Utc>, records: &mut Records) -> Verdict {
        if let Some(verdict) = self.repeated(command) {
            return verdict;
        }
        match self.act(command, now, records) {
            Ok(answer) => {
                self.remember(command, &answer, records);
                Verdict::Done(answer)
            }
            Err(refusal) => Verdict::Refused(refusal),
        }
    }

    /// Closes the batch over what was recorded since the last one.
    pub fn seal(&mut self, records: &Records, now: DateTime<Utc>) -> BatchRow {
        let number = BatchNumber(self.heads.batch + 1);
        let postings = records.postings.iter().map(Arc::as_ref);
        let hash = chain::hash(&self.heads.hash, number, now, postings, records.hold_events.iter());
        let row = BatchRow {
            number,
            first_posting: records.postings.first().map(|posting| posting.number.0),
            last_posting: records.postings.last().map(|posting| posting.number.0),
            first_hold_event: records.hold_events.first().map(|event| event.number),
            last_hold_event: records.hold_events.last().map(|event| event.number),
            previous: self.heads.hash,
            hash,
            recorded_at: now,
        };
        self.heads.batch = number.0;
        self.heads.hash = hash;
        self.heads.recorded_at = now;
        row
    }

    fn act(
        &mut self,
        command: &Command,
        now: DateTime<Utc>,
        records: &mut Records,
    ) -> Result<Answer, Refusal> {
        let origin = &command.origin;
        match &command.action {
            Action::Post(transaction) => self.post(origin, transaction, now, records),
            Action::PostBatch { mode, transactions } => {
                self.post_batch(origin, *mode, transactions, now, records)
            }
            Action::BookFact(fact) => self.book_fact(origin, fact, now, records),
            Action::PostBusiness(business) => self.post_business(origin, business, now, records),
            Action::PlaceHold { account, currency, amount, expires_at, purpose, reference } => {
                let requested = holds::Requested {
                    account,
                    currency,
                    amount: *amount,
                    expires_at: *expires_at,
                    purpose,
                    reference,
                };
                self.place_hold(origin, &requested, now, records)
            }
            Action::CaptureHold { hold, transaction, keep_rest } => {
                self.capture_hold(origin, *hold, transaction, *keep_rest, now, records)
            }
            Action::ReleaseHold { hold } => self.release_hold(origin, *hold, now, records),
            Action::ExpireHolds { holds } => Ok(self.expire_holds(origin, holds, now, records)),
            Action::OpenAccount(open) => self.open_account(origin, open, now, records),
            Action::ChangeAccount { account, change, reason } => {
                self.change_account(origin, account, change, reason, now, records)
            }
            Action::ChangeBaseData { records: changed, reason } => {
                self.change_base_data(origin, changed, reason, now, records)
            }
            Action::OpenBusinessDay { date } => self.open_business_day(origin, *date, now, records),
            Action::ImportAccounts { accounts } => self.import_accounts(origin, accounts, now, records),
            Action::ImportPostings { transactions } => {
                self.import_postings(origin, transactions, now, records)
            }
        }
    }

    /// The lines that a template may come to make of a command, and where besides their amounts may go.
    fn lines_by_template(&self, command: &Command) -> (Vec<Line>, Vec<Place>) {
        match &command.action {
            Action::PostBusiness(business) => {
                let branch = &command.origin.branch;
                (self.lines_ahead(&business.code, &business.fields, branch), Vec::new())
            }
            Action::BookFact(fact) => self.fact_ahead(fact),
            _ => (Vec::new(), Vec::new()),
        }
    }

    fn business_date(&self) -> Result<NaiveDate, Rule> {
        self.day.as_ref().map(|day| day.date).ok_or(Rule::NoBusinessDay)
    }
}

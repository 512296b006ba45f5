//! Verifies a journal from its first batch on: links, contents, numbers, balances. It knows nothing but what it is fed.

use std::collections::{HashMap, HashSet};

use rust_decimal::Decimal;

use super::{START, hash};
use crate::domain::{
    Digest,
    balance::RunningBalance,
    base::LedgerClass,
    book::BatchRow,
    hold::{Hold, HoldEvent, HoldState},
    ids::{AccountId, HoldNumber},
    side::Side,
    transaction::{Entry, Posting},
};

/// Where a journal is broken first, in words.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("batch {batch}: {what}")]
pub struct Broken {
    pub batch: i64,
    pub what: String,
}

/// Verifies batches, fed one by one in order.
#[derive(Clone, Debug)]
pub struct Verifier {
    batch: i64,
    hash: Digest,
    posting: i64,
    hold_event: i64,
    entries: u64,
    balances: HashMap<AccountId, RunningBalance>,
    hold: i64,
    open_holds: HashMap<HoldNumber, Hold>,
}

impl Default for Verifier {
    fn default() -> Self {
        Self {
            batch: 0,
            hash: START,
            posting: 0,
            hold_event: 0,
            entries: 0,
            balances: HashMap::new(),
            hold: 0,
            open_holds: HashMap::new(),
        }
    }
}

impl Verifier {
    pub fn new() -> Self {
        Self::default()
    }

    /// Verifies the next batch. After a broken one there is nothing more to be said: what follows stands on it.
    pub fn batch(
        &mut self,
        row: &BatchRow,
        postings: &[Posting],
        hold_events: &[HoldEvent],
    ) -> Result<(), Broken> {
        self.next(row, postings, hold_events).map_err(|what| Broken { batch: row.number.0, what })
    }

    /// How many batches have been verified, which is the number of the last.
    pub fn batches(&self) -> i64 {
        self.batch
    }

    /// How many postings, which is the number of the last.
    pub fn postings(&self) -> i64 {
        self.posting
    }

    /// How many events of holds, which is the number of the last.
    pub fn hold_events(&self) -> i64 {
        self.hold_event
    }

    pub fn entries(&self) -> u64 {
        self.entries
    }

    /// The hash of the last batch.
    pub fn hash(&self) -> Digest {
        self.hash
    }

    /// The balance of each account that has any entry, recomputed from its entries.
    pub fn balances(&self) -> &HashMap<AccountId, RunningBalance> {
        &self.balances
    }

    fn next(
        &mut self,
        row: &BatchRow,
        postings: &[Posting],
        hold_events: &[HoldEvent],
    ) -> Result<(), String> {
        if row.number.0 != self.batch + 1 {
            return Err(format!("batch {} is missing before it", self.batch + 1));
        }
        if row.previous != self.hash {
            return Err("its link is not the hash of the batch before it".to_owned());
        }
        let numbers: Vec<i64> = postings.iter().map(|posting| posting.number.0).collect();
        consecutive("posting", self.posting, (row.first_posting, row.last_posting), &numbers)?;
        let numbers: Vec<i64> = hold_events.iter().map(|event| event.number).collect();
        consecutive("hold event", self.hold_event, (row.first_hold_event, row.last_hold_event), &numbers)?;
        for posting in postings {
            self.posting(posting).map_err(|what| format!("posting {}: {what}", posting.number))?;
        }
        for event in hold_events {
            self.hold_event(event).map_err(|what| format!("hold event {}: {what}", event.number))?;
        }
        if hash(&self.hash, row.number, row.recorded_at, postings.iter(), hold_events.iter()) != row.hash {
            return Err("its content is not that over which its hash was made".to_owned());
        }
        self.batch = row.number.0;
        self.hash = row.hash;
        Ok(())
    }

    fn posting(&mut self, posting: &Posting) -> Result<(), String> {
        balanced(&posting.entries)?;
        for entry in &posting.entries {
            self.entry(entry).map_err(|what| format!("account {}: {what}", entry.account))?;
        }
        self.posting = posting.number.0;
        Ok(())
    }

    /// ACC-2: entries are numbered 1, 2, 3 ..., and the totals are the sums.
    fn entry(&mut self, entry: &Entry) -> Result<(), String> {
        let balance = self.balances.entry(entry.account_id).or_default();
        if entry.n != balance.n + 1 {
            return Err(format!("entry {} does not follow entry {}", entry.n, balance.n));
        }
        let after = balance.after(entry.side, entry.amount).ok_or("its totals are too large")?;
        if (after.debit, after.credit) != (entry.debit_total, entry.credit_total) {
            return Err(format!(
                "after entry {} its totals are {} and {}, and should be {} and {}",
                entry.n, entry.debit_total, entry.credit_total, after.debit, after.credit
            ));
        }
        *balance = after;
        self.entries += 1;
        Ok(())
    }

    /// ACC-8: a hold gives no more than it set aside, and ends once.
    fn hold_event(&mut self, event: &HoldEvent) -> Result<(), String> {
        let hold = &event.hold;
        let of_hold = |what: &str| format!("hold {}: {what}", hold.number);
        if let Some(before) = self.open_holds.remove(&hold.number) {
            if hold.version != before.version + 1 {
                return Err(of_hold("its versions do not follow each other"));
            }
            let given = hold.captured.checked_add(hold.remaining);
            let was = before.captured.checked_add(before.remaining);
            if hold.amount != before.amount || hold.captured < before.captured || given > was {
                return Err(of_hold("it gives more than it set aside"));
            }
        } else if hold.number.0 != self.hold + 1 || hold.version != 1 {
            return Err(of_hold("it is not open, nor the next to be placed"));
        } else {
            self.hold = hold.number.0;
        }
        if hold.state == HoldState::Open {
            self.open_holds.insert(hold.number, hold.clone());
        }
        self.hold_event = event.number;
        Ok(())
    }
}

/// ACC-5: numbers have no gap, and a batch says which it has.
fn consecutive(
    what: &str,
    last: i64,
    (from, to): (Option<i64>, Option<i64>),
    numbers: &[i64],
) -> Result<(), String> {
    for (next, number) in (last + 1..).zip(numbers) {
        if *number > next {
            return Err(format!("{what} {next} is missing"));
        }
        if *number < next {
            return Err(format!("{what} {number} is there a second time, or out of order"));
        }
    }
    if (from, to) == (numbers.first().copied(), numbers.last().copied()) {
        return Ok(());
    }
    Err(format!("it should have {what}s {} to {}", or_none(from), or_none(to)))
}

fn or_none(number: Option<i64>) -> String {
    number.map_or_else(|| "none".to_owned(), |number| number.to_string())
}

/// ACC-1: the entries on the balance sheet balance in each currency and branch.
fn balanced(entries: &[Entry]) -> Result<(), String> {
    let mut seen = HashSet::new();
    let on_balance =
        |entry: &&Entry| LedgerClass::of(&entry.ledger_code).is_none_or(|class| !class.is_off_balance());
    for entry in entries.iter().filter(on_balance) {
        if !seen.insert((&entry.branch, entry.currency)) {
            continue;
        }
        let alike = entries
            .iter()
            .filter(on_balance)
            .filter(|other| other.branch == entry.branch && other.currency == entry.currency);
        let difference = alike.map(signed).try_fold(Decimal::ZERO, Decimal::checked_add);
        if difference != Some(Decimal::ZERO) {
            return Err(format!("it does not balance in {} in branch {}", entry.currency, entry.branch));
        }
    }
    Ok(())
}

fn signed(entry: &Entry) -> Decimal {
    match entry.side {
        Side::Debit => entry.amount,
        Side::Credit => -entry.amount,
    }
}

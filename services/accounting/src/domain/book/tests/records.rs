//! What a database would hold of the book, and how a writer reads it: for restarts, and to check the book against.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use chrono::NaiveDate;
use uuid::Uuid;

use crate::domain::{
    account::Account,
    balance::RunningBalance,
    base::BaseVersion,
    book::{AccountState, BatchRow, Book, Heads, Loaded, Needs},
    chain::{Broken, Verifier},
    command::{Answer, BusinessDay, Earlier, KeptAnswer, Records},
    hold::{Hold, HoldEvent, HoldState},
    ids::{AccountId, AccountNumber, CurrencyCode, HoldNumber, PostingNumber},
    reference::Reference,
    status::AccountStatus,
    suspense::SuspenseRecord,
    transaction::Posting,
};

/// Everything that was recorded.
#[derive(Clone, Default)]
pub struct Recorded {
    pub base: Vec<BaseVersion>,
    pub day: Option<BusinessDay>,
    pub first_day: Option<NaiveDate>,
    pub accounts: BTreeMap<AccountId, Account>,
    pub versions: Vec<Account>,
    pub postings: Vec<Posting>,
    pub hold_events: Vec<HoldEvent>,
    pub kept: HashMap<Uuid, KeptAnswer>,
    pub batches: Vec<BatchRow>,
    pub suspense: Vec<SuspenseRecord>,
}

impl Records {
    /// Whether nothing at all was recorded.
    pub fn is_bare(&self) -> bool {
        let Self { postings, hold_events, accounts, base_records, business_days, answers, suspense_items } =
            self;
        postings.is_empty()
            && hold_events.is_empty()
            && accounts.is_empty()
            && base_records.is_empty()
            && business_days.is_empty()
            && answers.is_empty()
            && suspense_items.is_empty()
    }
}

impl Recorded {
    /// A book as a new writer opens it.
    pub fn open_book(&self, accounts_max: usize) -> Book {
        let reference = Reference::from_versions(self.base.clone()).unwrap();
        let mut book =
            Book::new(reference, self.day.clone(), self.heads(), accounts_max).begun_on(self.first_day);
        let between_branches = self
            .accounts
            .values()
            .filter(|account| account.kind == crate::domain::account::AccountKind::InterBranch);
        let accounts = between_branches.map(|account| self.state_of(account)).collect();
        book.learn(Loaded { accounts, earlier: HashMap::new() });
        book
    }

    /// The last numbers given, and the chain's head.
    pub fn heads(&self) -> Heads {
        Heads {
            posting: self.postings.last().map_or(0, |posting| posting.number.0),
            hold: self.hold_events.iter().map(|event| event.hold.number.0).max().unwrap_or(0),
            hold_event: self.hold_events.last().map_or(0, |event| event.number),
            account: self.accounts.keys().last().map_or(0, |id| id.0),
            suspense: self.suspense.last().map_or(0, |record| record.item.number.0),
            batch: self.batches.last().map_or(0, |row| row.number.0),
            hash: self.batches.last().map_or(Heads::default().hash, |row| row.hash),
            recorded_at: self.batches.last().map_or(Heads::default().recorded_at, |row| row.recorded_at),
        }
    }

    pub fn append(&mut self, row: BatchRow, records: Records) {
        self.batches.push(row);
        self.postings.extend(records.postings.iter().map(|posting| Posting::clone(posting)));
        self.hold_events.extend(records.hold_events);
        for version in records.accounts {
            self.versions.push(version.account.clone());
            self.accounts.insert(version.account.id, version.account);
        }
        self.base.extend(records.base_records.into_iter().map(|record| record.version));
        if let Some((day, _)) = records.business_days.into_iter().last() {
            self.first_day.get_or_insert(day.date);
            self.day = Some(day);
        }
        self.suspense.extend(records.suspense_items);
        self.kept.extend(records.answers.into_iter().map(|kept| (kept.request_id, kept)));
    }

    /// The load step.
    pub fn load(&self, needs: &Needs) -> Loaded {
        let of_hold = |id: AccountId| {
            self.hold_events
                .iter()
                .any(|event| needs.holds.contains(&event.hold.number) && event.hold.account_id == id)
        };
        let wanted = |account: &&Account| {
            let currency = CurrencyCode::new(account.currency.code());
            let place = (account.branch.clone(), account.ledger_code.clone(), currency);
            let is_closed = matches!(account.status, AccountStatus::Closed { .. });
            needs.accounts.contains(&account.number)
                || (account.kind.is_one_of_branch() && !is_closed && needs.of_branch.contains(&place))
                || account.former_number.as_ref().is_some_and(|it| needs.former_numbers.contains(it))
                || of_hold(account.id)
        };
        let accounts = self.accounts.values().filter(wanted).map(|account| self.state_of(account)).collect();
        let earlier = needs.requests.iter().filter_map(|id| Some((*id, self.earlier(*id)?))).collect();
        Loaded { accounts, earlier }
    }

    pub fn state(&self, number: &AccountNumber) -> Option<AccountState> {
        self.accounts.values().find(|account| account.number == *number).map(|account| self.state_of(account))
    }

    /// Verifies everything, and that everything is in some batch.
    pub fn verify(&self) -> Verifier {
        let verifier = self.verified().unwrap();
        let counted = (verifier.postings(), verifier.hold_events());
        let last =
            (self.postings.last().map(|last| last.number.0), self.hold_events.last().map(|last| last.number));
        assert_eq!(counted, (last.0.unwrap_or(0), last.1.unwrap_or(0)), "everything is in some batch");
        verifier
    }

    /// Verifies everything, as it is found by the numbers that the batches name.
    pub fn verified(&self) -> Result<Verifier, Broken> {
        let mut verifier = Verifier::new();
        for row in &self.batches {
            let within = |number: i64, first: Option<i64>, last: Option<i64>| {
                first.is_some_and(|first| first <= number) && last.is_some_and(|last| number <= last)
            };
            let postings =
                self.postings.iter().filter(|it| within(it.number.0, row.first_posting, row.last_posting));
            let events = self
                .hold_events
                .iter()
                .filter(|it| within(it.number, row.first_hold_event, row.last_hold_event));
            let (postings, events): (Vec<Posting>, Vec<HoldEvent>) =
                (postings.cloned().collect(), events.cloned().collect());
            verifier.batch(row, &postings, &events)?;
        }
        Ok(verifier)
    }

    pub fn state_of(&self, account: &Account) -> AccountState {
        let mut entries = self.postings.iter().flat_map(|posting| &posting.entries);
        let last = entries.rfind(|entry| entry.account_id == account.id);
        let balance = last.map_or(RunningBalance::default(), |entry| RunningBalance {
            n: entry.n,
            debit: entry.debit_total,
            credit: entry.credit_total,
        });
        AccountState::new(Arc::new(account.clone()), balance, self.open_holds(account.id))
    }

    fn open_holds(&self, account: AccountId) -> Vec<Hold> {
        let mut last: BTreeMap<HoldNumber, &Hold> = BTreeMap::new();
        for event in self.hold_events.iter().filter(|event| event.hold.account_id == account) {
            last.insert(event.hold.number, &event.hold);
        }
        last.into_values().filter(|hold| hold.state == HoldState::Open).cloned().collect()
    }

    pub fn earlier(&self, request: Uuid) -> Option<Earlier> {
        let posting = self.postings.iter().find(|posting| posting.request_id == request);
        let event = self.hold_events.iter().find(|event| event.request_id == request);
        if let Some(kept) = self.kept.get(&request) {
            let answer = kept.answer.clone().into_answer(|number| self.posting(number)).unwrap();
            return Some(Earlier { digest: kept.digest, answer });
        }
        let digest = posting.map(|posting| posting.digest).or(event.map(|event| event.digest))?;
        let answer =
            match (posting.map(|posting| Arc::new(posting.clone())), event.map(|event| event.hold.clone())) {
                (Some(posting), Some(hold)) => Answer::Captured { posting, hold },
                (Some(posting), None) => Answer::Posted(posting),
                (None, Some(hold)) => Answer::Hold(hold),
                (None, None) => return None,
            };
        Some(Earlier { digest, answer })
    }

    fn posting(&self, number: PostingNumber) -> Option<Arc<Posting>> {
        self.postings.iter().find(|posting| posting.number == number).map(|posting| Arc::new(posting.clone()))
    }
}

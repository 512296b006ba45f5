//! The accounts in memory: found by number, by place and by hold; the least recently used are evicted when there are too many.

use std::{collections::HashMap, hash::Hash, sync::Arc};

use lru::LruCache;
use money::Currency;

use super::{AccountState, Place};
use crate::domain::{
    account::{Account, AccountKind},
    balance::RunningBalance,
    hold::{Hold, HoldState},
    ids::{AccountNumber, BranchCode, CurrencyCode, FormerNumber, HoldNumber},
    status::AccountStatus,
    transaction::AccountRef,
};

/// An account in memory.
#[derive(Debug)]
struct Slot {
    state: AccountState,
    /// The last batch of commands that named it.
    named_in: u64,
}

/// The accounts in memory.
#[derive(Debug)]
pub(super) struct Memory {
    /// Besides inter-branch accounts, which stay.
    accounts_max: usize,
    slots: LruCache<AccountNumber, Slot>,
    /// Accounts of which a branch has one for a code and currency. Closed ones are left out, since another may replace them.
    by_place: HashMap<Place, AccountNumber>,
    /// Accounts that were moved in.
    by_former_number: HashMap<FormerNumber, AccountNumber>,
    /// Inter-branch accounts that are not closed.
    inter_branch: HashMap<(BranchCode, Currency), AccountNumber>,
    /// Open holds.
    by_hold: HashMap<HoldNumber, AccountNumber>,
    /// How many accounts stay in any case.
    pinned: usize,
    /// The batch of commands that is being collected.
    batch: u64,
}

impl Memory {
    pub fn new(accounts_max: usize) -> Self {
        Self {
            accounts_max,
            slots: LruCache::unbounded(),
            by_place: HashMap::new(),
            by_former_number: HashMap::new(),
            inter_branch: HashMap::new(),
            by_hold: HashMap::new(),
            pinned: 0,
            batch: 1,
        }
    }

    pub fn by_number(&self, number: &AccountNumber) -> Option<&AccountState> {
        self.slots.peek(number).map(|slot| &slot.state)
    }

    pub fn of_branch(&self, place: &Place) -> Option<&AccountState> {
        self.by_number(self.by_place.get(place)?)
    }

    pub fn by_former_number(&self, former_number: &FormerNumber) -> Option<&AccountState> {
        self.by_number(self.by_former_number.get(former_number)?)
    }

    /// The account that a line means.
    pub fn meant(&self, account: &AccountRef, currency: &CurrencyCode) -> Option<&AccountState> {
        match account {
            AccountRef::Number(number) => self.by_number(number),
            AccountRef::Former(former_number) => self.by_former_number(former_number),
            AccountRef::OfBranch { branch, ledger_code } => {
                self.of_branch(&(branch.clone(), ledger_code.clone(), currency.clone()))
            }
        }
    }

    /// The inter-branch account of a branch in a currency.
    pub fn inter_branch(&self, branch: &BranchCode, currency: Currency) -> Option<&AccountState> {
        self.by_number(self.inter_branch.get(&(branch.clone(), currency))?)
    }

    /// An open hold, with its account.
    pub fn hold(&self, number: HoldNumber) -> Option<(&AccountState, &Hold)> {
        let state = self.by_number(self.by_hold.get(&number)?)?;
        Some((state, state.holds.iter().find(|hold| hold.number == number)?))
    }

    /// Whether the account with this number is in memory; if so, it stays for the current commands.
    pub fn names_number(&mut self, number: &AccountNumber) -> bool {
        match self.slots.get_mut(number) {
            Some(slot) => {
                slot.named_in = self.batch;
                true
            }
            None => false,
        }
    }

    /// The same, of an account by its place.
    pub fn names_place(&mut self, place: &Place) -> bool {
        let number = self.by_place.get(place).cloned();
        number.is_some_and(|number| self.names_number(&number))
    }

    /// The same, of an account by the number that it had before.
    pub fn names_former_number(&mut self, former_number: &FormerNumber) -> bool {
        let number = self.by_former_number.get(former_number).cloned();
        number.is_some_and(|number| self.names_number(&number))
    }

    /// The same, of the account of an open hold.
    pub fn names_hold(&mut self, hold: HoldNumber) -> bool {
        let number = self.by_hold.get(&hold).cloned();
        number.is_some_and(|number| self.names_number(&number))
    }

    /// Adds accounts for the current commands, and evicts the least recently used. An account that is in memory already is as
    /// recent as the loaded one.
    pub fn learn(&mut self, accounts: Vec<AccountState>) {
        for state in accounts {
            if !self.names_number(&state.account.number) {
                self.insert(state);
            }
        }
        self.trim();
        self.batch += 1;
    }

    /// Adds an account.
    pub fn insert(&mut self, state: AccountState) {
        let account = Arc::clone(&state.account);
        if let Some(former_number) = &account.former_number {
            self.by_former_number.insert(former_number.clone(), account.number.clone());
        }
        if account.kind == AccountKind::InterBranch {
            self.pinned += 1;
        }
        self.by_hold.extend(state.holds.iter().map(|hold| (hold.number, account.number.clone())));
        self.find_by_place(&account);
        self.slots.put(account.number.clone(), Slot { state, named_in: self.batch });
    }

    /// An account as it is after a change.
    pub fn replace(&mut self, account: Arc<Account>) {
        self.find_by_place(&account);
        if let Some(slot) = self.slots.peek_mut(&account.number) {
            slot.state.account = account;
        }
    }

    /// Sets the balance of an account, and returns what it was.
    pub fn set_balance(&mut self, account: &AccountNumber, balance: RunningBalance) -> RunningBalance {
        let slot = self.slots.peek_mut(account).expect("invariant: what was decided on is in memory");
        std::mem::replace(&mut slot.state.balance, balance)
    }

    /// A hold as it is after an event.
    pub fn put_hold(&mut self, hold: &Hold) {
        let slot = self.slots.peek_mut(&hold.account).expect("invariant: what was decided on is in memory");
        let holds = &mut slot.state.holds;
        holds.retain(|other| other.number != hold.number);
        if hold.state == HoldState::Open {
            let place = holds.partition_point(|other| other.number < hold.number);
            holds.insert(place, hold.clone());
            self.by_hold.insert(hold.number, hold.account.clone());
        } else {
            self.by_hold.remove(&hold.number);
        }
    }

    /// Finds an account by its place as long as it is not closed.
    fn find_by_place(&mut self, account: &Account) {
        if !account.kind.is_one_of_branch() {
            return;
        }
        let number = &account.number;
        let place = place_of(account);
        let between = (account.branch.clone(), account.currency);
        if matches!(account.status, AccountStatus::Closed { .. }) {
            forget_at(&mut self.by_place, &place, number);
            forget_at(&mut self.inter_branch, &between, number);
            return;
        }
        if account.kind == AccountKind::InterBranch {
            self.inter_branch.insert(between, number.clone());
        }
        self.by_place.insert(place, number.clone());
    }

    /// Evicts accounts above the bound. Those that the current commands name were moved to the front when they were named, so
    /// the first of them at the back means that only such are left.
    fn trim(&mut self) {
        while self.slots.len() - self.pinned > self.accounts_max {
            let Some((number, slot)) = self.slots.peek_lru() else { return };
            let number = number.clone();
            if slot.state.account.kind == AccountKind::InterBranch {
                self.slots.promote(&number);
            } else if slot.named_in == self.batch {
                return;
            } else {
                self.forget(&number);
            }
        }
    }

    /// Removes an account that was added and must not remain.
    pub fn remove(&mut self, number: &AccountNumber) {
        let added = self.by_number(number).map(|state| Arc::clone(&state.account));
        let Some(account) = added else { return };
        if account.kind == AccountKind::InterBranch {
            self.pinned -= 1;
            self.inter_branch.remove(&(account.branch.clone(), account.currency));
        }
        self.forget(number);
    }

    fn forget(&mut self, number: &AccountNumber) {
        let Some(Slot { state, .. }) = self.slots.pop(number) else { return };
        if state.account.kind.is_one_of_branch() {
            forget_at(&mut self.by_place, &place_of(&state.account), number);
        }
        if let Some(former_number) = &state.account.former_number {
            self.by_former_number.remove(former_number);
        }
        for hold in &state.holds {
            self.by_hold.remove(&hold.number);
        }
    }
}

/// Removes the entry for a place, when it is this account.
fn forget_at<P: Eq + Hash>(places: &mut HashMap<P, AccountNumber>, place: &P, number: &AccountNumber) {
    if places.get(place) == Some(number) {
        places.remove(place);
    }
}

fn place_of(account: &Account) -> Place {
    (account.branch.clone(), account.ledger_code.clone(), CurrencyCode::new(account.currency.code()))
}

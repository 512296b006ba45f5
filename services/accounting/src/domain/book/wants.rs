//! What commands need to be decided, and what was found of it.

use std::collections::{HashMap, HashSet};

use uuid::Uuid;

use super::{AccountState, LINES_MAX, TRANSACTIONS_MAX, memory::Memory};
use crate::domain::{
    account_number,
    command::{Action, Command, Earlier, item_request_id},
    ids::{AccountNumber, BranchCode, CurrencyCode, HoldNumber, LedgerCodeNumber},
    transaction::{AccountRef, Transaction},
};

/// Where a branch has one account at most: branch, ledger code and currency.
pub type Place = (BranchCode, LedgerCodeNumber, CurrencyCode);

/// What commands need and the book does not hold.
#[derive(Clone, Debug, Default)]
pub struct Wants {
    /// Requests, to tell what each was answered before.
    pub requests: Vec<Uuid>,
    /// Accounts by number, with their balances and open holds.
    pub accounts: HashSet<AccountNumber>,
    /// Accounts by place.
    pub of_branch: HashSet<Place>,
    /// Accounts by a hold on them.
    pub holds: HashSet<HoldNumber>,
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    pub accounts: Vec<AccountState>,
    /// What requests were answered before, by request id.
    pub earlier: HashMap<Uuid, Earlier>,
}

/// Of a command that is larger than allowed, no more than is allowed: it is refused whatever is found.
pub(super) fn collect(command: &Command, memory: &mut Memory, wants: &mut Wants) {
    let origin = &command.origin;
    if origin.is_remembered() {
        match &command.action {
            Action::PostBatch { transactions, .. } => {
                let items = 0..transactions.len().clamp(1, TRANSACTIONS_MAX);
                wants.requests.extend(items.map(|item| item_request_id(origin.request_id, item)));
            }
            _ => wants.requests.push(origin.request_id),
        }
    }
    match &command.action {
        Action::Post(transaction) => of_transaction(transaction, memory, wants),
        Action::PostBatch { transactions, .. } => {
            for transaction in transactions.iter().take(TRANSACTIONS_MAX) {
                of_transaction(transaction, memory, wants);
            }
        }
        Action::CaptureHold { hold, transaction, .. } => {
            of_hold(*hold, memory, wants);
            of_transaction(transaction, memory, wants);
        }
        Action::ReleaseHold { hold } => of_hold(*hold, memory, wants),
        Action::ExpireHolds { holds } => holds.iter().for_each(|hold| of_hold(*hold, memory, wants)),
        Action::PlaceHold { account, .. } | Action::ChangeAccount { account, .. } => {
            of_number(account, memory, wants);
        }
        Action::OpenAccount(open) if open.kind.is_one_of_branch() => {
            of_place((origin.branch.clone(), open.ledger_code.clone(), open.currency.clone()), memory, wants);
        }
        Action::OpenAccount(_) | Action::ChangeBaseData { .. } | Action::OpenBusinessDay { .. } => {}
    }
}

fn of_transaction(transaction: &Transaction, memory: &mut Memory, wants: &mut Wants) {
    for line in transaction.lines.iter().take(LINES_MAX) {
        match &line.account {
            AccountRef::Number(number) => of_number(number, memory, wants),
            AccountRef::OfBranch { branch, ledger_code } => {
                of_place((branch.clone(), ledger_code.clone(), line.currency.clone()), memory, wants);
            }
        }
    }
}

/// No account has a number that is not well formed, so none is looked for.
fn of_number(number: &AccountNumber, memory: &mut Memory, wants: &mut Wants) {
    if !memory.names_number(number) && account_number::is_well_formed(number) {
        wants.accounts.insert(number.clone());
    }
}

fn of_place(place: Place, memory: &mut Memory, wants: &mut Wants) {
    if !memory.names_place(&place) {
        wants.of_branch.insert(place);
    }
}

fn of_hold(hold: HoldNumber, memory: &mut Memory, wants: &mut Wants) {
    if !memory.names_hold(hold) {
        wants.holds.insert(hold);
    }
}

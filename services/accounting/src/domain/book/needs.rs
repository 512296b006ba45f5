//! What the decision on commands needs, and what of it was found.

use std::collections::{BTreeSet, HashMap, HashSet};

use chrono::NaiveDate;
use uuid::Uuid;

use super::{AccountState, IMPORTED_MAX, TRANSACTIONS_MAX, memory::Memory};
use crate::domain::{
    account_number,
    command::{AccountToImport, Action, Command, Earlier, item_request_id},
    ids::{AccountNumber, BranchCode, CurrencyCode, FormerNumber, HoldNumber, LedgerCodeNumber},
    transaction::{AccountRef, LINES_MAX, Line, Transaction},
};

/// Where a branch has one account at most: branch, ledger code and currency.
pub type Place = (BranchCode, LedgerCodeNumber, CurrencyCode);

/// What commands need and the book does not hold.
#[derive(Clone, Debug, Default)]
pub struct Needs {
    /// Requests, whose earlier answers are needed.
    pub requests: Vec<Uuid>,
    /// Accounts by number, with their balances and open holds.
    pub accounts: HashSet<AccountNumber>,
    /// Accounts by place.
    pub of_branch: HashSet<Place>,
    /// Accounts by the number that they had before they were moved in.
    pub former_numbers: HashSet<FormerNumber>,
    /// Accounts by a hold on them.
    pub holds: HashSet<HoldNumber>,
    /// Months of the journal that are written to and may be missing, by their first days.
    pub months: BTreeSet<NaiveDate>,
}

impl Needs {
    /// Whether no account is wanted.
    pub fn names_no_account(&self) -> bool {
        self.accounts.is_empty()
            && self.of_branch.is_empty()
            && self.former_numbers.is_empty()
            && self.holds.is_empty()
    }
}

/// What was found.
#[derive(Clone, Debug, Default)]
pub struct Loaded {
    pub accounts: Vec<AccountState>,
    /// What requests were answered before, by request id.
    pub earlier: HashMap<Uuid, Earlier>,
}

/// A command that is larger than allowed needs no more than the allowed size: it is refused in any case.
pub(super) fn collect(command: &Command, memory: &mut Memory, needs: &mut Needs) {
    let origin = &command.origin;
    if origin.is_remembered() {
        match &command.action {
            Action::PostBatch { transactions, .. } => {
                let items = 0..transactions.len().clamp(1, TRANSACTIONS_MAX);
                needs.requests.extend(items.map(|item| item_request_id(origin.request_id, item)));
            }
            _ => needs.requests.push(origin.request_id),
        }
    }
    match &command.action {
        Action::Post(transaction) => of_transaction(transaction, memory, needs),
        Action::PostBatch { transactions, .. } => {
            for transaction in transactions.iter().take(TRANSACTIONS_MAX) {
                of_transaction(transaction, memory, needs);
            }
        }
        Action::CaptureHold { hold, transaction, .. } => {
            of_hold(*hold, memory, needs);
            of_transaction(transaction, memory, needs);
        }
        Action::ReleaseHold { hold } => of_hold(*hold, memory, needs),
        Action::ExpireHolds { holds } => holds.iter().for_each(|hold| of_hold(*hold, memory, needs)),
        Action::PlaceHold { account, .. } | Action::ChangeAccount { account, .. } => {
            of_number(account, memory, needs);
        }
        Action::OpenAccount(open) if open.kind.is_one_of_branch() => {
            of_place((origin.branch.clone(), open.ledger_code.clone(), open.currency.clone()), memory, needs);
        }
        Action::ImportPostings { transactions } => {
            for transaction in transactions.iter().take(IMPORTED_MAX).flatten() {
                of_transaction(transaction, memory, needs);
            }
        }
        Action::ImportAccounts { accounts } => {
            for account in accounts.iter().take(IMPORTED_MAX).flatten() {
                of_import(account, memory, needs);
            }
        }
        // The lines of a business transaction are found by its template.
        Action::PostBusiness(_)
        | Action::BookFact(_)
        | Action::OpenAccount(_)
        | Action::ChangeBaseData { .. }
        | Action::OpenBusinessDay { .. } => {}
    }
}

fn of_transaction(transaction: &Transaction, memory: &mut Memory, needs: &mut Needs) {
    of_lines(&transaction.lines[..transaction.lines.len().min(LINES_MAX)], memory, needs);
}

pub(super) fn of_lines(lines: &[Line], memory: &mut Memory, needs: &mut Needs) {
    for line in lines {
        match &line.account {
            AccountRef::Number(number) => of_number(number, memory, needs),
            AccountRef::Former(former_number) => of_former_number(former_number, memory, needs),
            AccountRef::OfBranch { branch, ledger_code } => {
                of_place((branch.clone(), ledger_code.clone(), line.currency.clone()), memory, needs);
            }
        }
    }
}

/// The accounts that may conflict with one to import.
fn of_import(account: &AccountToImport, memory: &mut Memory, needs: &mut Needs) {
    let terms = &account.terms;
    if terms.kind.is_one_of_branch() {
        let place = (account.branch.clone(), terms.ledger_code.clone(), terms.currency.clone());
        of_place(place, memory, needs);
    }
    if let Some(former_number) = &account.former_number {
        of_former_number(former_number, memory, needs);
    }
}

fn of_former_number(former_number: &FormerNumber, memory: &mut Memory, needs: &mut Needs) {
    if !memory.names_former_number(former_number) {
        needs.former_numbers.insert(former_number.clone());
    }
}

/// No account has a number that is not well formed, so none is looked for.
fn of_number(number: &AccountNumber, memory: &mut Memory, needs: &mut Needs) {
    if !memory.names_number(number) && account_number::is_well_formed(number) {
        needs.accounts.insert(number.clone());
    }
}

pub(super) fn of_place(place: Place, memory: &mut Memory, needs: &mut Needs) {
    if !memory.names_place(&place) {
        needs.of_branch.insert(place);
    }
}

fn of_hold(hold: HoldNumber, memory: &mut Memory, needs: &mut Needs) {
    if !memory.names_hold(hold) {
        needs.holds.insert(hold);
    }
}

//! The lines of a transaction, each with the account that it means and all that speaks for or against it.

use money::Currency;
use rust_decimal::Decimal;

use super::Requested;
use crate::domain::{
    base::{LedgerCode, OperatorKind, TransactionKind},
    book::{AccountState, acting::Acting, amounts, memory::Memory},
    ids::BranchCode,
    refusal::{Refusal, Rule},
    side::Side,
    transaction::{AccountRef, LINES_MAX, Line},
};

/// A transaction on its way to a posting.
#[derive(Debug)]
pub(super) struct Draft<'a> {
    pub lines: Vec<DraftLine<'a>>,
    pub parties: Vec<Party<'a>>,
    /// Of the lines on the balance sheet, for each currency.
    pub sums: Vec<Sum>,
    /// Of the same lines, for each branch and currency.
    pub branch_sums: Vec<BranchSum<'a>>,
    /// Of the lines off the balance sheet, for each currency.
    off_balance_sums: Vec<Sum>,
    has_cash: bool,
    has_customer: bool,
}

/// A line with its place among the parties.
#[derive(Debug)]
pub(super) struct DraftLine<'a> {
    pub party: usize,
    pub side: Side,
    pub amount: Decimal,
    pub narrative: &'a str,
    pub inter_branch: bool,
}

/// An account that takes part, once however many lines it has.
#[derive(Debug)]
pub(super) struct Party<'a> {
    pub state: &'a AccountState,
    /// What its lines take from it, before what they give.
    pub reduced_by: Decimal,
    /// The first line that takes from it.
    pub reduced_in: Option<usize>,
}

#[derive(Debug)]
pub(super) struct Sum {
    pub currency: Currency,
    pub debit: Decimal,
    pub credit: Decimal,
}

#[derive(Debug)]
pub(super) struct BranchSum<'a> {
    pub branch: &'a BranchCode,
    pub currency: Currency,
    /// Debits less credits.
    pub difference: Decimal,
}

/// Checks each line by itself.
pub(super) fn draft<'a>(
    memory: &'a Memory,
    acting: &Acting<'a>,
    requested: &Requested<'a>,
) -> Result<Draft<'a>, Refusal> {
    let transaction = requested.transaction;
    let count = transaction.lines.len();
    if count == 0 {
        return Err(Rule::Empty { what: "a transaction".into() }.at("lines"));
    }
    if count > LINES_MAX {
        return Err(Rule::TooMany { what: "a transaction".into(), count, max: LINES_MAX }.at("lines"));
    }
    let amount_max = acting.reference.amount_max(acting.on)?;
    let by_hand = !requested.by_template && acting.operator.kind != OperatorKind::System;
    let mut draft = Draft {
        lines: Vec::with_capacity(count),
        parties: Vec::with_capacity(count),
        sums: Vec::with_capacity(1),
        branch_sums: Vec::with_capacity(2),
        off_balance_sums: Vec::new(),
        has_cash: false,
        has_customer: false,
    };
    for (place, line) in transaction.lines.iter().enumerate() {
        let checked = check(memory, acting, line, amount_max, by_hand);
        let (state, code) = checked.map_err(|refusal| refusal.within(&format!("lines[{place}]")))?;
        let narrative = if line.narrative.is_empty() { &transaction.narrative } else { &line.narrative };
        draft.add(state, code, line, narrative);
    }
    Ok(draft)
}

/// The account that a line means, and its ledger code, when they take the line.
fn check<'a>(
    memory: &'a Memory,
    acting: &Acting<'a>,
    line: &Line,
    amount_max: Decimal,
    by_hand: bool,
) -> Result<(&'a AccountState, &'a LedgerCode), Refusal> {
    let state = memory.meant(&line.account, &line.currency).ok_or_else(|| missing(acting, line))?;
    let account = &*state.account;
    let reduces = line.side == account.normal_side.reducing_side();
    account.status.admits(&account.number, reduces).map_err(|rule| rule.at("account"))?;
    amounts::in_currency_of(account, &line.currency).map_err(|rule| rule.at("amount.currency"))?;
    amounts::check(line.amount, account.currency, amount_max).map_err(|rule| rule.at("amount"))?;
    let code = acting
        .reference
        .ledger_code(&account.ledger_code, acting.on)
        .ok_or_else(|| Rule::LedgerCodeUnknown { ledger_code: account.ledger_code.clone() }.at("account"))?;
    if code.closed {
        return Err(Rule::LedgerCodeClosed { ledger_code: code.code.clone() }.at("account"));
    }
    if by_hand && !account.kind.is_customer() && !code.manual_posting {
        return Err(Rule::ManualPostingNotAllowed { ledger_code: code.code.clone() }.at("account"));
    }
    Ok((state, code))
}

/// Why a line means no account.
fn missing(acting: &Acting<'_>, line: &Line) -> Refusal {
    let (branch, ledger_code) = match &line.account {
        AccountRef::Number(number) => return Rule::AccountUnknown { account: number.clone() }.at("account"),
        AccountRef::Former(former_number) => {
            return Rule::FormerNumberUnknown { former_number: former_number.clone() }.at("account");
        }
        AccountRef::OfBranch { branch, ledger_code } => (branch.clone(), ledger_code.clone()),
    };
    let currency = line.currency.clone();
    if acting.reference.currency(&currency, acting.on).is_none() {
        Rule::CurrencyUnknown { currency }.at("amount.currency")
    } else if acting.reference.branch(&branch, acting.on).is_none() {
        Rule::BranchUnknown { branch }.at("account")
    } else if acting.reference.ledger_code(&ledger_code, acting.on).is_none() {
        Rule::LedgerCodeUnknown { ledger_code }.at("account")
    } else {
        Rule::LedgerAccountMissing { branch, ledger_code, currency }.at("account")
    }
}

impl<'a> Draft<'a> {
    fn add(&mut self, state: &'a AccountState, code: &LedgerCode, line: &Line, narrative: &'a str) {
        let account = &*state.account;
        let party = self.party(state);
        if line.side == account.normal_side.reducing_side() {
            let place = self.lines.len();
            let party = &mut self.parties[party];
            party.reduced_by += line.amount;
            party.reduced_in.get_or_insert(place);
        }
        self.has_cash |= code.cash;
        self.has_customer |= account.kind.is_customer();
        if account.off_balance {
            add(&mut self.off_balance_sums, account.currency, line.side, line.amount);
        } else {
            add(&mut self.sums, account.currency, line.side, line.amount);
            self.branch_sum(&account.branch, account.currency, line.side, line.amount);
        }
        self.lines.push(DraftLine {
            party,
            side: line.side,
            amount: line.amount,
            narrative,
            inter_branch: false,
        });
    }

    /// The place of an account among the parties.
    pub fn party(&mut self, state: &'a AccountState) -> usize {
        let id = state.account.id;
        self.parties.iter().position(|party| party.state.account.id == id).unwrap_or_else(|| {
            self.parties.push(Party { state, reduced_by: Decimal::ZERO, reduced_in: None });
            self.parties.len() - 1
        })
    }

    fn branch_sum(&mut self, branch: &'a BranchCode, currency: Currency, side: Side, amount: Decimal) {
        let is = |sum: &BranchSum<'_>| sum.branch == branch && sum.currency == currency;
        let place = self.branch_sums.iter().position(is).unwrap_or_else(|| {
            self.branch_sums.push(BranchSum { branch, currency, difference: Decimal::ZERO });
            self.branch_sums.len() - 1
        });
        match side {
            Side::Debit => self.branch_sums[place].difference += amount,
            Side::Credit => self.branch_sums[place].difference -= amount,
        }
    }

    /// What the transaction moves, found from its lines, so that no label dodges a limit.
    pub fn kind(&self) -> TransactionKind {
        if self.has_cash {
            TransactionKind::Cash
        } else if self.has_customer {
            TransactionKind::Transfer
        } else {
            TransactionKind::Internal
        }
    }

    /// What limits are held against, for each currency: the debits on the balance sheet; and off it, where nothing balances, the
    /// greater side.
    pub fn amounts(&self) -> impl Iterator<Item = (Currency, Decimal)> {
        let off_balance = self.off_balance_sums.iter().map(|sum| (sum.currency, sum.debit.max(sum.credit)));
        self.sums.iter().map(|sum| (sum.currency, sum.debit)).chain(off_balance)
    }
}

fn add(sums: &mut Vec<Sum>, currency: Currency, side: Side, amount: Decimal) {
    let place = sums.iter().position(|sum| sum.currency == currency).unwrap_or_else(|| {
        sums.push(Sum { currency, debit: Decimal::ZERO, credit: Decimal::ZERO });
        sums.len() - 1
    });
    match side {
        Side::Debit => sums[place].debit += amount,
        Side::Credit => sums[place].credit += amount,
    }
}

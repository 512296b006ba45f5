//! The entries of a posting, and whether each account has what is taken from it (ACC-3).

use rust_decimal::Decimal;

use super::{
    Requested,
    lines::{Draft, DraftLine, Party},
};
use crate::domain::{
    balance::{RunningBalance, TOTAL_MAX},
    hold::Hold,
    ids::AccountNumber,
    refusal::{Refusal, Rule},
    side::NormalSide,
    transaction::Entry,
};

/// What a posting moves.
pub(super) struct Moved {
    pub entries: Vec<Entry>,
    /// The balance of each account after it.
    pub balances: Vec<(AccountNumber, RunningBalance)>,
}

/// A party with its balance as the entries are made.
struct Moving {
    balance: RunningBalance,
    /// What is available besides the ledger balance; `None` when there is no limit.
    allowance: Option<Decimal>,
}

impl Draft<'_> {
    /// What is taken from the account of a hold, which is what the posting captures (ACC-8).
    pub fn captured(&self, hold: &Hold) -> Result<Decimal, Refusal> {
        let party = self.parties.iter().find(|party| party.state.account.id == hold.account_id);
        let amount = party.map_or(Decimal::ZERO, |party| party.reduced_by);
        if amount.is_zero() {
            return Err(Rule::HoldNotDebited { account: hold.account.clone() }.at("lines"));
        }
        if amount > hold.remaining {
            return Err(
                Rule::HoldExceeded { hold: hold.number, remaining: hold.remaining, amount }.at("lines")
            );
        }
        Ok(amount)
    }

    /// What the lines move, when each account has what is taken from it.
    pub fn moved(&self, requested: &Requested<'_>, captured: Decimal) -> Result<Moved, Refusal> {
        let mut moving: Vec<Moving> = self
            .parties
            .iter()
            .map(|party| Moving {
                balance: party.state.balance,
                allowance: allowance(party, requested, captured),
            })
            .collect();
        let mut entries = Vec::with_capacity(self.lines.len());
        for line in &self.lines {
            let moving = &mut moving[line.party];
            let after = moving.balance.after(line.side, line.amount);
            moving.balance =
                after.ok_or(Rule::AmountTooLarge { amount: line.amount, amount_max: TOTAL_MAX })?;
            let narrative = if line.inter_branch { &requested.transaction.narrative } else { line.narrative };
            entries.push(entry(&self.parties[line.party], line, narrative, moving));
        }
        for (party, moving) in self.parties.iter().zip(&moving) {
            check_funds(party, moving)?;
        }
        let numbers = self.parties.iter().map(|party| party.state.account.number.clone());
        let balances = numbers.zip(moving.into_iter().map(|moving| moving.balance)).collect();
        Ok(Moved { entries, balances })
    }
}

/// What the account has available besides its ledger balance. What a capture takes, or lets go of, is no longer held.
fn allowance(party: &Party<'_>, requested: &Requested<'_>, captured: Decimal) -> Option<Decimal> {
    let allowance = party.state.allowance(requested.now)?;
    Some(match requested.capture {
        Some((hold, keep_rest)) if hold.account_id == party.state.account.id => {
            allowance + if keep_rest { captured } else { hold.remaining }
        }
        _ => allowance,
    })
}

fn entry(party: &Party<'_>, line: &DraftLine<'_>, narrative: &str, moving: &Moving) -> Entry {
    let account = &party.state.account;
    Entry {
        account_id: account.id,
        account: account.number.clone(),
        branch: account.branch.clone(),
        ledger_code: account.ledger_code.clone(),
        currency: account.currency,
        normal_side: account.normal_side,
        side: line.side,
        amount: line.amount,
        narrative: narrative.to_owned(),
        inter_branch: line.inter_branch,
        n: moving.balance.n,
        debit_total: moving.balance.debit,
        credit_total: moving.balance.credit,
        available: moving.allowance.map(|allowance| moving.balance.ledger(account.normal_side) + allowance),
    }
}

/// Checks an account after all its lines together. One from which they take nothing on the whole may be short already.
fn check_funds(party: &Party<'_>, moving: &Moving) -> Result<(), Refusal> {
    let Some(line) = party.reduced_in else { return Ok(()) };
    let account = &party.state.account;
    let before = party.state.balance.ledger(account.normal_side);
    let after = moving.balance.ledger(account.normal_side);
    if after >= before {
        return Ok(());
    }
    let number = account.number.clone();
    let rule = if account.off_balance && account.normal_side != NormalSide::Either && after < Decimal::ZERO {
        let side = account.normal_side.reducing_side();
        Rule::RegisterShort { account: number, side, amount: before - after, balance: before }
    } else if let Some(allowance) = moving.allowance.filter(|allowance| after + allowance < Decimal::ZERO) {
        Rule::FundsInsufficient {
            account: number,
            available: before + allowance,
            shortage: -(after + allowance),
        }
    } else {
        return Ok(());
    };
    Err(rule.at(format!("lines[{line}].amount")))
}

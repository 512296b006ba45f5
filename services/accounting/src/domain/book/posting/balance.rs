//! Balanced (借贷平衡): in each currency by the caller, in each branch by the service (ACC-1).

use rust_decimal::Decimal;

use super::lines::{Draft, DraftLine};
use crate::domain::{
    book::{acting::Acting, amounts, memory::Memory},
    refusal::Rule,
    side::Side,
};

impl Draft<'_> {
    /// Checks that debits equal credits in each currency, and that several currencies meet on the exchange code only.
    pub fn check_balanced(&self, acting: &Acting<'_>) -> Result<(), Rule> {
        if self.sums.len() > 1 {
            let exchange_code = acting.reference.exchange_code(acting.on)?;
            let meets = |currency| {
                self.parties.iter().any(|party| {
                    let account = &party.state.account;
                    account.currency == currency && account.ledger_code.is_within(&exchange_code)
                })
            };
            if !self.sums.iter().all(|sum| meets(sum.currency)) {
                return Err(Rule::CurrenciesMixed { exchange_code });
            }
        }
        match self.sums.iter().find(|sum| sum.debit != sum.credit) {
            Some(sum) => Err(Rule::NotBalanced {
                currency: amounts::code(sum.currency),
                difference: sum.debit - sum.credit,
            }),
            None => Ok(()),
        }
    }
}

impl<'a> Draft<'a> {
    /// Adds a line on the inter-branch account of each branch whose debits and credits differ. The differences of all
    /// branches add up to zero, since each currency balances.
    pub fn add_inter_branch(&mut self, memory: &'a Memory) -> Result<(), Rule> {
        for sum in std::mem::take(&mut self.branch_sums) {
            if sum.difference.is_zero() {
                continue;
            }
            let state = memory.inter_branch(sum.branch, sum.currency).ok_or_else(|| {
                Rule::InterBranchAccountMissing {
                    branch: sum.branch.clone(),
                    currency: amounts::code(sum.currency),
                }
            })?;
            let side = if sum.difference > Decimal::ZERO { Side::Credit } else { Side::Debit };
            let account = &state.account;
            account.status.admits(&account.number, side == account.normal_side.reducing_side())?;
            let line = DraftLine {
                party: self.party(state),
                side,
                amount: sum.difference.abs(),
                narrative: "",
                inter_branch: true,
            };
            self.lines.push(line);
        }
        Ok(())
    }
}

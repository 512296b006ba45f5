//! The trial balance (试算平衡): zero in every currency, and moved by what the plan's own books moved.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use proto_accounting::v1::GetTrialBalanceResponse;
use rust_decimal::Decimal;

use super::Books;
use crate::{plan::Movements, report::thousands};

impl Books<'_> {
    pub(super) async fn trial_balance(&self) -> Result<String> {
        let after = self.setup.client.trial_balance(&self.setup.reader()?).await?;
        ensure!(after.balanced, "the service says that the books do not balance: {:?}", after.proofs);
        for proof in &after.proofs {
            let (debit, credit): (Decimal, Decimal) =
                (proof.debit_total.parse()?, proof.credit_total.parse()?);
            ensure!(debit == credit, "{}: debits are {debit}, and credits {credit}", proof.currency);
        }
        let moved = difference(&self.opened.trial_balance, &after)?;
        let planned = self.plan.books.movements();
        for (key, planned) in planned {
            let moved = moved.get(key).copied().unwrap_or_default();
            ensure!(
                moved == *planned,
                "{} {}: debits and credits moved by {moved:?}, not {planned:?}",
                key.0,
                key.1
            );
        }
        let unplanned = moved.iter().find(|(key, _)| !planned.contains_key(*key));
        ensure!(unplanned.is_none(), "moved, and was not to move: {unplanned:?}");
        let postings = after.last_posting - self.opened.last_posting;
        ensure!(
            usize::try_from(postings)? == self.plan.postings,
            "{postings} postings, not {}",
            self.plan.postings
        );
        Ok(format!("{} codes in {} currencies", thousands(after.rows.len()), after.proofs.len()))
    }
}

/// What has moved between two trial balances, without what has not.
fn difference(before: &GetTrialBalanceResponse, after: &GetTrialBalanceResponse) -> Result<Movements> {
    let (before, after) = (totals(before)?, totals(after)?);
    let moved = after.into_iter().map(|(key, (debit, credit))| {
        let (debit_before, credit_before) = before.get(&key).copied().unwrap_or_default();
        (key, (debit - debit_before, credit - credit_before))
    });
    Ok(moved.filter(|(_, (debit, credit))| !debit.is_zero() || !credit.is_zero()).collect())
}

fn totals(balance: &GetTrialBalanceResponse) -> Result<Movements> {
    let mut totals = BTreeMap::new();
    for row in &balance.rows {
        let key = (row.ledger_code.clone(), row.currency.clone());
        totals.insert(key, (row.debit_total.parse()?, row.credit_total.parse()?));
    }
    Ok(totals)
}

#[cfg(test)]
mod tests {
    use proto_accounting::v1::TrialBalanceRow;

    use super::*;

    fn balance(rows: &[(&str, &str, &str)]) -> GetTrialBalanceResponse {
        let row = |(code, debit, credit): &(&str, &str, &str)| TrialBalanceRow {
            ledger_code: (*code).to_owned(),
            currency: "CNY".to_owned(),
            debit_total: (*debit).to_owned(),
            credit_total: (*credit).to_owned(),
            ..TrialBalanceRow::default()
        };
        GetTrialBalanceResponse { rows: rows.iter().map(row).collect(), ..GetTrialBalanceResponse::default() }
    }

    #[test]
    fn only_what_moved_is_a_difference() {
        let before = balance(&[("100101", "10.00", "0.00"), ("4001", "0.00", "10.00")]);
        let after =
            balance(&[("100101", "15.00", "1.00"), ("4001", "0.00", "10.00"), ("201101", "1.00", "5.00")]);
        let moved = difference(&before, &after).unwrap();
        let of = |code: &str| moved.get(&(code.to_owned(), "CNY".to_owned())).copied();
        assert_eq!(of("100101"), Some((5.into(), 1.into())));
        assert_eq!(of("201101"), Some((1.into(), 5.into())));
        assert_eq!(of("4001"), None);
    }
}

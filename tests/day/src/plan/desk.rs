//! Who works at a branch.

use anyhow::{Context, Result};
use proto_accounting::v1::{Operator, OperatorKind, TransactionKind};
use rust_decimal::Decimal;

use crate::bank::Bank;

/// A branch with the people who work there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Desk {
    pub branch: String,
    /// Those who post; the first has the lowest limits.
    pub tellers: Vec<String>,
    /// Who authorises, here or at the branch above.
    pub supervisor: String,
    /// Who checks what the supervisor makes: the supervisor of the next branch above.
    pub superior: String,
    /// Who posts internal entries, where there is one.
    pub book_keeper: Option<String>,
}

impl Desk {
    pub fn teller(&self) -> &str {
        &self.tellers[0]
    }
}

/// The branches that have tellers.
pub(super) fn desks(bank: &Bank) -> Result<Vec<Desk>> {
    let mut desks = Vec::new();
    for branch in bank.branches() {
        let tellers = at(bank, &branch.code, OperatorKind::Teller);
        if tellers.is_empty() {
            continue;
        }
        let (keeper, supervisor) = supervisor_from(bank, &branch.code)?;
        let (_, superior) = supervisor_from(bank, parent(bank, &keeper)?)?;
        desks.push(Desk {
            branch: branch.code.clone(),
            tellers,
            supervisor,
            superior,
            book_keeper: at(bank, &branch.code, OperatorKind::BookKeeper).into_iter().next(),
        });
    }
    Ok(desks)
}

/// How much an operator may post or authorise; nothing when no limit is set.
pub(super) fn limit(bank: &Bank, operator: &str, kind: TransactionKind, currency: &str) -> Result<Decimal> {
    let operator =
        bank.operators().find(|known| known.code == operator).context("an operator of the bank")?;
    let limits = operator.limits.iter().filter(|limit| limit.kind() == kind);
    let mut amounts =
        limits.filter_map(|limit| limit.single_max.as_ref()).filter(|max| max.currency == currency);
    Ok(amounts.next().map(|max| max.amount.parse()).transpose()?.unwrap_or_default())
}

/// Those of a kind who work at a branch, and have limits, and are not suspended.
fn at(bank: &Bank, branch: &str, kind: OperatorKind) -> Vec<String> {
    let works = |operator: &&Operator| {
        operator.branch == branch
            && operator.kind() == kind
            && !operator.suspended
            && !operator.limits.is_empty()
    };
    bank.operators().filter(works).map(|operator| operator.code.clone()).collect()
}

/// The nearest supervisor from a branch upwards, and the branch that it works at.
fn supervisor_from(bank: &Bank, branch: &str) -> Result<(String, String)> {
    match at(bank, branch, OperatorKind::Supervisor).into_iter().next() {
        Some(supervisor) => Ok((branch.to_owned(), supervisor)),
        None => supervisor_from(bank, parent(bank, branch)?),
    }
}

fn parent<'a>(bank: &'a Bank, code: &str) -> Result<&'a str> {
    let branch = bank.branches().find(|branch| branch.code == code).context("a branch of the bank")?;
    anyhow::ensure!(!branch.parent.is_empty(), "nobody supervises branch {code}");
    Ok(&branch.parent)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_desk_has_a_supervisor_and_one_above() {
        let bank = Bank::sample().unwrap();
        let desks = desks(&bank).unwrap();
        let of = |branch: &str| desks.iter().find(|desk| desk.branch == branch).unwrap();
        assert_eq!(
            (of("110100").supervisor.as_str(), of("110100").superior.as_str()),
            ("S110101", "S110001")
        );
        assert_eq!(
            (of("110101").supervisor.as_str(), of("110101").superior.as_str()),
            ("S110101", "S110001")
        );
        assert_eq!(
            (of("110000").supervisor.as_str(), of("110000").superior.as_str()),
            ("S110001", "S100001")
        );
        assert_eq!(of("110100").tellers, ["T110101", "T110102"], "the suspended one is not at the desk");
        assert_eq!(of("110000").book_keeper.as_deref(), Some("B110001"));
    }

    #[test]
    fn a_currency_without_a_limit_is_not_allowed() {
        let bank = Bank::sample().unwrap();
        assert_eq!(limit(&bank, "T110101", TransactionKind::Cash, "CNY").unwrap(), 50_000.into());
        assert_eq!(limit(&bank, "T110101", TransactionKind::Cash, "GBP").unwrap(), Decimal::ZERO);
    }
}

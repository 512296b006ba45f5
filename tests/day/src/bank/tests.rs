use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use proto_accounting::v1::{AccountKind, BranchKind, LedgerClass, NormalSide, OperatorKind};

use super::Bank;

fn date(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

#[test]
fn the_sample_bank_has_the_size_that_was_asked_for() {
    let bank = Bank::sample().unwrap();
    let of_kind = |kind| bank.branches().filter(|branch| branch.kind() == kind).count();
    assert_eq!(of_kind(BranchKind::HeadOffice), 1);
    assert_eq!(of_kind(BranchKind::Branch), 3);
    assert_eq!(of_kind(BranchKind::SubBranch), 12);
    for kind in
        [OperatorKind::Teller, OperatorKind::Supervisor, OperatorKind::BookKeeper, OperatorKind::System]
    {
        assert!(bank.operators().any(|operator| operator.kind() == kind), "{kind:?}");
    }
    assert!(bank.ledger_codes().count() >= 150);
    assert!(bank.calendar(2026).is_some() && bank.calendar(2027).is_some());
}

#[test]
fn the_chart_keeps_its_own_rules() {
    let bank = Bank::sample().unwrap();
    let codes: BTreeMap<&str, _> = bank.ledger_codes().map(|code| (code.code.as_str(), code)).collect();
    assert_eq!(codes.len(), bank.ledger_codes().count(), "a code stands twice");
    for (code, content) in &codes {
        assert_eq!(code[..1], i32::from(content.class()).to_string(), "class of {code}");
        let has_children = codes.keys().any(|other| other.len() > code.len() && other.starts_with(code));
        assert_eq!(content.has_accounts, !has_children, "accounts of {code}");
        if code.len() > 4 {
            let parent = codes.get(&code[..code.len() - 2]).unwrap_or_else(|| panic!("{code} has no parent"));
            let allowed = |currency| parent.currencies.is_empty() || parent.currencies.contains(currency);
            assert!(content.currencies.iter().all(allowed), "currencies of {code}");
        }
        assert_eq!(content.cash, code.starts_with("1001"), "cash of {code}");
        assert!(!content.title.is_empty() && !content.title_en.is_empty(), "titles of {code}");
        if content.class() == LedgerClass::Common {
            assert_eq!(content.normal_side(), NormalSide::Either, "side of {code}");
        }
    }
    let classes: BTreeSet<i32> = codes.values().map(|code| code.class).collect();
    assert_eq!(classes.len(), 8, "a class has no code: all on the balance sheet, and both kinds off it");
    let levels: BTreeSet<usize> = codes.keys().map(|code| code.len()).collect();
    assert_eq!(levels, BTreeSet::from([4, 6]), "two levels");
}

#[test]
fn the_bank_is_founded_with_enough_cash_for_all_branches() {
    let bank = Bank::sample().unwrap();
    let base = bank.parameter("BASE_CURRENCY").unwrap();
    assert_eq!(
        bank.funds.first().map(|funds| funds.currency.as_str()),
        Some(base),
        "the others are paid for with it"
    );
    for funds in &bank.funds {
        let branches = bank
            .internal_accounts
            .iter()
            .filter(|account| account.ledger_code == "100101" && account.currency == funds.currency);
        let handed_out = funds.branch_cash * rust_decimal::Decimal::from(branches.count());
        assert!(handed_out <= funds.vault_cash && funds.vault_cash <= funds.amount, "{funds:?}");
        assert!(bank.decimals(&funds.currency).is_ok());
    }
}

#[test]
fn internal_accounts_stand_on_codes_that_have_accounts() {
    let bank = Bank::sample().unwrap();
    let codes: BTreeMap<&str, _> = bank.ledger_codes().map(|code| (code.code.as_str(), code)).collect();
    let mut places = BTreeSet::new();
    for account in &bank.internal_accounts {
        let code = codes[account.ledger_code.as_str()];
        assert!(code.has_accounts, "{account:?}");
        assert!(code.currencies.is_empty() || code.currencies.contains(&account.currency), "{account:?}");
        assert!(
            places.insert((&account.branch, &account.ledger_code, &account.currency)),
            "twice: {account:?}"
        );
    }
    let inter_branch = bank.parameter("INTER_BRANCH_CODE").unwrap();
    let places = bank.internal_accounts.iter().filter(|account| account.kind == AccountKind::InterBranch);
    assert!(places.clone().all(|account| account.ledger_code == inter_branch));
    assert_eq!(
        places.count(),
        bank.branches().count() * 5,
        "an inter-branch account for each branch and currency"
    );
}

#[test]
fn operators_work_at_branches_and_have_one_limit_for_each_kind_and_currency() {
    let bank = Bank::sample().unwrap();
    let branches: BTreeSet<&str> = bank.branches().map(|branch| branch.code.as_str()).collect();
    for operator in bank.operators() {
        assert!(branches.contains(operator.branch.as_str()), "{operator:?}");
        let limits: BTreeSet<_> = operator
            .limits
            .iter()
            .map(|limit| (limit.kind, &limit.single_max.as_ref().unwrap().currency))
            .collect();
        assert_eq!(limits.len(), operator.limits.len(), "{operator:?}");
    }
}

#[test]
fn the_calendar_knows_weekends_holidays_and_worked_weekends() {
    let bank = Bank::sample().unwrap();
    assert!(bank.is_business_day(date("2026-11-24")).unwrap());
    assert!(!bank.is_business_day(date("2026-11-28")).unwrap(), "a Saturday");
    assert!(!bank.is_business_day(date("2026-10-01")).unwrap(), "a holiday");
    assert!(bank.is_business_day(date("2026-10-10")).unwrap(), "a worked Saturday");
    assert_eq!(bank.next_business_day(date("2026-09-30")).unwrap(), date("2026-10-08"));
    assert_eq!(bank.previous_business_day(date("2026-10-08")).unwrap(), date("2026-09-30"));
    let error = bank.is_business_day(date("2031-01-02")).unwrap_err();
    assert!(error.to_string().contains("2031"), "{error}");
}

#[test]
fn a_rate_holds_until_the_next() {
    let bank = Bank::sample().unwrap();
    assert_eq!(bank.rate("USD", date("2026-11-22")).unwrap().buy, "697.80");
    assert_eq!(bank.rate("USD", date("2026-11-23")).unwrap().buy, "695.10");
    assert!(bank.rate("USD", date("2025-12-31")).is_err());
}

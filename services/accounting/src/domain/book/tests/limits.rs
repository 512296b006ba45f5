//! Who may act, where, and up to how much.

use super::bank::{Bank, cr, dr, post};
use crate::domain::{
    command::{Action, BatchMode, Verdict},
    refusal::Rule,
};

const CASH: &str = "110100/100101";

fn deposit(amount: &str) -> Action {
    post([dr(CASH, amount), cr("a", amount)])
}

#[test]
fn whoever_acts_is_known_and_active_in_an_open_branch() {
    let mut bank = Bank::new();
    for (who, message) in [
        ("NOBODY@110100", "operator NOBODY is unknown"),
        ("T9@110100", "operator T9 is suspended"),
        ("S1@110100", "operator S1 authorises and does not post"),
        ("T1@119999", "branch 119999 is unknown"),
        ("T1@110300", "branch 110300 is closed"),
        ("T1@110100+NOBODY", "operator NOBODY is unknown"),
        ("T1@110100+T9", "operator T9 is suspended"),
        ("T1@110100+T1", "an authorisation needs a second person"),
    ] {
        assert_eq!(bank.refused(who, deposit("1 CNY")).to_string(), message, "{who}");
    }
}

#[test]
fn above_the_operators_limit_a_second_person_is_asked_for() {
    let mut bank = Bank::new();
    bank.posted("T1@110100", deposit("50000 CNY"));
    let message = "50000 is the limit of T1 for Cash in CNY, and 50000.01 is above it";
    let refusal = bank.refused("T1@110100", deposit("50000.01 CNY"));
    assert_eq!(refusal.to_string(), format!("{message}: a second person must agree"));
    assert!(matches!(refusal.rule, Rule::ApprovalRequired { .. }));
    let posting = bank.posted("T1@110100+S1", deposit("50000.01 CNY"));
    assert_eq!(posting.authoriser.as_ref().unwrap().as_str(), "S1");
}

#[test]
fn the_limit_of_whoever_authorises_counts_then() {
    let mut bank = Bank::new();
    let refusal = bank.refused("T1@110100+S1", deposit("200000.01 CNY"));
    assert_eq!(refusal.to_string(), "200000 is the limit of S1 for Cash in CNY, and 200000.01 is above it");
    bank.posted("T1@110100+S2", deposit("50000 CNY"));
    let refusal = bank.refused("T1@110100+S2", deposit("50001 CNY"));
    assert_eq!(refusal.to_string(), "0 is the limit of S2 for Cash in CNY, and 50001 is above it");
}

#[test]
fn a_currency_without_a_limit_is_not_allowed_at_all() {
    let mut bank = Bank::new();
    let refusal = bank.refused("T1@110100", post([dr(CASH, "1 JPY"), cr("jpy", "1 JPY")]));
    assert!(matches!(refusal.rule, Rule::ApprovalRequired { limit, .. } if limit.is_zero()));
}

#[test]
fn limits_hold_for_each_kind_and_for_all_debits_of_a_currency() {
    let mut bank = Bank::new();
    bank.posted("B0@100000", deposit("500000 CNY"));
    let transfer = |amount: &str| post([dr("a", amount), cr("c", amount)]);
    bank.posted("T1@110100", transfer("150000 CNY"));
    assert!(matches!(bank.refused("T1@110100", transfer("150001 CNY")).rule, Rule::ApprovalRequired { .. }));
    let two = [dr("a", "100000 CNY"), cr("c", "100000 CNY"), dr("a", "50001 CNY"), cr("c", "50001 CNY")];
    assert!(matches!(bank.refused("T1@110100", post(two)).rule, Rule::ApprovalRequired { .. }));
    // Lines that the service adds do not count.
    bank.posted("T1@110100", post([dr("a", "150000 CNY"), cr("b", "150000 CNY")]));
}

#[test]
fn nobody_is_asked_to_approve_what_would_be_refused() {
    let mut bank = Bank::new();
    let refusal = bank.refused("T1@110100", post([dr("a", "60000 CNY"), cr(CASH, "60000 CNY")]));
    assert!(matches!(refusal.rule, Rule::FundsInsufficient { .. }), "{refusal}");
}

#[test]
fn a_preview_is_decided_as_if_the_second_person_had_agreed() {
    let mut bank = Bank::new();
    let mut command = bank.command("T1@110100", deposit("60000 CNY"));
    command.origin.assume_authorised = true;
    let verdict = bank.decide(std::slice::from_ref(&command)).remove(0);
    assert!(matches!(verdict, Verdict::Refused(_)), "only a dry run assumes anything");
    command.origin.dry_run = true;
    assert!(matches!(bank.decide(&[command]).remove(0), Verdict::Done(_)));
}

#[test]
fn an_item_by_itself_is_refused_above_the_limit() {
    let mut bank = Bank::new();
    let Action::Post(item) = deposit("60000 CNY") else { unreachable!() };
    let mode = BatchMode::ItemByItem;
    let batch = Action::PostBatch { mode, transactions: vec![item.clone()] };
    let message = format!("{:?}", bank.done("T1@110100", batch));
    assert!(message.contains("OperatorLimitExceeded") && message.contains("T1"), "{message}");
    let refusal =
        bank.refused("T1@110100", Action::PostBatch { mode: BatchMode::Atomic, transactions: vec![item] });
    assert_eq!(refusal.field.as_deref(), Some("transactions[0]"));
    assert!(matches!(refusal.rule, Rule::ApprovalRequired { .. }));
}

#[test]
fn nothing_is_posted_before_a_day_is_open() {
    let mut bank = Bank::new();
    bank.recorded.day = None;
    bank.book = bank.recorded.open_book(1_000);
    assert_eq!(bank.refused("T1@110100", deposit("1 CNY")).rule, Rule::NoBusinessDay);
}

#[test]
fn what_is_moved_off_the_balance_sheet_alone_is_held_against_limits_too() {
    let mut bank = Bank::new();
    let register = "110100/800101";
    bank.posted("T1@110100", post([dr(register, "50000 CNY")]));
    let refusal = bank.refused("T1@110100", post([dr(register, "50000.01 CNY")]));
    let message =
        "50000 is the limit of T1 for Internal in CNY, and 50000.01 is above it: a second person must agree";
    assert_eq!(refusal.to_string(), message);
    // In and out are not added up, nor what is moved beside the balance sheet.
    bank.posted("T1@110100", post([dr(register, "50000 CNY"), cr(register, "50000 CNY")]));
    let beside = [dr(CASH, "50000 CNY"), cr("a", "50000 CNY"), cr(register, "50000 CNY")];
    bank.posted("T1@110100", post(beside));
    let beside = post([dr(CASH, "1 CNY"), cr("a", "1 CNY"), dr(register, "50001 CNY")]);
    assert!(matches!(bank.refused("T1@110100", beside).rule, Rule::ApprovalRequired { .. }));
}

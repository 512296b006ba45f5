//! Facts of other services: booked once by template; what their accounts do not take goes to suspense, and what cannot be booked
//! is kept.

use std::sync::Arc;

use chrono::DateTime;
use proptest::prelude::*;
use rust_decimal::Decimal;
use serde_json::{Value, json};
use uuid::Uuid;

use super::bank::{Bank, cr, dr, post};
use crate::domain::{
    command::{AccountChange, Action, Answer, Command, Verdict},
    refusal::Rule,
    side::Side,
    suspense::{FactIdentity, ReceivedFact, SuspenseItem, request_id},
    transaction::Posting,
};

fn fact(kind: &str, id: u128, payload: Value) -> ReceivedFact {
    let identity = FactIdentity {
        service: "vault".to_owned(),
        topic: "countinghouse.vault.delivery.v1".to_owned(),
        kind: kind.to_owned(),
        id: Uuid::from_u128(id),
        key: format!("deliveries/{id}"),
        time: DateTime::from_timestamp(1_767_571_000, 0).unwrap(),
    };
    ReceivedFact { identity, payload }
}

fn delivery(id: u128, amount: &str, keeper: &str) -> ReceivedFact {
    let amount = json!({ "currency": "CNY", "amount": amount });
    let payload = json!({ "delivery": { "branch": "110100", "keeper": keeper, "amount": amount } });
    fact("countinghouse.vault.delivery.v1.CashDelivered", id, payload)
}

fn command(bank: &mut Bank, fact: ReceivedFact) -> Command {
    let id = request_id(&fact.identity.service, fact.identity.id);
    let mut command = bank.command("service/vault@", Action::BookFact(Box::new(fact)));
    command.origin.request_id = id;
    command
}

fn take(bank: &mut Bank, fact: ReceivedFact) -> Verdict {
    let command = command(bank, fact);
    bank.decide(&[command]).remove(0)
}

fn posted(bank: &mut Bank, fact: ReceivedFact) -> Arc<Posting> {
    match take(bank, fact) {
        Verdict::Done(Answer::Posted(posting)) => posting,
        other => panic!("{other:?}"),
    }
}

/// The item that a fact left of which nothing was booked.
fn kept(bank: &mut Bank, fact: ReceivedFact) -> SuspenseItem {
    let postings = bank.recorded.postings.len();
    let payload = fact.payload.clone();
    match take(bank, fact) {
        Verdict::Done(Answer::Suspended(number)) => {
            let record = bank.recorded.suspense.last().unwrap().clone();
            assert_eq!(
                (record.item.number, record.payload),
                (number, Some(payload)),
                "the fact is kept whole"
            );
            assert_eq!(bank.recorded.postings.len(), postings);
            record.item
        }
        other => panic!("{other:?}"),
    }
}

fn with_cash_elsewhere() -> Bank {
    let mut bank = Bank::new();
    bank.done("T2@110200", post([dr("110200/100101", "900 CNY"), cr("b", "900 CNY")]));
    bank
}

#[test]
fn a_fact_is_booked_once_however_often_it_comes() {
    let mut bank = with_cash_elsewhere();
    let posting = posted(&mut bank, delivery(1, "200.00", "110200"));
    assert_eq!((posting.branch.as_str(), posting.operator.as_str()), ("110100", "service/vault"));
    assert_eq!((posting.code.as_str(), posting.source.as_str()), ("DELIVERY", "vault"));
    let again = [
        command(&mut bank, delivery(1, "200.00", "110200")),
        command(&mut bank, delivery(1, "200.00", "110200")),
    ];
    bank.book = bank.recorded.open_book(1_000);
    for verdict in bank.decide(&again) {
        assert!(matches!(verdict, Verdict::Repeated(Answer::Posted(first)) if first == posting));
    }
    let other = take(&mut bank, delivery(1, "300.00", "110200"));
    assert!(matches!(other, Verdict::Refused(refusal) if refusal.rule == Rule::RequestIdReused));
    assert!(bank.recorded.suspense.is_empty());
}

#[test]
fn a_line_that_its_account_does_not_take_goes_to_suspense_and_the_rest_is_booked() {
    let mut bank = Bank::new();
    let posting = posted(&mut bank, delivery(1, "200.00", "110200"));
    let item = bank.recorded.suspense[0].item.clone();
    let line = item.line.clone().unwrap();
    assert_eq!((item.branch.as_str(), item.number.0), ("110100", 1));
    assert!(matches!(item.refusal.rule, Rule::FundsInsufficient { .. }), "the till of 110200 is empty");
    assert_eq!(item.refusal.field.as_deref(), Some("template.lines[1].amount"));
    assert_eq!((line.posting, line.line, line.side), (posting.number, 1, Side::Credit));
    assert_eq!(posting.entries[1].ledger_code.as_str(), "224101");
    assert_eq!(posting.entries[1].account, line.account);
    assert_eq!(bank.recorded.suspense[0].payload, None);

    let missing = posted(&mut bank, delivery(2, "5.00", "110000"));
    assert_eq!(missing.entries[1].ledger_code.as_str(), "224101", "110000 has no till");
    let item = &bank.recorded.suspense[1].item;
    assert!(matches!(item.refusal.rule, Rule::LedgerAccountMissing { .. }), "{}", item.refusal);
}

#[test]
fn what_cannot_be_booked_is_kept_whole_with_the_reason() {
    let mut bank = with_cash_elsewhere();
    let unknown = kept(&mut bank, fact("countinghouse.vault.delivery.v1.Lost", 1, json!({ "x": 1 })));
    assert!(matches!(unknown.refusal.rule, Rule::FactUnknown { .. }));
    assert_eq!((unknown.branch.as_str(), unknown.code.as_str()), ("100000", ""), "head office sees to it");

    let mut without = delivery(2, "1", "110200");
    without.payload["delivery"]["keeper"] = Value::Null;
    let item = kept(&mut bank, without);
    assert_eq!(item.refusal.to_string(), "fields: field keeper is required");
    assert_eq!((item.branch.as_str(), item.code.as_str()), ("110100", "DELIVERY"));

    for (id, place, value, message) in [
        (3, "branch", json!("nowhere"), "/delivery/branch: must be a branch, as its code"),
        (4, "branch", json!("999999"), "branch 999999 is unknown"),
        (5, "amount", json!({ "currency": "CNY", "amount": 5 }), "/delivery/amount: must be"),
        (
            6,
            "amount",
            json!({ "currency": "CNY", "amount": "0.001" }),
            "template.lines[0].amount: 0.001 has more",
        ),
        (7, "amount", json!({ "currency": "CNY", "amount": "2000" }), "1000 is the limit of service/vault"),
        (
            8,
            "amount",
            json!({ "currency": "USD", "amount": "5" }),
            "template.lines: branch 110200 has no inter-branch account in USD",
        ),
    ] {
        let mut fact = delivery(id, "1", "110200");
        fact.payload["delivery"][place] = value;
        let item = kept(&mut bank, fact.clone());
        assert!(item.refusal.to_string().starts_with(message), "{message}: {}", item.refusal);
        bank.book = bank.recorded.open_book(1_000);
        assert!(
            matches!(take(&mut bank, fact), Verdict::Repeated(Answer::Suspended(number)) if number == item.number)
        );
    }
    let numbers: Vec<i64> = bank.recorded.suspense.iter().map(|record| record.item.number.0).collect();
    assert_eq!(numbers, [1, 2, 3, 4, 5, 6, 7, 8]);
}

#[test]
fn a_fact_waits_for_a_business_day() {
    let mut bank = Bank::without_accounts();
    bank.recorded.day = None;
    bank.book = bank.recorded.open_book(1_000);
    let verdict = take(&mut bank, delivery(1, "1", "110200"));
    assert!(matches!(verdict, Verdict::Refused(refusal) if refusal.rule == Rule::NoBusinessDay));
    assert!(bank.recorded.suspense.is_empty());
}

proptest! {
    /// A fact is booked or kept, never both and never neither; what is booked balances (ACC-1), and each line in suspense is an
    /// entry of its posting.
    #[test]
    fn a_fact_is_booked_or_kept(
        cents in -500_i64..150_000, keeper in prop::sample::select(vec!["110200", "110100", "110000", "110300", "x"]),
        branch in prop::sample::select(vec!["110100", "110200", "110300", "100000"]), is_frozen: bool,
    ) {
        let mut bank = with_cash_elsewhere();
        if is_frozen {
            let till = bank.recorded.accounts.values().find(|account| {
                account.branch.as_str() == "110200" && account.ledger_code.as_str() == "100101"
            });
            let account = till.unwrap().number.clone();
            let freeze = crate::domain::status::Freeze::Full;
            let change = AccountChange::Freeze { freeze, currency: None };
            bank.done("B0@110200", Action::ChangeAccount { account, change, reason: "a test".to_owned() });
        }
        let mut fact = delivery(1, &Decimal::new(cents, 2).to_string(), keeper);
        fact.payload["delivery"]["branch"] = json!(branch);
        let postings = bank.recorded.postings.len();
        let verdict = take(&mut bank, fact);
        let items = &bank.recorded.suspense;
        match verdict {
            Verdict::Done(Answer::Posted(posting)) => {
                let sum = |side| -> Decimal {
                    posting.entries.iter().filter(|entry| entry.side == side).map(|entry| entry.amount).sum()
                };
                prop_assert_eq!(sum(Side::Debit), sum(Side::Credit));
                for record in items {
                    let line = record.item.line.as_ref().unwrap();
                    let entry = &posting.entries[line.line];
                    prop_assert_eq!((&entry.account, entry.amount), (&line.account, line.amount));
                    prop_assert!(["122102", "224101"].contains(&entry.ledger_code.as_str()));
                }
            }
            Verdict::Done(Answer::Suspended(number)) => {
                prop_assert_eq!(bank.recorded.postings.len(), postings);
                prop_assert!(items.len() == 1 && items[0].item.number == number && items[0].payload.is_some());
            }
            other => prop_assert!(false, "{:?}", other),
        }
    }
}

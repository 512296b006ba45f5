//! Repeats (ACC-4): after the answer went out, in the same append, and after a restart.

use chrono::TimeDelta;
use uuid::Uuid;

use super::{
    bank::{Bank, cr, dr, open, parameter, post},
    batches::{batch, pay},
};
use crate::domain::{
    Digest,
    account::AccountKind,
    base::BaseVersion,
    command::{AccountChange, Action, Answer, BatchMode, Command, Verdict, item_request_id},
    ids::{AccountNumber, CurrencyCode, HoldNumber},
    refusal::Rule,
};

const T1: &str = "T1@110100";

fn done(verdict: Verdict) -> Answer {
    match verdict {
        Verdict::Done(answer) => answer,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn is_reused(verdict: &Verdict) {
    assert!(
        matches!(verdict, Verdict::Refused(refusal) if refusal.rule == Rule::RequestIdReused),
        "{verdict:?}"
    );
}

/// One command of each kind that is answered, in an order in which all of them are done.
fn commands(bank: &mut Bank) -> Vec<Command> {
    let hold = Action::PlaceHold {
        account: AccountNumber::new("a"),
        currency: CurrencyCode::new("CNY"),
        amount: 100.into(),
        expires_at: bank.now + TimeDelta::hours(9),
        purpose: "x".to_owned(),
        reference: String::new(),
    };
    let capture = |hold| Action::CaptureHold { hold, transaction: pay("a", "c", "10 CNY"), keep_rest: false };
    let dormant = Action::ChangeAccount {
        account: AccountNumber::new("b"),
        change: AccountChange::MarkDormant,
        reason: String::new(),
    };
    let later = super::bank::TODAY + TimeDelta::days(30);
    let base = BaseVersion { version: 0, effective_date: later, content: parameter("HOLD_DAYS_MAX", "20") };
    let item_by_item = batch(
        BatchMode::ItemByItem,
        [pay("a", "c", "1 CNY"), pay("a", "c", "0 CNY"), pay("a", "c", "2 CNY")],
    );
    let first_refused = batch(BatchMode::ItemByItem, [pay("a", "c", "0 CNY"), pay("a", "c", "2 CNY")]);
    let request = [
        (T1, post([dr("a", "1 CNY"), cr("c", "1 CNY")])),
        (T1, batch(BatchMode::Atomic, [pay("a", "c", "1 CNY"), pay("a", "c", "2 CNY")])),
        (T1, item_by_item),
        (T1, first_refused),
        (T1, hold.clone()),
        (T1, capture(HoldNumber(1))),
        (T1, hold),
        (T1, Action::ReleaseHold { hold: HoldNumber(2) }),
        (T1, open(AccountKind::PersonalTerm, "201101", "CNY")),
        ("T2@110200", dormant),
        ("B0@100000+S0", Action::ChangeBaseData { records: vec![base], reason: "x".to_owned() }),
        ("B0@100000+S0", Action::OpenBusinessDay { date: super::bank::day(2026, 1, 6) }),
    ];
    request.into_iter().map(|(who, action)| bank.command(who, action)).collect()
}

#[test]
fn a_repeat_gets_the_first_answer_whatever_happened_since() {
    let mut bank = Bank::new();
    let commands = commands(&mut bank);
    let answers: Vec<Answer> =
        commands.iter().map(|one| done(bank.decide(std::slice::from_ref(one)).remove(0))).collect();
    let heads = *bank.book.heads();
    for restarted in [false, true] {
        if restarted {
            bank.book = bank.recorded.open_book(1);
        }
        for (command, answer) in commands.iter().zip(&answers) {
            match bank.decide(std::slice::from_ref(command)).remove(0) {
                Verdict::Repeated(again) => assert_eq!(again, *answer),
                other => panic!("{command:?}: {other:?}"),
            }
        }
        assert_eq!(*bank.book.heads(), heads, "a repeat does nothing");
    }
}

#[test]
fn a_repeat_in_the_same_append_gets_it_too() {
    let mut bank = Bank::new();
    let commands = commands(&mut bank);
    let twice: Vec<Command> = commands.iter().chain(&commands).cloned().collect();
    let verdicts = bank.decide(&twice);
    let (first, again) = verdicts.split_at(commands.len());
    for (first, again) in first.iter().zip(again) {
        match (first, again) {
            (Verdict::Done(first), Verdict::Repeated(again)) => assert_eq!(first, again),
            other => panic!("{other:?}"),
        }
    }
    bank.recorded.verify();
}

#[test]
fn other_content_under_a_used_id_is_refused() {
    let mut bank = Bank::new();
    let commands = commands(&mut bank);
    bank.decide(&commands);
    for mut command in commands.clone() {
        command.origin.digest = Digest([7; 32]);
        is_reused(&bank.decide(&[command]).remove(0));
    }
    // Another kind of request with the same bytes.
    let mut other = commands[0].clone();
    other.action = Action::ReleaseHold { hold: HoldNumber(1) };
    is_reused(&bank.decide(&[other]).remove(0));
}

#[test]
fn the_id_of_a_batch_and_of_its_items_is_taken_for_others() {
    let mut bank = Bank::new();
    let command =
        bank.command(T1, batch(BatchMode::Atomic, [pay("a", "c", "1 CNY"), pay("a", "c", "2 CNY")]));
    bank.decide(std::slice::from_ref(&command));
    for item in [0, 1] {
        let mut other = bank.command(T1, post([dr("a", "1 CNY"), cr("c", "1 CNY")]));
        other.origin.request_id = item_request_id(command.origin.request_id, item);
        is_reused(&bank.decide(&[other]).remove(0));
    }
    // And the other way round: an item's id that some other request took.
    let mut single = bank.command(T1, post([dr("a", "1 CNY"), cr("c", "1 CNY")]));
    let mut later = command;
    later.origin.request_id = Uuid::from_u128(77);
    single.origin.request_id = item_request_id(later.origin.request_id, 1);
    let verdicts = bank.decide(&[single, later]);
    is_reused(&verdicts[1]);
}

#[test]
fn a_refused_request_may_be_asked_again() {
    let mut bank = Bank::new();
    let command = bank.command(T1, post([dr("c", "5 CNY"), cr("a", "5 CNY")]));
    assert!(matches!(bank.decide(std::slice::from_ref(&command)).remove(0), Verdict::Refused(_)));
    bank.posted(T1, post([dr("a", "5 CNY"), cr("c", "5 CNY")]));
    assert!(matches!(bank.decide(&[command]).remove(0), Verdict::Done(_)));
}

#[test]
fn the_ids_of_items_differ_and_follow_from_the_batch() {
    let (one, other) = (Uuid::from_u128(1), Uuid::from_u128(2));
    assert_eq!(item_request_id(one, 0), one);
    assert_eq!(item_request_id(one, 5), item_request_id(one, 5));
    assert_ne!(item_request_id(one, 5), item_request_id(one, 6));
    assert_ne!(item_request_id(one, 5), item_request_id(other, 5));
    assert_eq!(item_request_id(one, 5).get_version_num(), 8);
}

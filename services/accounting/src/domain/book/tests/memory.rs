//! What the book remembers of accounts, and what it asks for again.

use super::bank::{Bank, cr, dr, post};
use crate::domain::{
    book::{Loaded, Needs},
    command::{Action, Command},
    ids::AccountNumber,
};

const T1: &str = "T1@110100";

fn needs(bank: &mut Bank, command: &Command) -> Needs {
    let mut needs = Needs::default();
    bank.book.needs(command, &mut needs);
    needs
}

#[test]
fn only_what_is_not_in_memory_is_wanted() {
    let mut bank = Bank::new();
    bank.book = bank.recorded.open_book(100);
    let command = bank.command(T1, post([dr("a", "1 CNY"), cr("110100/602101", "1 CNY"), cr("7", "1 CNY")]));
    let cold = needs(&mut bank, &command);
    assert_eq!(cold.requests, [command.origin.request_id]);
    assert_eq!(
        cold.accounts.iter().collect::<Vec<_>>(),
        [&bank.number("a")],
        "no account has a number like 7"
    );
    assert_eq!(cold.of_branch.len(), 1);
    bank.book.learn(bank.recorded.load(&cold));
    let warm = needs(&mut bank, &command);
    assert!(warm.accounts.is_empty() && warm.of_branch.is_empty());
}

#[test]
fn a_dry_run_and_a_nil_id_ask_for_no_earlier_answer() {
    let mut bank = Bank::new();
    let mut command = bank.command(T1, post([dr("a", "1 CNY"), cr("c", "1 CNY")]));
    command.origin.dry_run = true;
    assert!(needs(&mut bank, &command).requests.is_empty());
    command.origin.dry_run = false;
    command.origin.request_id = uuid::Uuid::nil();
    assert!(needs(&mut bank, &command).requests.is_empty());
}

#[test]
fn the_least_recently_used_go_and_inter_branch_accounts_stay() {
    let mut bank = Bank::new();
    bank.book = bank.recorded.open_book(2);
    for name in ["a", "c", "usd"] {
        let currency = if name == "usd" { "USD" } else { "CNY" };
        bank.posted(
            T1,
            post([dr("110100/100101", &format!("1 {currency}")), cr(name, &format!("1 {currency}"))]),
        );
    }
    let command = bank.command(T1, post([dr("a", "1 CNY"), cr("usd", "1 CNY"), cr("b", "1 CNY")]));
    let wanted = needs(&mut bank, &command);
    assert!(wanted.accounts.contains(&bank.number("a")) && wanted.accounts.contains(&bank.number("b")));
    assert!(!wanted.accounts.contains(&bank.number("usd")), "the one used last is there");
    bank.posted(T1, post([dr("a", "1 CNY"), cr("b", "1 CNY")]));
    assert_eq!(bank.recorded.verify().postings(), 5, "balances were right after each cold load");
}

#[test]
fn nothing_that_the_commands_in_hand_name_is_forgotten() {
    let mut bank = Bank::new();
    bank.book = bank.recorded.open_book(1);
    let names = ["a", "c", "line", "a", "c"];
    let commands: Vec<Command> = names
        .windows(2)
        .map(|pair| {
            bank.command(
                T1,
                post([dr("110100/100101", "1 CNY"), cr(pair[0], "0.5 CNY"), cr(pair[1], "0.5 CNY")]),
            )
        })
        .collect();
    let verdicts = bank.decide(&commands);
    assert!(verdicts.iter().all(|verdict| format!("{verdict:?}").starts_with("Done")), "{verdicts:?}");
    bank.recorded.verify();
}

#[test]
fn what_is_loaded_again_does_not_overwrite_what_is_known() {
    let mut bank = Bank::new();
    let stale = bank.state("a");
    bank.posted(T1, post([dr("a", "1 CNY"), cr("c", "1 CNY")]));
    bank.book.learn(Loaded { accounts: vec![stale], ..Loaded::default() });
    let posting = bank.posted(T1, post([dr("a", "1 CNY"), cr("c", "1 CNY")]));
    assert_eq!(posting.entries[0].n, 3);
}

#[test]
fn a_hold_is_found_with_its_account() {
    let mut bank = Bank::new();
    let hold = Action::PlaceHold {
        account: AccountNumber::new("a"),
        currency: crate::domain::ids::CurrencyCode::new("CNY"),
        amount: 1.into(),
        expires_at: bank.now + chrono::TimeDelta::hours(1),
        purpose: "x".to_owned(),
        reference: String::new(),
    };
    bank.done(T1, hold);
    bank.book = bank.recorded.open_book(1);
    let release = Action::ReleaseHold { hold: crate::domain::ids::HoldNumber(1) };
    let command = bank.command(T1, release.clone());
    assert_eq!(needs(&mut bank, &command).holds.len(), 1);
    bank.done(T1, release);
}

#[test]
fn a_clock_that_goes_back_does_not_take_the_journal_back() {
    let mut bank = Bank::new();
    let before = bank.posted(T1, post([dr("a", "1 CNY"), cr("c", "1 CNY")])).recorded_at;
    bank.now -= chrono::TimeDelta::days(1);
    for _writer in 0..2 {
        bank.book = bank.recorded.open_book(100);
        let posting = bank.posted(T1, post([dr("a", "1 CNY"), cr("c", "1 CNY")]));
        assert_eq!(posting.recorded_at, before);
    }
    bank.now = before + chrono::TimeDelta::seconds(1);
    assert!(bank.posted(T1, post([dr("a", "1 CNY"), cr("c", "1 CNY")])).recorded_at > before);
    bank.recorded.verify();
}

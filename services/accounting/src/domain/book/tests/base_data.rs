//! Who changes base data and opens the day, and when.

use super::bank::{Bank, TODAY, base_data, day, operator, parameter};
use crate::domain::{
    base::{BaseContent, BaseKind, BaseVersion, OperatorKind},
    command::{Action, Answer, Command, Verdict},
    refusal::Rule,
};

const HEAD_OFFICE: &str = "B0@100000+S0";

fn change(records: impl Into<Vec<BaseVersion>>) -> Action {
    Action::ChangeBaseData { records: records.into(), reason: "因故".to_owned() }
}

fn from(date: chrono::NaiveDate, content: BaseContent) -> BaseVersion {
    BaseVersion { version: 0, effective_date: date, content }
}

#[test]
fn a_change_takes_effect_on_its_date() {
    let mut bank = Bank::without_accounts();
    let tomorrow = day(2026, 1, 6);
    let suspended = operator("T1", "110100", OperatorKind::Supervisor, None);
    let Answer::BaseData(changes) = bank.done(HEAD_OFFICE, change([from(tomorrow, suspended)])) else {
        panic!("changes")
    };
    assert_eq!((changes[0].before.as_ref().unwrap().version, changes[0].after.version), (1, 2));
    let kind = |bank: &Bank, on| {
        bank.book.reference().operator(&crate::domain::ids::OperatorCode::new("T1"), on).unwrap().kind
    };
    assert_eq!(kind(&bank, TODAY), OperatorKind::Teller);
    assert_eq!(kind(&bank, tomorrow), OperatorKind::Supervisor);
    let today = from(TODAY, parameter("HOLD_DAYS_MAX", "1"));
    let message = bank.refused(HEAD_OFFICE, change([today])).to_string();
    let rule = "base data cannot change from 2026-01-05 on: business date 2026-01-05 is not after it";
    assert_eq!(message, format!("records[0].effective_date: {rule}"));
}

#[test]
fn two_persons_change_it_in_head_office() {
    let mut bank = Bank::without_accounts();
    let request = || change([from(day(2026, 1, 6), parameter("HOLD_DAYS_MAX", "1"))]);
    for (who, message) in [
        ("B0@100000", "a change of base data needs a second person"),
        ("B0@100000+B0", "an authorisation needs a second person"),
        ("B0@110100+S0", "only head office may do this, not branch 110100"),
        ("NOBODY@100000+S0", "operator NOBODY is unknown"),
        ("B0@100000+T9", "operator T9 is suspended"),
    ] {
        assert_eq!(bank.refused(who, request()).to_string(), message, "{who}");
    }
    bank.done(HEAD_OFFICE, request());
}

/// A bank of which nothing is known yet.
fn unfounded() -> Bank {
    let mut bank = Bank::without_accounts();
    bank.recorded = super::records::Recorded::default();
    bank.book = bank.recorded.open_book(10);
    bank
}

#[test]
fn a_bank_is_founded_by_two_whom_nobody_knows_yet() {
    let mut bank = unfounded();
    let (people, rest): (Vec<_>, Vec<_>) =
        base_data().into_iter().partition(|record| record.content.kind() == BaseKind::Operator);
    let message = bank.refused("FOUNDER@100000", change(rest.clone())).to_string();
    assert_eq!(message, "a change of base data needs a second person");
    assert!(matches!(
        bank.refused("F@100000+F", change(rest.clone())).rule,
        Rule::SecondPersonRequired { .. }
    ));
    bank.done("FOUNDER@+OTHER", change(rest));
    assert!(matches!(bank.refused("F@110100+G", change(people.clone())).rule, Rule::HeadOfficeOnly { .. }));
    bank.done("FOUNDER@100000+OTHER", change(people));
    let more = || change([from(day(2026, 1, 1), parameter("HOLD_DAYS_MAX", "2"))]);
    assert_eq!(bank.refused("FOUNDER@100000+OTHER", more()).to_string(), "operator FOUNDER is unknown");
    bank.done(HEAD_OFFICE, more());
}

#[test]
fn a_preview_shows_before_and_after_and_changes_nothing() {
    let mut bank = Bank::without_accounts();
    let mut command: Command =
        bank.command("B0@100000", change([from(day(2026, 1, 6), parameter("HOLD_DAYS_MAX", "1"))]));
    command.origin.dry_run = true;
    command.origin.assume_authorised = true;
    for _ in 0..2 {
        let verdict = bank.decide(std::slice::from_ref(&command)).remove(0);
        let Verdict::Done(Answer::BaseData(changes)) = verdict else { panic!("{verdict:?}") };
        assert_eq!((changes[0].before.as_ref().map(|it| it.version), changes[0].after.version), (Some(1), 2));
    }
    assert!(bank.recorded.batches.is_empty());
}

#[test]
fn days_open_one_after_another_on_business_days() {
    let mut bank = Bank::without_accounts();
    let open = |month, date| Action::OpenBusinessDay { date: day(2026, month, date) };
    for (who, action, message) in [
        (HEAD_OFFICE, open(1, 10), "date: 2026-01-10 is no business day"),
        (HEAD_OFFICE, open(1, 4), "date: business day 2026-01-04 is closed; 2026-01-05 is open"),
        (HEAD_OFFICE, open(1, 5), "date: must be after 2026-01-05, which is open already"),
        (
            HEAD_OFFICE,
            Action::OpenBusinessDay { date: day(2027, 1, 4) },
            "date: no calendar is loaded for 2027",
        ),
        ("B0@110100+S0", open(1, 6), "only head office may do this, not branch 110100"),
        ("B0@100000", open(1, 6), "opening a business day needs a second person"),
    ] {
        assert_eq!(bank.refused(who, action).to_string(), message);
    }
    bank.done(HEAD_OFFICE, open(1, 6));
    assert_eq!(bank.book.day().map(|day| day.date), Some(day(2026, 1, 6)));
    assert_eq!(bank.recorded.day.as_ref().map(|day| day.opened_by.as_str()), Some("B0"));
}

#[test]
fn the_first_day_opens_with_the_people_of_that_day_and_all_parameters() {
    let mut bank = unfounded();
    let mut records = base_data();
    records
        .retain(|record| !matches!(&record.content, BaseContent::Parameter(it) if it.code == "AMOUNT_MAX"));
    bank.done("F@+G", change(records));
    let open = |year| Action::OpenBusinessDay { date: day(year, 1, 5) };
    assert_eq!(bank.refused(HEAD_OFFICE, open(2025)).to_string(), "operator B0 is unknown");
    let message = bank.refused(HEAD_OFFICE, open(2026)).to_string();
    assert_eq!(message, "base data has no parameter AMOUNT_MAX on 2026-01-05");
    bank.done(HEAD_OFFICE, change([from(day(2026, 1, 1), parameter("AMOUNT_MAX", "5"))]));
    bank.done(HEAD_OFFICE, open(2026));
}

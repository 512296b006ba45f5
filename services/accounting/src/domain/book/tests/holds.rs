//! Holds: placed, captured, released, lapsed (ACC-8).

use chrono::{DateTime, TimeDelta, Utc};
use uuid::Uuid;

use super::bank::{Bank, cr, dr, post, transaction};
use crate::domain::{
    command::{AccountChange, Action, Answer},
    hold::{Hold, HoldState},
    ids::{AccountNumber, CurrencyCode, HoldNumber},
    refusal::Rule,
    status::Freeze,
    transaction::Posting,
};

const CASH: &str = "110100/100101";
const T1: &str = "T1@110100";

fn place(account: &str, money: &str, expires_at: DateTime<Utc>) -> Action {
    let (amount, currency) = money.split_once(' ').unwrap();
    Action::PlaceHold {
        account: AccountNumber::new(account),
        currency: CurrencyCode::new(currency),
        amount: amount.parse().unwrap(),
        expires_at,
        purpose: "预授权".to_owned(),
        reference: "R1".to_owned(),
    }
}

fn capture(hold: HoldNumber, amount: &str, keep_rest: bool) -> Action {
    Action::CaptureHold { hold, transaction: transaction([dr("a", amount), cr(CASH, amount)]), keep_rest }
}

impl Bank {
    fn hour(&self) -> DateTime<Utc> {
        self.now + TimeDelta::hours(1)
    }

    fn held(&mut self, money: &str) -> HoldNumber {
        let action = place("a", money, self.hour());
        match self.done(T1, action) {
            Answer::Hold(hold) => hold.number,
            other => panic!("{other:?}"),
        }
    }

    fn captured(
        &mut self,
        hold: HoldNumber,
        amount: &str,
        keep_rest: bool,
    ) -> (std::sync::Arc<Posting>, Hold) {
        match self.done(T1, capture(hold, amount, keep_rest)) {
            Answer::Captured { posting, hold } => (posting, hold),
            other => panic!("{other:?}"),
        }
    }

    fn expire(&mut self, holds: &[HoldNumber]) -> usize {
        let mut command = self.command("SERVICE@", Action::ExpireHolds { holds: holds.to_vec() });
        command.origin.request_id = Uuid::nil();
        match format!("{:?}", self.decide(&[command])).as_str() {
            "[Done(Expired(0))]" => 0,
            "[Done(Expired(1))]" => 1,
            other => panic!("{other}"),
        }
    }
}

#[test]
fn money_set_aside_is_not_available() {
    let mut bank = Bank::new();
    let hold = bank.held("9000.5 CNY");
    assert_eq!((hold, bank.available("a").as_str()), (HoldNumber(1), "999.5"));
    let spend = |amount: &str| post([dr("a", amount), cr(CASH, amount)]);
    let message = bank.refused(T1, spend("1000 CNY")).to_string();
    assert!(message.ends_with("is short of 0.5: 999.5 is available"), "{message}");
    let again = place("a", "1000 CNY", bank.hour());
    let message = bank.refused(T1, again).to_string();
    assert!(
        message.starts_with("amount: ") && message.ends_with("is short of 0.5: 999.5 is available"),
        "{message}"
    );
    bank.posted(T1, spend("999.5 CNY"));
    assert_eq!(bank.available("a"), "0");
}

#[test]
fn a_capture_takes_what_was_set_aside_and_lets_go_of_the_rest() {
    let mut bank = Bank::new();
    let hold = bank.held("10000 CNY");
    let (posting, captured) = bank.captured(hold, "4000 CNY", true);
    assert_eq!((posting.hold, captured.state, captured.version), (Some(hold), HoldState::Open, 2));
    assert_eq!((captured.captured, captured.remaining), (4_000.into(), 6_000.into()));
    assert_eq!(posting.entries[0].available, Some(0.into()));
    assert_eq!(bank.recorded.hold_events[1].posting, Some(posting.number));
    let (posting, captured) = bank.captured(hold, "1000 CNY", false);
    assert_eq!(
        (captured.state, captured.captured, captured.remaining),
        (HoldState::Captured, 5_000.into(), 0.into())
    );
    assert_eq!((posting.entries[0].available, bank.available("a").as_str()), (Some(5_000.into()), "5000"));
    assert_eq!(bank.refused(T1, capture(hold, "1 CNY", false)).to_string(), "hold: hold 1 is no longer open");
    bank.recorded.verify();
}

#[test]
fn a_capture_whole_ends_the_hold_even_when_the_rest_would_stay() {
    let mut bank = Bank::new();
    let hold = bank.held("100 CNY");
    assert_eq!(bank.captured(hold, "100 CNY", true).1.state, HoldState::Captured);
}

#[test]
fn a_capture_takes_no_more_and_from_no_other_account() {
    let mut bank = Bank::new();
    let hold = bank.held("100 CNY");
    let message = "transaction.lines: hold 1 has 100 set aside, and 100.01 was to be captured";
    assert_eq!(bank.refused(T1, capture(hold, "100.01 CNY", false)).to_string(), message);
    let other = transaction([dr(CASH, "5 CNY"), cr("a", "5 CNY")]);
    let message =
        format!("transaction.lines: the transaction does not debit the held account {}", bank.number("a"));
    let refusal = bank.refused(T1, Action::CaptureHold { hold, transaction: other, keep_rest: false });
    assert_eq!(refusal.to_string(), message);
    let unknown = HoldNumber(9);
    assert_eq!(bank.refused(T1, capture(unknown, "1 CNY", false)).to_string(), "hold: hold 9 is unknown");
    bank.done(
        T1,
        Action::ChangeAccount {
            account: AccountNumber::new("a"),
            change: AccountChange::Freeze { freeze: Freeze::Debit, currency: None },
            reason: String::new(),
        },
    );
    let message = bank.refused(T1, capture(hold, "1 CNY", false)).to_string();
    assert!(message.starts_with("transaction.lines[0].account: ") && message.contains("frozen"), "{message}");
}

#[test]
fn a_release_gives_the_money_back_once() {
    let mut bank = Bank::new();
    let hold = bank.held("100 CNY");
    let Answer::Hold(released) = bank.done(T1, Action::ReleaseHold { hold }) else { panic!("a hold") };
    assert_eq!((released.state, released.remaining, released.version), (HoldState::Released, 0.into(), 2));
    assert_eq!(bank.available("a"), "10000");
    assert_eq!(bank.refused(T1, Action::ReleaseHold { hold }).rule, Rule::HoldNotOpen { hold });
    let supervisor = bank.refused("S1@110100", Action::ReleaseHold { hold }).to_string();
    assert_eq!(supervisor, "operator S1 authorises and does not post");
}

#[test]
fn a_hold_lapses_by_itself_and_then_on_paper() {
    let mut bank = Bank::new();
    let hold = bank.held("100 CNY");
    assert_eq!(bank.expire(&[hold]), 0, "what is not due is passed over");
    bank.now = bank.state("a").holds[0].expires_at;
    assert_eq!(bank.available("a"), "10000");
    for action in [capture(hold, "1 CNY", false), Action::ReleaseHold { hold }] {
        let message = bank.refused(T1, action).to_string();
        assert!(message.starts_with("hold: hold 1 expired at 2026-01-05"), "{message}");
    }
    assert_eq!(bank.expire(&[hold, HoldNumber(7)]), 1);
    let event = bank.recorded.hold_events.last().unwrap();
    assert_eq!((event.hold.state, event.operator.as_str()), (HoldState::Expired, "SERVICE"));
    assert_eq!(bank.expire(&[hold]), 0);
    assert_eq!(bank.refused(T1, Action::ReleaseHold { hold }).rule, Rule::HoldNotOpen { hold });
    bank.recorded.verify();
}

#[test]
fn a_hold_has_a_date_in_range_an_amount_and_an_account_that_has_a_limit() {
    let mut bank = Bank::new();
    let (now, later) = (bank.now, bank.hour());
    for expires_at in [now, now + TimeDelta::days(10) + TimeDelta::hours(1)] {
        let message = bank.refused(T1, place("a", "1 CNY", expires_at)).to_string();
        assert!(
            message.starts_with("expire_time: ") && message.contains("is not between now and 2026-01-15"),
            "{message}"
        );
    }
    assert_eq!(bank.refused(T1, place("a", "0 CNY", later)).to_string(), "amount: 0 is not above zero");
    let message = bank.refused(T1, place("a", "1 USD", later)).to_string();
    assert!(message.starts_with("amount.currency: ") && message.ends_with("is in CNY, not USD"), "{message}");
    let message = bank.refused(T1, place("1", "1 CNY", later)).to_string();
    assert_eq!(message, "account: account 1 is unknown");
    let register =
        bank.recorded.accounts.values().find(|account| account.off_balance).unwrap().number.clone();
    let message = bank.refused(T1, place(register.as_str(), "1 CNY", later)).to_string();
    assert!(message.starts_with("account: must have a limit"), "{message}");
    let nanoseconds = later + TimeDelta::nanoseconds(1_500);
    let Answer::Hold(hold) = bank.done(T1, place("a", "1 CNY", nanoseconds)) else { panic!("a hold") };
    assert_eq!(hold.expires_at, later + TimeDelta::microseconds(1), "to the microsecond, as it is recorded");
}

#[test]
fn a_dry_capture_leaves_the_hold_as_it_is() {
    let mut bank = Bank::new();
    let hold = bank.held("100 CNY");
    let mut command = bank.command(T1, capture(hold, "60 CNY", false));
    command.origin.dry_run = true;
    let heads = *bank.book.heads();
    let message = format!("{:?}", bank.decide(&[command]));
    assert!(message.contains("PostingNumber(0)") && message.contains("captured: 60"), "{message}");
    assert_eq!((*bank.book.heads(), bank.available("a").as_str()), (heads, "9900"));
    bank.captured(hold, "100 CNY", false);
}

#[test]
fn an_account_has_a_bounded_number_of_open_holds() {
    let mut bank = Bank::new();
    let holds: Vec<HoldNumber> = (0..20).map(|_| bank.held("1 CNY")).collect();
    let expires_at = bank.hour();
    let refusal = bank.refused(T1, place("a", "1 CNY", expires_at));
    assert_eq!(refusal.field.as_deref(), Some("account"));
    assert!(matches!(refusal.rule, Rule::OpenHoldsTooMany { holds: 20, holds_max: 20, .. }), "{refusal}");
    bank.done(T1, place("line", "1 CNY", expires_at));

    bank.now += TimeDelta::hours(2);
    let expires_at = bank.hour();
    let refusal = bank.refused(T1, place("a", "1 CNY", expires_at));
    assert!(matches!(refusal.rule, Rule::OpenHoldsTooMany { .. }), "lapsed, and not written down: {refusal}");
    assert_eq!(bank.expire(&holds[..1]), 1);
    bank.held("1 CNY");
}

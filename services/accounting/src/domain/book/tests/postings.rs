//! What is posted, and what is refused, line by line.

use chrono::Days;

use super::bank::{Bank, TODAY, cr, dr, post, transaction};
use crate::domain::{
    base::TransactionKind,
    command::{AccountChange, Action, Answer, Verdict},
    ids::{AccountNumber, OperatorCode},
    side::Side,
    status::Freeze,
    transaction::{Line, Transaction},
};

const CASH: &str = "110100/100101";

fn change(account: &str, change: AccountChange) -> Action {
    Action::ChangeAccount { account: AccountNumber::new(account), change, reason: String::new() }
}

#[track_caller]
fn refuses(bank: &mut Bank, who: &str, lines: impl Into<Vec<Line>>, message: &str) {
    assert_eq!(bank.refused(who, post(lines)).to_string(), message);
}

#[test]
fn a_posting_carries_dates_people_and_balances() {
    let mut bank = Bank::new();
    let mut request = transaction([dr("a", "25.5 CNY"), cr("c", "25.50 CNY")]);
    request.lines[1].narrative = "还款".to_owned();
    let yesterday = TODAY - Days::new(1);
    request.transaction_date = Some(yesterday);
    let posting = bank.posted("T1@110100+S1", Action::Post(request));
    assert_eq!((posting.number.0, posting.kind), (2, TransactionKind::Transfer));
    assert_eq!(
        (posting.transaction_date, posting.accounting_date, posting.value_date),
        (yesterday, TODAY, TODAY)
    );
    assert_eq!(posting.authoriser.as_ref().map(OperatorCode::as_str), Some("S1"));
    let [from, to] = posting.entries.as_slice() else { panic!("two entries") };
    assert_eq!((from.n, from.side, from.narrative.as_str()), (2, Side::Debit, "测试"));
    assert_eq!(
        (from.debit_total.to_string(), from.credit_total.to_string()),
        ("25.5".into(), "10000".into())
    );
    assert_eq!(from.available.unwrap().to_string(), "9974.5");
    assert_eq!((to.n, to.narrative.as_str(), to.available.unwrap().to_string()), (1, "还款", "25.50".into()));
    bank.recorded.verify();
}

#[test]
fn several_lines_of_one_account_follow_each_other_and_are_weighed_together() {
    let mut bank = Bank::new();
    let posting =
        bank.posted("T1@110100", post([dr("a", "9000 CNY"), dr("a", "1000 CNY"), cr("c", "10000 CNY")]));
    let a: Vec<_> =
        posting.entries.iter().filter(|entry| entry.side == Side::Debit).map(|entry| entry.n).collect();
    assert_eq!(a, [2, 3]);
    let number = bank.number("c");
    let message = format!("transaction.lines[0].amount: account {number} is short of 1: 10000 is available");
    refuses(
        &mut bank,
        "T1@110100",
        [dr("c", "5000 CNY"), cr("a", "10001 CNY"), dr("c", "5001 CNY")],
        &message,
    );
    bank.posted(
        "T1@110100",
        post([dr("c", "10001 CNY"), cr("a", "10001 CNY"), cr("c", "1 CNY"), dr("a", "1 CNY")]),
    );
}

#[test]
fn kinds_follow_from_the_lines() {
    let mut bank = Bank::new();
    for (lines, kind) in [
        (vec![dr(CASH, "1 CNY"), cr("a", "1 CNY")], TransactionKind::Cash),
        (vec![dr("a", "1 CNY"), cr("110100/602101", "1 CNY")], TransactionKind::Transfer),
        (vec![dr("110100/300201", "1 CNY"), cr("110100/602101", "1 CNY")], TransactionKind::Internal),
        (vec![dr("110100/800101", "1 CNY")], TransactionKind::Internal),
    ] {
        assert_eq!(bank.posted("T1@110100", post(lines)).kind, kind);
    }
}

#[test]
fn each_line_must_be_one_that_its_account_takes() {
    let mut bank = Bank::new();
    let t1 = "T1@110100";
    let at = |amount: &str| [dr(CASH, amount), cr("a", amount)];
    refuses(&mut bank, t1, [], "transaction.lines: a transaction has none, and needs at least one");
    let many: Vec<Line> = (0..101).map(|_| dr(CASH, "1 CNY")).collect();
    refuses(&mut bank, t1, many, "transaction.lines: a transaction has 101, and at most 100 are allowed");
    refuses(&mut bank, t1, at("0 CNY"), "transaction.lines[0].amount: 0 is not above zero");
    refuses(&mut bank, t1, at("-1 CNY"), "transaction.lines[0].amount: -1 is not above zero");
    let message = "transaction.lines[0].amount: 1.001 has more decimals than CNY has: 2";
    refuses(&mut bank, t1, at("1.001 CNY"), message);
    let message = "transaction.lines[0].amount: 0.1 has more decimals than JPY has: 0";
    refuses(&mut bank, t1, [dr(CASH, "0.1 JPY"), cr("jpy", "0.1 JPY")], message);
    let message = "transaction.lines[0].amount: 1000000.01 is above the largest amount: 1000000";
    refuses(&mut bank, t1, at("1000000.01 CNY"), message);
    let lines = [dr(CASH, "1 CNY"), cr("1101000100000000999", "1 CNY")];
    refuses(&mut bank, t1, lines, "transaction.lines[1].account: account 1101000100000000999 is unknown");
    let number = bank.number("a");
    let message = format!("transaction.lines[1].amount.currency: account {number} is in CNY, not USD");
    refuses(&mut bank, t1, [dr(CASH, "1 USD"), cr("a", "1 USD")], &message);
    let message = "transaction.lines[0].account: operators do not post by hand to ledger code 223101";
    refuses(&mut bank, t1, [dr("110100/223101", "1 CNY"), cr("a", "1 CNY")], message);
    let message = "transaction.lines[0].account: branch 110200 has no account on 602101 in CNY";
    refuses(&mut bank, t1, [dr("110200/602101", "1 CNY"), cr("a", "1 CNY")], message);
    let message = "transaction.lines[0].account: ledger code 9999 is unknown";
    refuses(&mut bank, t1, [dr("110200/9999", "1 CNY"), cr("a", "1 CNY")], message);
    let message = "transaction.lines[0].account: branch 119999 is unknown";
    refuses(&mut bank, t1, [dr("119999/100101", "1 CNY"), cr("a", "1 CNY")], message);
    let message = "transaction.lines[0].amount.currency: currency GBP is unknown";
    refuses(&mut bank, t1, [dr(CASH, "1 GBP"), cr("a", "1 GBP")], message);
    bank.posted("SYS@110100", post([dr("a", "1 CNY"), cr("110100/223101", "1 CNY")]));
}

#[test]
fn each_currency_balances_and_currencies_meet_on_the_exchange_code_only() {
    let mut bank = Bank::new();
    let t1 = "T1@110100";
    let message = "transaction.lines: CNY does not balance: debits less credits are 1";
    refuses(&mut bank, t1, [dr(CASH, "3 CNY"), cr("a", "2 CNY")], message);
    let message = "transaction.lines: several currencies meet without ledger code 3002";
    refuses(&mut bank, t1, [dr("a", "7 CNY"), cr("usd", "1 USD")], message);
    let both = [dr(CASH, "7 CNY"), cr("a", "7 CNY"), dr(CASH, "1 USD"), cr("usd", "1 USD")];
    refuses(&mut bank, t1, both, message);
    let exchange = "110100/300201";
    let message = "transaction.lines: USD does not balance: debits less credits are -1";
    let lines = [dr("a", "7 CNY"), cr(exchange, "7 CNY"), dr(exchange, "1 USD"), cr("usd", "2 USD")];
    refuses(&mut bank, t1, lines, message);
    bank.posted(
        t1,
        post([dr("a", "7 CNY"), cr(exchange, "7 CNY"), dr(exchange, "1 USD"), cr("usd", "1 USD")]),
    );
    bank.recorded.verify();
}

#[test]
fn each_branch_gets_what_it_lacks() {
    let mut bank = Bank::new();
    let lines = [dr("a", "100 CNY"), cr("b", "70 CNY"), cr("100000/4001", "30 CNY")];
    let posting = bank.posted("B0@100000", post(lines));
    let added: Vec<String> = posting
        .entries
        .iter()
        .filter(|entry| entry.inter_branch)
        .map(|entry| format!("{} {:?} {} {}", entry.branch, entry.side, entry.amount, entry.narrative))
        .collect();
    assert_eq!(added, ["110100 Credit 100 测试", "110200 Debit 70 测试", "100000 Debit 30 测试"]);
    bank.recorded.verify();
    let message = "transaction.lines: branch 110200 has no inter-branch account in USD";
    refuses(&mut bank, "T1@110100", [dr("110200/100101", "1 USD"), cr("usd", "1 USD")], message);
}

#[test]
fn registers_stand_by_themselves_and_never_go_below_zero() {
    let mut bank = Bank::new();
    let register = "110100/800101";
    let posting = bank
        .posted("T1@110100", post([dr(register, "25 CNY"), dr("a", "5 CNY"), cr("110100/602101", "5 CNY")]));
    assert_eq!((posting.entries.len(), posting.entries[0].available), (3, None));
    bank.posted("T1@110100", post([cr(register, "20 CNY")]));
    let refusal = bank.refused("T1@110100", post([cr(register, "3 CNY"), cr(register, "3 CNY")])).to_string();
    assert!(refusal.starts_with("transaction.lines[0].amount: account "), "{refusal}");
    assert!(refusal.ends_with("does not take Credit 6: 5 is registered"), "{refusal}");
}

#[test]
fn funds_are_ledger_balance_overdraft_line_less_frozen() {
    let mut bank = Bank::new();
    let spend = |account: &str, amount: &str| post([dr(account, amount), cr(CASH, amount)]);
    bank.posted("T1@110100", spend("line", "500 CNY"));
    assert_eq!(bank.available("line"), "0");
    assert!(
        bank.refused("T1@110100", spend("line", "0.01 CNY"))
            .to_string()
            .contains("is short of 0.01: 0 is available")
    );
    let freeze = AccountChange::Freeze { freeze: Freeze::Amount(9_990.into()), currency: None };
    bank.done("T1@110100", change("a", freeze));
    assert!(
        bank.refused("T1@110100", spend("a", "11 CNY"))
            .to_string()
            .contains("is short of 1: 10 is available")
    );
    bank.posted("T1@110100", spend("a", "10 CNY"));
    let cash = bank.refused("T1@110100", post([dr("c", "1 CNY"), cr("110200/100101", "1 CNY")]));
    assert!(
        cash.to_string().contains("is short of 1: 0 is available"),
        "an empty till pays nothing out: {cash}"
    );
}

#[test]
fn the_status_of_an_account_decides_what_it_takes() {
    let mut bank = Bank::new();
    let number = bank.number("a");
    let (into, from) = ([dr(CASH, "1 CNY"), cr("a", "1 CNY")], [dr("a", "1 CNY"), cr(CASH, "1 CNY")]);
    bank.done("T1@110100", change("a", AccountChange::Freeze { freeze: Freeze::Debit, currency: None }));
    bank.posted("T1@110100", post(into.clone()));
    let message = format!("transaction.lines[0].account: account {number} is frozen against this");
    refuses(&mut bank, "T1@110100", from, &message);
    bank.done("T1@110100+S1", change("a", AccountChange::Unfreeze));
    bank.done("T1@110100", change("a", AccountChange::Freeze { freeze: Freeze::Full, currency: None }));
    let message = format!("transaction.lines[1].account: account {number} is frozen against this");
    refuses(&mut bank, "T1@110100", into.clone(), &message);
    bank.done("T1@110100+S1", change("a", AccountChange::Unfreeze));
    bank.done("T1@110100", change("a", AccountChange::MarkDormant));
    let message = format!("transaction.lines[1].account: account {number} is dormant: activate it first");
    refuses(&mut bank, "T1@110100", into, &message);
    bank.done("T1@110100", change("c", AccountChange::Close));
    let message = format!("transaction.lines[1].account: account {} is closed", bank.number("c"));
    refuses(&mut bank, "T1@110100", [dr(CASH, "1 CNY"), cr("c", "1 CNY")], &message);
}

#[test]
fn dates_lie_in_the_allowed_range() {
    let mut bank = Bank::new();
    let with = |set: fn(&mut Transaction)| {
        let mut request = transaction([dr(CASH, "1 CNY"), cr("a", "1 CNY")]);
        set(&mut request);
        Action::Post(request)
    };
    let mut message = |set| match bank.ask("T1@110100", with(set)) {
        Verdict::Refused(refusal) => refusal.to_string(),
        other => format!("{other:?}").chars().take(4).collect(),
    };
    assert_eq!(message(|it| it.accounting_date = Some(TODAY)), "Done");
    let closed = "transaction.accounting_date: business day 2026-01-04 is closed; 2026-01-05 is open";
    assert_eq!(message(|it| it.accounting_date = Some(TODAY - Days::new(1))), closed);
    let not_open = "transaction.accounting_date: business day 2026-01-06 is not open yet; 2026-01-05 is open";
    assert_eq!(message(|it| it.accounting_date = Some(TODAY + Days::new(1))), not_open);
    assert_eq!(message(|it| it.transaction_date = Some(TODAY - Days::new(30))), "Done");
    let range = "is outside the allowed range from 2025-12-06 to 2026-01-05";
    let early = format!("transaction.transaction_date: 2025-12-05 {range}");
    assert_eq!(message(|it| it.transaction_date = Some(TODAY - Days::new(31))), early);
    let late = format!("transaction.transaction_date: 2026-01-06 {range}");
    assert_eq!(message(|it| it.transaction_date = Some(TODAY + Days::new(1))), late);
    assert_eq!(message(|it| it.value_date = Some(TODAY + Days::new(5))), "Done");
    let late =
        "transaction.value_date: 2026-01-11 is outside the allowed range from 2025-12-06 to 2026-01-10";
    assert_eq!(message(|it| it.value_date = Some(TODAY + Days::new(6))), late);
}

#[test]
fn a_dry_run_says_what_would_be_and_leaves_no_trace() {
    let mut bank = Bank::new();
    let mut command = bank.command("T1@110100", post([dr("a", "100 CNY"), cr("c", "100 CNY")]));
    command.origin.dry_run = true;
    let heads = *bank.book.heads();
    for _ in 0..2 {
        let verdict = bank.decide(std::slice::from_ref(&command)).remove(0);
        let Verdict::Done(Answer::Posted(posting)) = verdict else { panic!("{verdict:?}") };
        assert_eq!((posting.number.0, posting.entries[0].n), (0, 2));
        assert_eq!(posting.entries[0].available.unwrap().to_string(), "9900");
        assert_eq!(*bank.book.heads(), heads);
    }
    command.origin.dry_run = false;
    let done = bank.decide(&[command]).remove(0);
    assert!(
        matches!(done, Verdict::Done(Answer::Posted(posting)) if posting.number.0 == 2),
        "the id is not used up"
    );
}

#[test]
fn closed_ledger_codes_take_nothing() {
    let mut bank = Bank::new();
    let mut closed = bank.recorded.base.clone();
    for version in &mut closed {
        if let crate::domain::base::BaseContent::LedgerCode(code) = &mut version.content {
            code.closed |= code.code.as_str() == "602101";
        }
    }
    bank.recorded.base = closed;
    bank.book = bank.recorded.open_book(1_000);
    let message = "transaction.lines[1].account: ledger code 602101 is closed";
    refuses(&mut bank, "T1@110100", [dr("a", "1 CNY"), cr("110100/602101", "1 CNY")], message);
}

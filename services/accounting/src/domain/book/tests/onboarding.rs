//! Moving in: what the opening period allows, and what holds in it as always.

use chrono::NaiveDate;

use super::bank::{Bank, cr, day, dr, open, transaction};
use crate::domain::{
    account::AccountKind,
    command::{AccountToImport, Action, Answer, Kept, OpenAccount, Verdict},
    ids::{AccountNumber, BranchCode, FormerNumber, PostingNumber},
    refusal::{Refusal, Rule},
    transaction::{AccountRef, Line, Transaction},
};

const SYS: &str = "SYS@100000";

fn account(branch: &str, former_number: &str) -> AccountToImport {
    let Action::OpenAccount(terms) = open(AccountKind::PersonalDemand, "201101", "CNY") else {
        unreachable!()
    };
    let former_number = (!former_number.is_empty()).then(|| FormerNumber::new(former_number));
    AccountToImport { branch: BranchCode::new(branch), terms, former_number, open_date: None }
}

fn accounts(accounts: impl IntoIterator<Item = AccountToImport>) -> Action {
    Action::ImportAccounts { accounts: accounts.into_iter().map(Ok).collect() }
}

fn postings(transactions: impl IntoIterator<Item = Transaction>) -> Action {
    Action::ImportPostings { transactions: transactions.into_iter().map(Ok).collect() }
}

fn on(date: NaiveDate, lines: impl Into<Vec<Line>>) -> Transaction {
    Transaction { accounting_date: Some(date), ..transaction(lines) }
}

fn of_former(line: Line, former_number: &str) -> Line {
    Line { account: AccountRef::Former(FormerNumber::new(former_number)), ..line }
}

fn opened(answer: Answer) -> Vec<Result<AccountNumber, Refusal>> {
    match answer {
        Answer::AccountsImported(verdicts) => verdicts,
        other => panic!("{other:?}"),
    }
}

fn posted(answer: Answer) -> Vec<Result<PostingNumber, Refusal>> {
    match answer {
        Answer::PostingsImported(verdicts) => verdicts,
        other => panic!("{other:?}"),
    }
}

#[test]
fn accounts_are_found_by_the_numbers_that_they_had() {
    let mut bank = Bank::new();
    let verdicts = opened(
        bank.done(SYS, accounts([account("110100", "x1"), account("110200", "x1"), account("110200", "")])),
    );
    assert_eq!(verdicts[0].as_ref().unwrap().as_str().get(..6), Some("110100"));
    let taken = verdicts[1].as_ref().unwrap_err();
    assert_eq!(taken.field.as_deref(), Some("accounts[1].former_number"));
    assert!(matches!(taken.rule, Rule::FormerNumberTaken { .. }));
    assert!(verdicts[2].is_ok(), "one need not have had a number");
    bank.book = bank.recorded.open_book(0);
    let lines = |former: &str| [dr("110100/100101", "5 CNY"), of_former(cr("a", "5 CNY"), former)];
    let verdicts = posted(bank.done(SYS, postings([transaction(lines("x1")), transaction(lines("x2"))])));
    assert!(verdicts[0].is_ok());
    let unknown = verdicts[1].as_ref().unwrap_err();
    assert_eq!(unknown.field.as_deref(), Some("transactions[1].lines[1].account"));
    let again = opened(bank.done(SYS, accounts([account("110200", "x1")])));
    assert!(matches!(again[0].as_ref().unwrap_err().rule, Rule::FormerNumberTaken { .. }));
}

#[test]
fn only_head_office_moves_in_accounts_of_others() {
    let mut bank = Bank::new();
    let verdicts =
        opened(bank.done(
            "T1@110100",
            accounts([account("110100", ""), account("110200", ""), account("110300", "")]),
        ));
    assert!(verdicts[0].is_ok());
    assert_eq!(verdicts[1].as_ref().unwrap_err().field.as_deref(), Some("accounts[1].branch"));
    let closed = opened(bank.done(SYS, accounts([account("110300", "")])));
    assert!(matches!(closed[0].as_ref().unwrap_err().rule, Rule::BranchClosed { .. }));
}

#[test]
fn an_account_of_the_banks_own_or_with_a_line_needs_no_second_person_then() {
    let mut bank = Bank::new();
    let with_line = account("110100", "");
    let with_line =
        AccountToImport { terms: OpenAccount { overdraft_limit: 5.into(), ..with_line.terms }, ..with_line };
    let Action::OpenAccount(terms) = open(AccountKind::Internal, "2012", "CNY") else { unreachable!() };
    let own = AccountToImport { terms, ..account("110100", "") };
    let verdicts = opened(bank.done(SYS, accounts([with_line, own.clone(), own])));
    assert!(verdicts[0].is_ok() && verdicts[1].is_ok());
    assert!(matches!(verdicts[2].as_ref().unwrap_err().rule, Rule::LedgerAccountExists { .. }));
}

#[test]
fn what_is_moved_in_counts_against_no_limit_and_takes_no_more_than_is_there() {
    let mut bank = Bank::new();
    let (first, after) = (day(2020, 1, 1), day(2021, 5, 6));
    let items = [
        on(first, [dr("110100/100101", "900000 CNY"), cr("c", "900000 CNY")]),
        on(after, [dr("c", "900000.01 CNY"), cr("b", "900000.01 CNY")]),
        on(after, [dr("c", "900000 CNY"), cr("b", "900000 CNY")]),
    ];
    let verdicts = posted(bank.done("T1@110100", postings(items)));
    assert_eq!(verdicts[0], Ok(PostingNumber(2)));
    assert!(matches!(verdicts[1].as_ref().unwrap_err().rule, Rule::FundsInsufficient { .. }));
    assert_eq!(verdicts[2], Ok(PostingNumber(3)));
    let posting = &bank.recorded.postings[2];
    assert_eq!(
        (posting.accounting_date, posting.value_date, posting.transaction_date),
        (after, after, after)
    );
    bank.recorded.verify();
}

#[test]
fn dates_lie_before_the_first_day_here_or_on_the_open_one() {
    let mut bank = Bank::new();
    let lines = || [dr("110100/100101", "1 CNY"), cr("a", "1 CNY")];
    let of = |bank: &mut Bank, date| posted(bank.done(SYS, postings([on(date, lines())]))).remove(0);
    assert!(of(&mut bank, day(2020, 1, 1)).is_ok());
    assert!(of(&mut bank, day(2026, 1, 4)).is_ok(), "whether the books were open on it or not");
    assert!(of(&mut bank, day(2026, 1, 5)).is_ok());
    let wrong = |bank: &mut Bank, date| of(bank, date).unwrap_err().to_string();
    assert_eq!(
        wrong(&mut bank, day(2019, 12, 31)),
        "transactions[0].accounting_date: 2019-12-31 is outside the allowed range from 2020-01-01 to 2026-01-04"
    );
    bank.done("B0@100000+S0", Action::OpenBusinessDay { date: day(2026, 1, 6) });
    assert!(
        wrong(&mut bank, day(2026, 1, 5)).ends_with("business day 2026-01-05 is closed; 2026-01-06 is open")
    );
    assert!(of(&mut bank, day(2026, 1, 4)).is_ok(), "the first day here stays the first");
    assert!(wrong(&mut bank, day(2026, 1, 7)).contains("not open yet"));

    bank.done("B0@100000+S0", Action::OpenBusinessDay { date: day(2026, 1, 12) });
    let over = bank.refused(SYS, postings([on(day(2020, 1, 1), lines())]));
    assert!(matches!(over.rule, Rule::OpeningPeriodOver { .. }));
    bank.refused(SYS, accounts([account("110100", "")]));
}

#[test]
fn other_dates_go_back_as_far_as_the_history() {
    let mut bank = Bank::new();
    let dated = |transaction_date, value_date| Transaction {
        transaction_date: Some(transaction_date),
        value_date: Some(value_date),
        ..on(day(2024, 6, 3), [dr("110100/100101", "1 CNY"), cr("a", "1 CNY")])
    };
    let items = [
        dated(day(2024, 5, 31), day(2020, 1, 1)),
        dated(day(2024, 6, 4), day(2024, 6, 3)),
        dated(day(2024, 6, 3), day(2024, 6, 9)),
        dated(day(2024, 6, 3), day(2019, 12, 31)),
    ];
    let verdicts = posted(bank.done(SYS, postings(items)));
    let fields: Vec<Option<String>> =
        verdicts.into_iter().map(|verdict| verdict.err().and_then(|refusal| refusal.field)).collect();
    let at = |field: &str| Some(field.to_owned());
    assert_eq!(
        fields,
        [
            None,
            at("transactions[1].transaction_date"),
            at("transactions[2].value_date"),
            at("transactions[3].value_date")
        ]
    );
}

#[test]
fn an_import_is_answered_by_what_was_kept_of_it() {
    let mut bank = Bank::new();
    let action = postings([on(day(2020, 1, 1), [dr("110100/100101", "1 CNY"), cr("a", "1 CNY")])]);
    let command = bank.command(SYS, action);
    let first = bank.decide(std::slice::from_ref(&command)).remove(0);
    let Verdict::Done(answer) = first else { panic!("{first:?}") };
    let kept = &bank.recorded.kept[&command.origin.request_id].answer;
    assert!(
        matches!(kept, Kept::PostingsImported(verdicts) if verdicts.len() == 1),
        "also when nothing was refused"
    );
    bank.book = bank.recorded.open_book(0);
    let again = bank.decide(std::slice::from_ref(&command)).remove(0);
    assert!(matches!(again, Verdict::Repeated(repeated) if repeated == answer));
    let mut other = command;
    other.origin.digest.0[0] ^= 1;
    let reused = bank.decide(&[other]).remove(0);
    assert!(matches!(reused, Verdict::Refused(Refusal { rule: Rule::RequestIdReused, .. })));
}

#[test]
fn what_is_only_checked_leaves_the_book_as_it_was() {
    let mut bank = Bank::new();
    let heads = *bank.book.heads();
    let Action::OpenAccount(terms) = open(AccountKind::InterBranch, "300301", "JPY") else { unreachable!() };
    let between = AccountToImport { terms, ..account("110100", "") };
    for action in [
        accounts([account("110100", "x1"), between.clone()]),
        postings([on(day(2020, 1, 1), [dr("110100/100101", "1 CNY"), cr("a", "1 CNY")])]),
    ] {
        let mut command = bank.command(SYS, action);
        command.origin.dry_run = true;
        assert!(matches!(bank.decide(&[command]).remove(0), Verdict::Done(_)));
    }
    assert_eq!((*bank.book.heads(), bank.available("a").as_str()), (heads, "10000"));
    let verdicts = opened(bank.done(SYS, accounts([account("110100", "x1"), between])));
    assert!(verdicts.iter().all(Result::is_ok), "{verdicts:?}");
}

#[test]
fn an_import_has_one_to_a_thousand_items() {
    let mut bank = Bank::new();
    assert!(matches!(bank.refused(SYS, postings([])).rule, Rule::Empty { .. }));
    let many = (0..1_001).map(|_| account("110100", ""));
    assert!(matches!(bank.refused(SYS, accounts(many)).rule, Rule::TooMany { count: 1_001, max: 1_000, .. }));
    bank.refused("S1@110100", postings([transaction([dr("110100/100101", "1 CNY"), cr("a", "1 CNY")])]));
}

//! Batches: all or none, or each by itself.

use std::sync::Arc;

use super::bank::{Bank, cr, dr, transaction};
use crate::domain::{
    command::{Action, Answer, BatchMode, Verdict, item_request_id},
    refusal::{Refusal, Rule},
    transaction::{Posting, Transaction},
};

const T1: &str = "T1@110100";

pub fn pay(from: &str, to: &str, amount: &str) -> Transaction {
    transaction([dr(from, amount), cr(to, amount)])
}

pub fn batch(mode: BatchMode, transactions: impl Into<Vec<Transaction>>) -> Action {
    Action::PostBatch { mode, transactions: transactions.into() }
}

fn verdicts(answer: Answer) -> Vec<Result<Arc<Posting>, Refusal>> {
    match answer {
        Answer::Batch(verdicts) => verdicts,
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_atomic_batch_is_posted_whole_each_item_on_the_ones_before() {
    let mut bank = Bank::new();
    let items = [pay("a", "c", "10000 CNY"), pay("c", "b", "9999 CNY"), pay("c", "a", "1 CNY")];
    let command = bank.command(T1, batch(BatchMode::Atomic, items));
    let id = command.origin.request_id;
    let digest = command.origin.digest;
    let Verdict::Done(answer) = bank.decide(&[command]).remove(0) else { panic!("done") };
    let postings: Vec<_> = verdicts(answer).into_iter().map(Result::unwrap).collect();
    for (item, posting) in postings.iter().enumerate() {
        assert_eq!((posting.request_id, posting.digest), (item_request_id(id, item), digest));
    }
    assert_eq!(postings.iter().map(|posting| posting.number.0).collect::<Vec<_>>(), [2, 3, 4]);
    assert!(bank.recorded.kept.keys().all(|kept| *kept != id), "the journal answers for it");
    bank.recorded.verify();
}

#[test]
fn an_atomic_batch_is_refused_whole_and_names_the_item() {
    let mut bank = Bank::new();
    let items = [pay("a", "c", "10000 CNY"), pay("c", "a", "10000.01 CNY"), pay("a", "b", "1 CNY")];
    let message = bank.refused(T1, batch(BatchMode::Atomic, items)).to_string();
    assert!(message.starts_with("transactions[1].lines[0].amount: account"), "{message}");
    assert!(message.ends_with("is short of 0.01: 10000 is available"), "{message}");
    assert_eq!((bank.available("a").as_str(), bank.available("c").as_str()), ("10000", "0"));
    let posting = bank.posted(T1, Action::Post(pay("a", "c", "10000 CNY")));
    assert_eq!((posting.number.0, posting.entries[0].n), (2, 2), "nothing of it stayed in the book");
}

#[test]
fn items_by_themselves_get_a_verdict_each() {
    let mut bank = Bank::new();
    let items =
        [pay("c", "a", "1 CNY"), pay("a", "c", "5 CNY"), pay("c", "b", "3 CNY"), pay("a", "c", "0 CNY")];
    let answer = bank.done(T1, batch(BatchMode::ItemByItem, items));
    let message: Vec<String> = verdicts(answer)
        .into_iter()
        .map(|verdict| match verdict {
            Ok(posting) => format!("posted {}", posting.number),
            Err(refusal) => refusal.field.unwrap(),
        })
        .collect();
    assert_eq!(
        message,
        ["transactions[0].lines[0].amount", "posted 2", "posted 3", "transactions[3].lines[0].amount"]
    );
    bank.recorded.verify();
}

#[test]
fn a_batch_that_is_only_checked_leaves_nothing() {
    for mode in [BatchMode::Atomic, BatchMode::ItemByItem] {
        let mut bank = Bank::new();
        let heads = *bank.book.heads();
        let mut command =
            bank.command(T1, batch(mode, [pay("a", "c", "10000 CNY"), pay("c", "a", "10000 CNY")]));
        command.origin.dry_run = true;
        for _ in 0..2 {
            let Verdict::Done(answer) = bank.decide(std::slice::from_ref(&command)).remove(0) else {
                panic!("done")
            };
            let verdicts = verdicts(answer);
            assert!(
                verdicts.iter().all(|verdict| verdict.as_ref().is_ok_and(|posting| posting.number.0 == 0))
            );
            assert_eq!(*bank.book.heads(), heads);
        }
        let posting = bank.posted(T1, Action::Post(pay("a", "c", "1 CNY")));
        assert_eq!((posting.number.0, posting.entries[0].n), (2, 2));
    }
}

#[test]
fn a_batch_has_one_to_a_thousand_items() {
    let mut bank = Bank::new();
    let mode = BatchMode::ItemByItem;
    let message = bank.refused(T1, batch(mode, [])).to_string();
    assert_eq!(message, "transactions: a batch has none, and needs at least one");
    let many = vec![pay("a", "c", "1 CNY"); 1_001];
    let message = bank.refused(T1, batch(mode, many)).to_string();
    assert_eq!(message, "transactions: a batch has 1001, and at most 1000 are allowed");
    assert_eq!(verdicts(bank.done(T1, batch(mode, vec![pay("a", "c", "1 CNY"); 1_000]))).len(), 1_000);
}

#[test]
fn supervisors_post_no_batches() {
    let mut bank = Bank::new();
    let refusal = bank.refused("S1@110100", batch(BatchMode::Atomic, [pay("a", "c", "1 CNY")]));
    assert!(matches!(refusal.rule, Rule::OperatorMayNotPost { .. }));
}

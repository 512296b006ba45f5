//! The chain: each kind of tampering is found, and named (ACC-7).

use chrono::{TimeDelta, Timelike};

use super::Broken;
use crate::domain::{
    Digest,
    book::tests::{
        bank::{Bank, cr, dr, post, transaction},
        records::Recorded,
    },
    command::Action,
    hold::{Hold, HoldEvent, HoldState},
    ids::{
        AccountId, AccountNumber, BatchNumber, BranchCode, CurrencyCode, HoldNumber, LedgerCodeNumber,
        OperatorCode,
    },
    transaction::{Entry, Posting, Voucher},
};

/// A journal with postings, a batch that has none, and a hold with two events.
fn journal() -> Recorded {
    let mut bank = Bank::new();
    let mut with_voucher = transaction([dr("a", "30 CNY"), cr("b", "30 CNY")]);
    with_voucher.voucher = Some(Voucher { kind: "CHEQUE".to_owned(), number: "7".to_owned() });
    bank.posted("T1@110100+S1", Action::Post(with_voucher));
    bank.posted("T1@110100", post([dr("110100/800101", "5 CNY")]));
    let hold = Action::PlaceHold {
        account: AccountNumber::new("a"),
        currency: CurrencyCode::new("CNY"),
        amount: 20.into(),
        expires_at: bank.now + TimeDelta::hours(1),
        purpose: "x".to_owned(),
        reference: String::new(),
    };
    bank.done("T1@110100", hold);
    let taken = transaction([dr("a", "10 CNY"), cr("c", "10 CNY")]);
    let capture = Action::CaptureHold { hold: HoldNumber(1), transaction: taken, keep_rest: true };
    let first = bank.command("T1@110100", capture);
    let second = bank.command("T1@110100", post([dr("a", "1 CNY"), cr("c", "1 CNY")]));
    bank.decide(&[first, second]);
    bank.posted("T1@110100", post([dr("c", "1 CNY"), cr("a", "1 CNY")]));
    bank.recorded
}

fn broken(tamper: impl FnOnce(&mut Recorded)) -> Broken {
    let mut recorded = journal();
    tamper(&mut recorded);
    recorded.verified().unwrap_err()
}

#[track_caller]
fn finds(tamper: impl FnOnce(&mut Recorded), message: &str) {
    let found = broken(tamper).to_string();
    assert!(found.contains(message), "{found:?} should say {message:?}");
}

#[test]
fn a_sound_journal_verifies_and_gives_the_balances() {
    let recorded = journal();
    let verifier = recorded.verify();
    assert_eq!((verifier.postings(), verifier.hold_events()), (6, 2));
    let last = recorded.batches.last().unwrap();
    assert_eq!((verifier.batches(), verifier.hash()), (last.number.0, last.hash));
    let entries: usize = recorded.postings.iter().map(|posting| posting.entries.len()).sum();
    assert_eq!(verifier.entries(), u64::try_from(entries).unwrap());
}

#[test]
fn trailing_zeros_and_what_is_finer_than_a_microsecond_do_not_count() {
    let mut recorded = journal();
    for entry in recorded.postings.iter_mut().flat_map(|posting| &mut posting.entries) {
        entry.amount.rescale(4);
        entry.debit_total = entry.debit_total.normalize();
    }
    for posting in &mut recorded.postings {
        posting.recorded_at = posting.recorded_at.with_nanosecond(999).unwrap();
    }
    recorded.verify();
}

#[test]
fn a_change_of_any_column_of_a_posting_is_found() {
    let changes: [fn(&mut Posting); 16] = [
        |it| it.request_id = uuid::Uuid::nil(),
        |it| it.digest = Digest([1; 32]),
        |it| it.branch = BranchCode::new("110000"),
        |it| it.code = "OTHER".to_owned(),
        |it| it.kind = crate::domain::base::TransactionKind::Cash,
        |it| it.transaction_date += TimeDelta::days(1),
        |it| it.accounting_date += TimeDelta::days(1),
        |it| it.value_date += TimeDelta::days(1),
        |it| it.recorded_at += TimeDelta::microseconds(1),
        |it| it.operator = OperatorCode::new("X"),
        |it| it.authoriser = None,
        |it| it.source = String::new(),
        |it| it.narrative.push('x'),
        |it| it.voucher = None,
        |it| it.hold = Some(HoldNumber(1)),
        |it| it.traceparent = Some(String::new()),
    ];
    let batch = broken(|recorded| changes[0](&mut recorded.postings[1])).batch;
    for (i, change) in changes.into_iter().enumerate() {
        let found = broken(|recorded| change(&mut recorded.postings[1]));
        let what = "its content is not that over which its hash was made".to_owned();
        assert_eq!(found, Broken { batch, what }, "change {i}");
    }
}

#[test]
fn a_change_of_any_column_of_an_entry_or_its_account_is_found() {
    let changes: [fn(&mut Entry); 9] = [
        |it| it.account = AccountNumber::new("1"),
        |it| it.ledger_code = LedgerCodeNumber::new("201102"),
        |it| it.normal_side = crate::domain::side::NormalSide::Either,
        |it| it.narrative.push('x'),
        |it| it.inter_branch = true,
        |it| it.available = None,
        |it| it.available = it.available.map(|available| available + rust_decimal::Decimal::ONE),
        |it| it.currency = money::Currency::new("CNY", 3).unwrap(),
        |it| it.account_id = AccountId(999),
    ];
    for (i, change) in changes.into_iter().enumerate() {
        // The last posting, so that no later entry of the account says it first.
        broken(|recorded| change(recorded.postings[5].entries.last_mut().unwrap()));
        assert!(journal().verified().is_ok(), "change {i}");
    }
    finds(|recorded| recorded.postings[1].entries[0].n = 9, "posting 2: account 11010001");
    finds(|recorded| recorded.postings[1].entries[0].n = 9, "entry 9 does not follow entry 1");
    finds(
        |recorded| recorded.postings[1].entries[0].debit_total = 1.into(),
        "its totals are 1 and 10000, and should be 30",
    );
    finds(
        |recorded| recorded.postings[1].entries[0].amount = 31.into(),
        "does not balance in CNY in branch 110100",
    );
    let swap = |recorded: &mut Recorded| recorded.postings[1].entries[0].branch = BranchCode::new("110200");
    finds(swap, "does not balance in CNY in branch 110200");
    finds(|recorded| drop(recorded.postings[1].entries.pop()), "does not balance");
    finds(|recorded| recorded.postings[2].entries[0].amount = 6.into(), "posting 3: account");
}

#[test]
fn a_change_of_any_column_of_a_hold_event_is_found() {
    let changes: [fn(&mut HoldEvent); 9] = [
        |it| it.request_id = uuid::Uuid::nil(),
        |it| it.digest = Digest([1; 32]),
        |it| it.operator = OperatorCode::new("X"),
        |it| it.posting = None,
        |it| it.recorded_at += TimeDelta::seconds(1),
        |it| it.traceparent = Some(String::new()),
        |it| it.hold.purpose.push('x'),
        |it| it.hold.expires_at += TimeDelta::seconds(1),
        |it| it.hold.branch = BranchCode::new("110000"),
    ];
    for change in changes {
        let found = broken(|recorded| change(&mut recorded.hold_events[1]));
        assert_eq!(found.what, "its content is not that over which its hash was made");
    }
    let hold =
        |change: fn(&mut Hold)| move |recorded: &mut Recorded| change(&mut recorded.hold_events[1].hold);
    finds(hold(|it| it.remaining = 11.into()), "hold event 2: hold 1: it gives more than it set aside");
    finds(hold(|it| it.version = 3), "its versions do not follow each other");
    finds(hold(|it| it.number = HoldNumber(3)), "hold 3: it is not open, nor the next to be placed");
    finds(|recorded| recorded.hold_events[0].hold.state = HoldState::Captured, "its content is not");
}

#[test]
fn what_is_missing_doubled_or_moved_is_found() {
    let last = journal().batches.len() - 1;
    finds(|recorded| drop(recorded.postings.remove(4)), "it should have postings 4 to 5");
    finds(|recorded| drop(recorded.postings.remove(3)), "posting 4 is missing");
    finds(|recorded| drop(recorded.postings.remove(5)), "it should have postings 6 to 6");
    finds(|recorded| recorded.postings.insert(4, recorded.postings[4].clone()), "there a second time");
    finds(|recorded| recorded.postings.swap(3, 4), "posting 4 is missing");
    finds(|recorded| drop(recorded.hold_events.remove(0)), "it should have hold events 1 to 1");
    finds(
        |recorded| recorded.batches.retain(|row| row.number.0 != 4),
        "batch 5: batch 4 is missing before it",
    );
    finds(|recorded| recorded.batches.swap(3, 4), "batch 5: batch 4 is missing before it");
    finds(
        |recorded| recorded.batches[last].previous = Digest([1; 32]),
        "its link is not the hash of the batch before it",
    );
    finds(|recorded| recorded.batches[last].hash = Digest([1; 32]), "its content is not");
    finds(|recorded| recorded.batches[last].recorded_at += TimeDelta::seconds(1), "its content is not");
    finds(|recorded| recorded.batches[last - 1].last_posting = Some(4), "its content is not");
    finds(|recorded| recorded.batches[0].number = BatchNumber(2), "batch 2: batch 1 is missing before it");
    // A batch made up whole, with a hash of its own, no longer fits what follows.
    let made_up = |recorded: &mut Recorded| {
        recorded.postings[1].narrative = "made up".to_owned();
        let row = recorded.batches.iter_mut().find(|row| row.first_posting == Some(2)).unwrap();
        row.hash = super::hash(
            &row.previous,
            row.number,
            row.recorded_at,
            recorded.postings[1..2].iter(),
            [].iter(),
        );
    };
    finds(made_up, "its link is not the hash of the batch before it");
}

//! Random commands, with repeats, refusals, dry runs, appends of several commands and restarts, against a plain model: all
//! balances recomputed from all postings, all holds from all events.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use proptest::prelude::*;
use rust_decimal::Decimal;

use super::{
    bank::{Bank, cr, day, dr, post, transaction},
    batches::{batch, pay},
    records::Recorded,
};
use crate::domain::{
    command::{AccountChange, Action, Answer, BatchMode, Command, Verdict},
    hold::HoldState,
    ids::{AccountId, AccountNumber, CurrencyCode, HoldNumber},
    refusal::Rule,
    side::{NormalSide, Side},
    status::Freeze,
    transaction::{Posting, Transaction},
};

const CUSTOMERS: [&str; 4] = ["a", "b", "c", "line"];

#[derive(Clone, Debug)]
enum Step {
    Ask {
        who: &'static str,
        action: Action,
        dry_run: bool,
    },
    /// The same request as one before, or another under its id.
    Again {
        which: prop::sample::Index,
        same: bool,
    },
    /// The writer stops, and another opens the book.
    Restart {
        accounts_max: usize,
    },
    Wait(i64),
}

fn money() -> impl Strategy<Value = String> {
    prop_oneof![8 => 1_i64..400_000, 1 => Just(0), 1 => Just(6_000_000)]
        .prop_map(|cents| format!("{} CNY", Decimal::new(cents, 2)))
}

fn customer() -> impl Strategy<Value = &'static str> {
    prop::sample::select(CUSTOMERS.to_vec())
}

fn hold_action() -> impl Strategy<Value = Action> {
    let number = (1_i64..6).prop_map(HoldNumber);
    let place = (customer(), money(), 1_i64..20).prop_map(|(account, money, minutes)| Action::PlaceHold {
        account: AccountNumber::new(account),
        currency: CurrencyCode::new("CNY"),
        amount: money.split(' ').next().unwrap().parse().unwrap(),
        expires_at: chrono::DateTime::from_timestamp(1_767_571_200 + minutes * 60, 0).unwrap(),
        purpose: "x".to_owned(),
        reference: String::new(),
    });
    let capture = (number.clone(), customer(), customer(), money(), any::<bool>()).prop_map(
        |(hold, from, to, money, keep_rest)| Action::CaptureHold {
            hold,
            transaction: pay(from, to, &money),
            keep_rest,
        },
    );
    prop_oneof![
        4 => place,
        3 => capture,
        1 => number.clone().prop_map(|hold| Action::ReleaseHold { hold }),
        1 => number.prop_map(|hold| Action::ExpireHolds { holds: vec![hold] }),
    ]
}

fn change() -> impl Strategy<Value = Action> {
    let freeze = |freeze| AccountChange::Freeze { freeze, currency: None };
    let changes = vec![
        AccountChange::Activate,
        AccountChange::MarkDormant,
        AccountChange::Unfreeze,
        AccountChange::Unfreeze,
        freeze(Freeze::Debit),
        freeze(Freeze::Amount(700.into())),
    ];
    (customer(), prop::sample::select(changes)).prop_map(|(account, change)| Action::ChangeAccount {
        account: AccountNumber::new(account),
        change,
        reason: String::new(),
    })
}

pub fn action() -> impl Strategy<Value = Action> {
    let payment = || (customer(), customer(), money()).prop_map(|(from, to, money)| pay(from, to, &money));
    let cash = (customer(), money(), any::<bool>()).prop_map(|(account, money, out)| {
        let till = "110100/100101";
        post(if out {
            [dr(account, &money), cr(till, &money)]
        } else {
            [dr(till, &money), cr(account, &money)]
        })
    });
    let three = (customer(), customer(), customer(), money()).prop_map(|(from, one, other, money)| {
        let amount: Decimal = money.split(' ').next().unwrap().parse().unwrap();
        let both = format!("{} CNY", amount + amount);
        Action::Post(transaction([dr(from, &both), cr(one, &money), cr(other, &money)]))
    });
    let register = (money(), any::<bool>()).prop_map(|(money, out)| {
        let register = "110100/800101";
        post([if out { cr(register, &money) } else { dr(register, &money) }])
    });
    let mode = prop_oneof![Just(BatchMode::Atomic), Just(BatchMode::ItemByItem)];
    let batch = (mode, prop::collection::vec(payment(), 1..5)).prop_map(|(mode, items)| batch(mode, items));
    let accounting_dates = prop::sample::select(vec![
        None,
        Some(day(2020, 1, 1)),
        Some(day(2025, 7, 31)),
        Some(day(2019, 12, 31)),
    ]);
    let moved_in = prop::collection::vec((accounting_dates, payment()), 1..5).prop_map(|items| {
        let on_date = |(accounting_date, item)| Ok(Transaction { accounting_date, ..item });
        Action::ImportPostings { transactions: items.into_iter().map(on_date).collect() }
    });
    prop_oneof![
        4 => payment().prop_map(Action::Post),
        3 => cash,
        1 => three,
        1 => register,
        2 => batch,
        2 => moved_in,
        3 => hold_action(),
        1 => change(),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    let who = prop::sample::select(vec![
        "T1@110100",
        "T1@110100",
        "SYS@110200",
        "T1@110100+S1",
        "S1@110100",
        "NOBODY@110100",
    ]);
    prop_oneof![
        20 => (who, action(), prop::bool::weighted(0.1)).prop_map(|(who, action, dry_run)| Step::Ask { who, action, dry_run }),
        4 => (any::<prop::sample::Index>(), prop::bool::weighted(0.7)).prop_map(|(which, same)| Step::Again { which, same }),
        1 => (0_usize..4).prop_map(|accounts_max| Step::Restart { accounts_max }),
        1 => (1_i64..400).prop_map(Step::Wait),
    ]
}

/// What the checks know of the bank: every command that was given, and the first answer to each.
#[derive(Default)]
struct Known {
    request: Vec<Command>,
    answers: BTreeMap<u128, Answer>,
}

impl Known {
    /// Runs steps in one append.
    fn run(&mut self, bank: &mut Bank, steps: &[Step]) -> Result<(), TestCaseError> {
        let mut commands = Vec::new();
        for step in steps {
            match step {
                Step::Ask { who, action, dry_run } => {
                    let mut command = bank.command(who, action.clone());
                    command.origin.dry_run = *dry_run;
                    if matches!(action, Action::ExpireHolds { .. }) {
                        command.origin.request_id = uuid::Uuid::nil();
                    } else {
                        self.request.push(command.clone());
                    }
                    commands.push(command);
                }
                Step::Again { which, same } if !self.request.is_empty() => {
                    let mut command = which.get(&self.request).clone();
                    command.origin.dry_run = false;
                    if !same {
                        command.origin.digest.0[0] ^= 1;
                    }
                    commands.push(command);
                }
                Step::Again { .. } => {}
                Step::Restart { accounts_max } => bank.book = bank.recorded.open_book(*accounts_max),
                Step::Wait(seconds) => bank.now += TimeDelta::seconds(*seconds),
            }
        }
        let before = (bank.recorded.postings.len(), bank.recorded.hold_events.len());
        let verdicts = bank.decide(&commands);
        let mut counts = (0, 0);
        for (command, verdict) in commands.iter().zip(&verdicts) {
            self.check(command, verdict, &mut counts)?;
        }
        let after = (bank.recorded.postings.len(), bank.recorded.hold_events.len());
        prop_assert_eq!(
            after,
            (before.0 + counts.0, before.1 + counts.1),
            "ACC-9: only what was done is recorded"
        );
        Ok(())
    }

    /// ACC-4: a request is done once, and answered the same ever after.
    fn check(
        &mut self,
        command: &Command,
        verdict: &Verdict,
        counts: &mut (usize, usize),
    ) -> Result<(), TestCaseError> {
        let id = command.origin.request_id.as_u128();
        let digest_of =
            |id: u128| self.request.iter().find(|request| request.origin.request_id.as_u128() == id);
        let same = digest_of(id).is_some_and(|request| request.origin.digest == command.origin.digest);
        match (verdict, self.answers.get(&id)) {
            (Verdict::Done(answer), None) => {
                if !command.origin.dry_run {
                    let (postings, events) = made(answer);
                    *counts = (counts.0 + postings, counts.1 + events);
                    if !command.origin.request_id.is_nil() {
                        self.answers.insert(id, answer.clone());
                        // Under this id the request is now this one.
                        self.request.retain(|request| request.origin.request_id.as_u128() != id);
                        self.request.push(command.clone());
                    }
                }
            }
            (Verdict::Repeated(answer), Some(first)) => {
                prop_assert!(same);
                prop_assert_eq!(answer, first);
            }
            (Verdict::Refused(refusal), Some(_)) => {
                prop_assert!(!same || command.origin.dry_run);
                prop_assert_eq!(&refusal.rule, &Rule::RequestIdReused);
            }
            (Verdict::Refused(refusal), None) => prop_assert_ne!(&refusal.rule, &Rule::RequestIdReused),
            (verdict, first) => prop_assert!(false, "{verdict:?} after {first:?}"),
        }
        Ok(())
    }
}

/// How many postings and events of holds an answer stands for.
fn made(answer: &Answer) -> (usize, usize) {
    match answer {
        Answer::Posted(_) => (1, 0),
        Answer::Batch(verdicts) => (verdicts.iter().filter(|verdict| verdict.is_ok()).count(), 0),
        Answer::PostingsImported(verdicts) => (verdicts.iter().filter(|verdict| verdict.is_ok()).count(), 0),
        Answer::Hold(_) => (0, 1),
        Answer::Captured { .. } => (1, 1),
        Answer::Expired(count) => (0, *count),
        Answer::Account { .. }
        | Answer::BaseData(_)
        | Answer::BusinessDay(_)
        | Answer::AccountsImported(_)
        | Answer::Suspended(_) => (0, 0),
    }
}

/// The balances of all accounts, from all postings.
fn balances(postings: &[Posting]) -> BTreeMap<AccountId, (i64, Decimal, Decimal)> {
    let mut balances: BTreeMap<AccountId, (i64, Decimal, Decimal)> = BTreeMap::new();
    for entry in postings.iter().flat_map(|posting| &posting.entries) {
        let (n, debit, credit) = balances.entry(entry.account_id).or_default();
        *n += 1;
        match entry.side {
            Side::Debit => *debit += entry.amount,
            Side::Credit => *credit += entry.amount,
        }
    }
    balances
}

/// ACC-1, 2, 3, 5, 7 and 8, of everything that was recorded.
pub fn check_books(recorded: &Recorded) -> Result<(), TestCaseError> {
    let verifier = recorded.verify();
    let balances = balances(&recorded.postings);
    for (id, (n, debit, credit)) in &balances {
        let found = verifier.balances()[id];
        prop_assert_eq!((found.n, found.debit, found.credit), (*n, *debit, *credit));
    }
    let on_balance = |id: &AccountId| !recorded.accounts[id].off_balance;
    let trial: Decimal =
        balances.iter().filter(|(id, _)| on_balance(id)).map(|(_, (_, debit, credit))| debit - credit).sum();
    prop_assert_eq!(trial, Decimal::ZERO, "ACC-1: the trial balance is zero");
    for posting in &recorded.postings {
        check_funds(posting)?;
    }
    let mut holds: BTreeMap<HoldNumber, (Decimal, usize)> = BTreeMap::new();
    for event in &recorded.hold_events {
        let hold = &event.hold;
        prop_assert!(hold.captured + hold.remaining <= hold.amount);
        prop_assert_eq!(hold.state == HoldState::Open, hold.remaining > Decimal::ZERO);
        let (captured, ends) = holds.entry(hold.number).or_default();
        if let Some(number) = event.posting {
            let posting = recorded.postings.iter().find(|posting| posting.number == number).unwrap();
            prop_assert_eq!(posting.hold, Some(hold.number));
            let taken = posting.entries.iter().filter(|entry| entry.account_id == hold.account_id);
            *captured +=
                taken.filter(|entry| entry.side == Side::Debit).map(|entry| entry.amount).sum::<Decimal>();
        }
        prop_assert_eq!(*captured, hold.captured, "ACC-8: what was captured is what was posted");
        *ends += usize::from(hold.state != HoldState::Open);
        prop_assert!(*ends <= 1, "ACC-8: a hold ends once");
    }
    Ok(())
}

/// ACC-3: whoever is debited on the whole has it; registers do not go below zero.
fn check_funds(posting: &Posting) -> Result<(), TestCaseError> {
    let mut last = BTreeMap::new();
    let mut net: BTreeMap<AccountId, Decimal> = BTreeMap::new();
    for entry in &posting.entries {
        let reduces = entry.side == entry.normal_side.reducing_side();
        *net.entry(entry.account_id).or_default() += if reduces { -entry.amount } else { entry.amount };
        last.insert(entry.account_id, entry);
    }
    for (id, entry) in last {
        let reduced = net[&id] < Decimal::ZERO;
        if let Some(available) = entry.available {
            prop_assert!(!reduced || available >= Decimal::ZERO, "{:?}", posting);
        } else if entry.normal_side != NormalSide::Either {
            prop_assert!(!reduced || entry.debit_total >= entry.credit_total, "{:?}", posting);
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn the_books_hold_whatever_is_asked(appends in prop::collection::vec(prop::collection::vec(step(), 1..6), 1..25)) {
        let mut bank = Bank::new();
        let mut known = Known::default();
        for steps in &appends {
            known.run(&mut bank, steps)?;
        }
        check_books(&bank.recorded)?;
        // A book that was opened again decides as this one does.
        let heads = *bank.book.heads();
        let opened = bank.recorded.open_book(100);
        prop_assert_eq!(*opened.heads(), heads);
    }
}

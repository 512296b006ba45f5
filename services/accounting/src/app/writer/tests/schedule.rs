//! What happens in a run: the requests and the faults, all of it from a seed.

use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, RngAlgorithm, TestRng, TestRunner},
};

use super::outside::{Call, Wrong};
use crate::domain::{
    account::AccountKind,
    base::BaseVersion,
    book::tests::{
        bank::{TODAY, open, parameter},
        properties,
    },
    command::{AccountChange, Action},
    ids::AccountNumber,
    reference::PARAMETERS,
};

/// How many replicas there are.
pub const REPLICAS: usize = 2;

/// One thing that happens.
#[derive(Clone, Debug)]
pub enum Step {
    /// Commands come in together.
    Ask { whom: Whom, requested: Vec<Requested> },
    /// The next call of this kind goes wrong, whoever makes it.
    Plan(Call, Wrong),
    /// The writer's session ends.
    Cut,
    /// The writer is no longer the one that holds the lock, and goes on.
    LoseLock,
    /// A replica is killed, and starts again.
    Restart { replica: usize, accounts_max: usize },
    /// A replica's clock is put ahead or back.
    Clock { replica: usize, seconds: i64 },
    /// Time passes.
    Pass { millis: u64 },
    /// Everyone waits for their answers.
    Rest,
}

/// Which replica gets the request.
#[derive(Clone, Copy, Debug)]
pub enum Whom {
    Writer,
    Replica(usize),
}

/// The request.
#[derive(Clone, Debug)]
pub enum Requested {
    New {
        who: &'static str,
        action: Action,
        dry_run: bool,
        /// How the database does not take it, whenever it is requested.
        poison: Option<Wrong>,
    },
    /// The same command as one before, or another under its id.
    Again { which: prop::sample::Index, same: bool },
}

/// The steps of a seed.
pub fn of(seed: u64) -> Vec<Step> {
    // Of two halves, since one of zeros alone is no seed.
    let mut bytes = [0xC4; 16];
    bytes[..8].copy_from_slice(&seed.to_le_bytes());
    let rng = TestRng::from_seed(RngAlgorithm::XorShift, &bytes);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    let steps = prop::collection::vec(step(), 8..40).new_tree(&mut runner);
    steps.expect("a schedule is found at once").current()
}

fn step() -> impl Strategy<Value = Step> {
    let replica = || 0..REPLICAS;
    let whom = prop_oneof![6 => Just(Whom::Writer), 1 => replica().prop_map(Whom::Replica)];
    prop_oneof![
        20 => (whom, prop::collection::vec(requested(), 1..7)).prop_map(|(whom, requested)| Step::Ask { whom, requested }),
        8 => (call(), wrong()).prop_map(|(call, wrong)| Step::Plan(call, wrong)),
        2 => Just(Step::Cut),
        1 => Just(Step::LoseLock),
        2 => (replica(), 0_usize..6)
            .prop_map(|(replica, accounts_max)| Step::Restart { replica, accounts_max }),
        2 => (replica(), -400_i64..400).prop_map(|(replica, seconds)| Step::Clock { replica, seconds }),
        4 => (1_u64..300).prop_map(|millis| Step::Pass { millis }),
        6 => Just(Step::Rest),
    ]
}

fn call() -> impl Strategy<Value = Call> {
    prop_oneof![
        8 => Just(Call::Append),
        3 => Just(Call::Load),
        1 => prop::sample::select(vec![Call::Connect, Call::Claim, Call::IsOver, Call::Open, Call::HashOf, Call::Ping]),
    ]
}

fn wrong() -> impl Strategy<Value = Wrong> {
    prop_oneof![
        1 => Just(Wrong::Refused),
        2 => Just(Wrong::Busy),
        2 => Just(Wrong::Lost),
        2 => Just(Wrong::LostAfterwards),
        3 => (1_u64..7_000, any::<bool>())
            .prop_map(|(millis, written)| Wrong::LostMeanwhile { millis, written }),
        1 => (1_u64..2_000).prop_map(|millis| Wrong::Slow { millis }),
    ]
}

fn requested() -> impl Strategy<Value = Requested> {
    let who = prop::sample::select(vec![
        "T1@110100",
        "T1@110100",
        "SYS@110200",
        "T1@110100+S1",
        "S1@110100",
        "NOBODY@110100",
    ]);
    let poison = prop::option::weighted(0.03, prop::sample::select(vec![Wrong::Refused, Wrong::Busy]));
    let new = |(who, action, dry_run, poison)| Requested::New { who, action, dry_run, poison };
    prop_oneof![
        20 => (who, properties::action(), prop::bool::weighted(0.1), poison).prop_map(new),
        2 => register().prop_map(|(who, action)| Requested::New { who, action, dry_run: false, poison: None }),
        5 => (any::<prop::sample::Index>(), prop::bool::weighted(0.8))
            .prop_map(|(which, same)| Requested::Again { which, same }),
    ]
}

/// What does not go into the journal: accounts, base data, the business day.
fn register() -> impl Strategy<Value = (&'static str, Action)> {
    const HEAD_OFFICE: &str = "B0@100000+S0";
    let codes: Vec<&'static str> = PARAMETERS.iter().map(|rule| rule.code).collect();
    let days = prop::sample::select(codes)
        .prop_filter_map("a number of days", |code| code.ends_with("DAYS_MAX").then_some(code));
    let base = (days, 1_u64..9, 1_u64..9).prop_map(|(code, after, value)| {
        let effective_date = TODAY + chrono::Days::new(after);
        let content = parameter(code, &value.to_string());
        let records = vec![BaseVersion { version: 0, effective_date, content }];
        (HEAD_OFFICE, Action::ChangeBaseData { records, reason: String::new() })
    });
    let day = (1_u64..4)
        .prop_map(|after| (HEAD_OFFICE, Action::OpenBusinessDay { date: TODAY + chrono::Days::new(after) }));
    let account = Just(("T1@110100", open(AccountKind::PersonalDemand, "201101", "CNY")));
    let own = Just(("B0@110200+S0", open(AccountKind::Internal, "602101", "CNY")));
    let close = Just((
        "T1@110100",
        Action::ChangeAccount {
            account: AccountNumber::new("jpy"),
            change: AccountChange::Close,
            reason: String::new(),
        },
    ));
    prop_oneof![2 => base, 1 => day, 2 => account, 1 => own, 1 => close]
}

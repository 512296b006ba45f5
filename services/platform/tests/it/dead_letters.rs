//! Dead letters that an operator has replayed by the service that runs.

use std::sync::{
    Arc,
    atomic::{AtomicU8, Ordering},
};

use platform::{
    consumer::HandleError,
    dead_letters::{self, Replay, ReplayError},
};
use rdkafka::producer::{FutureProducer, FutureRecord};
use testkit::wait_for;

use crate::{
    consumer::{LEDGER, letters, send},
    support::bench::{
        BOUND, Bench, NOTES, Recorder, assert_each_took_effect_once_and_in_order, note, now, number,
    },
};

/// How a handler is, set by the test while it works.
#[derive(Clone, Default)]
struct Mood(Arc<AtomicU8>);

const REFUSES: u8 = 0;
const PANICS: u8 = 1;
const FAILS: u8 = 2;
const MENDED: u8 = 3;

impl Mood {
    fn set(&self, mood: u8) {
        self.0.store(mood, Ordering::SeqCst);
    }

    /// A handler that is so to the facts with the number 1.
    fn handler(&self) -> Recorder {
        let mood = self.0.clone();
        Recorder::judging(LEDGER, move |record| match mood.load(Ordering::SeqCst) {
            _ if number(&record.fact) != 1 => Ok(()),
            REFUSES => Err(HandleError::permanent("the account\0 is not known")),
            PANICS => panic!("it is not foreseen"),
            FAILS => Err(HandleError::transient("the other side is away")),
            _ => Ok(()),
        })
    }
}

/// The outcome of a replay that is requested now.
async fn replayed(bench: &Bench, number: i64) -> Replay {
    dead_letters::request_replay(bench.pool(), LEDGER, number, now()).await.unwrap();
    wait_for(BOUND, "the outcome of the replay", || async {
        let replay = dead_letters::replay_of(bench.pool(), LEDGER, number).await.unwrap();
        replay.filter(|replay| *replay != Replay::Requested)
    })
    .await
}

#[tokio::test]
async fn a_requested_replay_is_carried_out_by_the_consumer_that_runs() {
    let (bench, mood) = (Bench::new().await, Mood::default());
    send(&bench, &[note(1, "k", 1), note(2, "k", 2)]).await;
    let consumer = bench.consume(mood.handler());
    let number = letters(&bench, 1).await[0].number;

    assert_eq!(
        dead_letters::replay_of(bench.pool(), LEDGER, number).await.unwrap(),
        None,
        "nobody requested it"
    );

    for (is, reason) in [
        (REFUSES, "refused permanently: the account is not known"),
        (PANICS, "refused permanently: the handler panicked"),
        (FAILS, "failed for now: the other side is away"),
    ] {
        mood.set(is);
        let Replay::Failed(kept) = replayed(&bench, number).await else { panic!("it was replayed") };
        assert_eq!(kept, format!("dead letter {number} failed again: {reason}"));
        assert_eq!(bench.effects_reach(LEDGER, 1).await.len(), 1, "a replay that fails has no effect");
        assert_eq!(letters(&bench, 1).await.len(), 1, "a replay that fails leaves the letter");
    }

    mood.set(MENDED);
    let Replay::Done(at) = replayed(&bench, number).await else { panic!("it was not replayed") };
    assert!(at <= now());
    assert_eq!(dead_letters::list(bench.pool(), LEDGER, 0, 100).await.unwrap(), []);
    let again = dead_letters::request_replay(bench.pool(), LEDGER, number, now()).await.unwrap_err();
    assert!(matches!(again, ReplayError::Replayed { at: then, .. } if then == at), "{again}");
    assert_eq!(dead_letters::replay_of(bench.pool(), LEDGER, number).await.unwrap(), Some(Replay::Done(at)));

    // The consumer has gone on all the time.
    send(&bench, &[note(3, "other", 1), note(1, "k", 1)]).await;
    let effects = bench.effects_reach(LEDGER, 3).await;
    consumer.stop().await;
    let numbers: Vec<(&str, i64)> =
        effects.iter().map(|effect| (effect.key.as_str(), effect.number)).collect();
    assert_eq!(numbers, [("k", 2), ("k", 1), ("other", 1)], "a replay comes after what followed on its key");
}

#[tokio::test]
async fn many_that_are_requested_at_once_are_each_carried_out_once() {
    let (bench, mood) = (Bench::new().await, Mood::default());
    let facts: Vec<_> = (1..=20).map(|id| note(id, &format!("k{id}"), 1)).collect();
    send(&bench, &facts).await;
    let members = [bench.consume(mood.handler()), bench.consume(mood.handler())];
    let numbers: Vec<i64> = letters(&bench, 20).await.iter().map(|letter| letter.number).collect();
    mood.set(MENDED);
    for number in numbers {
        dead_letters::request_replay(bench.pool(), LEDGER, number, now()).await.unwrap();
    }
    let effects = bench.effects_reach(LEDGER, 20).await;
    for member in members {
        member.stop().await;
    }
    assert_each_took_effect_once_and_in_order(&effects, 20);
}

#[tokio::test]
async fn what_cannot_be_read_or_is_not_there_is_named() {
    let bench = Bench::new().await;
    let producer: FutureProducer = bench.kafka.producer().unwrap().create().unwrap();
    let topic = bench.kafka.prefixed(NOTES);
    producer.send(FutureRecord::<str, str>::to(&topic).key("k"), BOUND).await.unwrap();
    let consumer = bench.consume(Recorder::new(LEDGER, "only"));
    let number = letters(&bench, 1).await[0].number;
    let Replay::Failed(reason) = replayed(&bench, number).await else { panic!("it was replayed") };
    let expected =
        format!("the record in dead letter {number} cannot be read: header ce_specversion is missing");
    assert_eq!(reason, expected);
    consumer.stop().await;

    for (handler, number) in [("other", number), (LEDGER, number + 1)] {
        let unknown = dead_letters::request_replay(bench.pool(), handler, number, now()).await.unwrap_err();
        assert!(matches!(unknown, ReplayError::NotFound { .. }), "{unknown}");
        let unknown = dead_letters::replay_of(bench.pool(), handler, number).await.unwrap_err();
        assert!(matches!(unknown, ReplayError::NotFound { .. }), "{unknown}");
    }
}

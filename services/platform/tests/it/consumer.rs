//! The consumer on a real database and a real broker: what is delivered twice, out of order, poisoned or interrupted takes
//! effect once, in order, or becomes a dead letter.

use std::{
    env,
    process::{Child, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
};

use platform::{
    consumer::{Consumer, HandleError, Handler},
    dead_letters::{self, DeadLetter, ReplayError},
    facts::{Fact, KafkaConfig, RawRecord, Record, record},
};
use rand::{Rng, seq::SliceRandom};
use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer as _},
    message::OwnedHeaders,
    producer::{FutureProducer, FutureRecord},
};
use sqlx::PgConnection;
use testkit::{PrivateBroker, PrivatePostgres, wait_for};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::support::bench::{
    self, BOUND, Bench, NOTES, Recorder, SERVICE, Scribe, assert_each_took_effect_once_and_in_order, clock,
    note, number, reaches, seeded,
};

const DATABASE_URL: &str = "TEST_CONSUMER_DATABASE_URL";
const BROKERS: &str = "TEST_CONSUMER_BROKERS";
const PREFIX: &str = "TEST_CONSUMER_PREFIX";

/// The only handler of most tests.
pub const LEDGER: &str = "ledger";

/// Sends facts as they are given, in order.
pub async fn send(bench: &Bench, facts: &[Fact]) {
    let producer: FutureProducer = bench.kafka.producer().unwrap().create().unwrap();
    let topic = bench.kafka.prefixed(NOTES);
    let sent: Vec<_> = facts
        .iter()
        .map(|fact| {
            let headers = record::headers(fact, "/countinghouse/test");
            let record = FutureRecord::to(&topic).key(&fact.key).payload(&*fact.payload).headers(headers);
            producer.send_result(record).map_err(|(error, _)| error).unwrap()
        })
        .collect();
    for delivery in sent {
        delivery.await.unwrap().map_err(|(error, _)| error).unwrap();
    }
}

/// As many facts of as many keys, each key's in order.
fn facts(scribe: &mut Scribe, count: u128) -> Vec<Fact> {
    (1..=count)
        .map(|id| {
            let (key, number) = scribe.next();
            note(id, &key, number)
        })
        .collect()
}

fn group(bench: &Bench, handler: &str) -> String {
    bench.kafka.prefixed(&format!("countinghouse.{SERVICE}.{handler}"))
}

/// The offset from which the handler's group would go on, added up over the partitions.
async fn committed(bench: &Bench, handler: &str) -> i64 {
    let mut client = bench.kafka.client().unwrap();
    let consumer: BaseConsumer = client.set("group.id", group(bench, handler)).create().unwrap();
    let mut partitions = TopicPartitionList::new();
    partitions.add_partition_range(&bench.kafka.prefixed(NOTES), 0, 3);
    let fetched = tokio::task::spawn_blocking(move || consumer.committed_offsets(partitions, BOUND));
    let offset = |offset| if let Offset::Offset(offset) = offset { offset } else { 0 };
    fetched.await.unwrap().unwrap().elements().iter().map(|element| offset(element.offset())).sum()
}

/// Waits until the group of [`LEDGER`] has committed so many records.
async fn committed_reaches(bench: &Bench, count: usize) {
    let count = i64::try_from(count).unwrap();
    reaches("every record to be committed", count, async || Some(committed(bench, LEDGER).await)).await;
}

pub async fn letters(bench: &Bench, count: usize) -> Vec<DeadLetter> {
    wait_for(BOUND, "the dead letters", || async {
        let letters = dead_letters::list(bench.pool(), LEDGER, 0, 100).await.ok()?;
        (letters.len() >= count).then_some(letters)
    })
    .await
}

#[tokio::test]
async fn what_is_delivered_twice_and_late_takes_effect_once() {
    let bench = Bench::new().await;
    let mut rng = seeded();
    let facts = facts(&mut Scribe::new(rng.clone()), 500);
    // A relay that begins again sends a stretch it has sent before; the facts of a stretch may also be mixed between keys.
    let mut deliveries = facts.clone();
    for _ in 0..20 {
        let from = rng.random_range(0..facts.len());
        let to = rng.random_range(from..facts.len());
        let mut again = facts[from..to].to_vec();
        again.shuffle(&mut rng);
        deliveries.extend(again);
    }
    send(&bench, &deliveries).await;

    let consumer = bench.consume(Recorder::new(LEDGER, "only"));
    committed_reaches(&bench, deliveries.len()).await;
    consumer.stop().await;
    assert_each_took_effect_once_and_in_order(&bench.effects(LEDGER).await, facts.len());
}

#[tokio::test]
async fn a_consumer_killed_between_its_commit_and_the_offset_begins_again_without_effect() {
    let bench = Bench::new().await;
    let mut scribe = Scribe::new(seeded());
    let (mut sent, mut hit) = (0, false);
    while !hit {
        assert!(sent < 3_000, "no kill came between a commit and its offset");
        let facts: Vec<Fact> = (sent + 1..=sent + 100)
            .map(|id| {
                let (key, number) = scribe.next();
                note(id, &key, number)
            })
            .collect();
        send(&bench, &facts).await;
        sent += 100;
        let mut process = consumer_process(&bench);
        let done = bench.effects_reach(LEDGER, usize::try_from(sent).unwrap() - 99).await;
        process.kill().unwrap();
        process.wait().unwrap();
        hit = committed(&bench, LEDGER).await < i64::try_from(done.len()).unwrap();
    }

    let consumer = bench.consume(Recorder::new(LEDGER, "only"));
    committed_reaches(&bench, usize::try_from(sent).unwrap()).await;
    consumer.stop().await;
    assert_each_took_effect_once_and_in_order(&bench.effects(LEDGER).await, usize::try_from(sent).unwrap());
}

/// A consumer in a process of its own: this test binary, started as one.
fn consumer_process(bench: &Bench) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["consumer::consumer_in_a_process_of_its_own", "--exact", "--ignored"])
        .env(DATABASE_URL, &bench.database.dml_url)
        .env(BROKERS, &bench.kafka.brokers)
        .env(PREFIX, &bench.kafka.topic_prefix)
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

#[tokio::test]
#[ignore = "not a test: the process that the tests kill"]
async fn consumer_in_a_process_of_its_own() {
    let variable = |name| env::var(name).expect("invariant: a test has started this process");
    let kafka = KafkaConfig::plaintext(variable(BROKERS), variable(PREFIX));
    let pool = bench::pool(&variable(DATABASE_URL));
    let consumer = Consumer::new(Recorder::new(LEDGER, "killed"), pool, kafka, SERVICE, clock());
    consumer.run(CancellationToken::new()).await.unwrap();
}

#[tokio::test]
async fn a_stopped_consumer_has_committed_what_it_did() {
    let bench = Bench::new().await;
    send(&bench, &facts(&mut Scribe::new(seeded()), 200)).await;
    let consumer = bench.consume(Recorder::new(LEDGER, "only"));
    bench.effects_reach(LEDGER, 200).await;
    consumer.stop().await;
    assert_eq!(committed(&bench, LEDGER).await, 200);
}

#[tokio::test]
async fn a_poisoned_record_becomes_a_dead_letter_and_its_neighbours_go_on() {
    let bench = Bench::new().await;
    let facts: Vec<Fact> = (1..=60).map(|id| note(id, "k", i64::try_from(id).unwrap())).collect();
    send(&bench, &facts).await;
    let consumer = bench.consume(Recorder::judging(LEDGER, |record| match number(&record.fact) {
        17 => Err(HandleError::permanent("number 17 is not liked\0")),
        23 => panic!("number 23 is not foreseen"),
        _ => Ok(()),
    }));
    let effects = bench.effects_reach(LEDGER, 58).await;
    consumer.stop().await;

    let numbers: Vec<i64> = effects.iter().map(|effect| effect.number).collect();
    assert_eq!(numbers, (1..=60).filter(|number| ![17, 23].contains(number)).collect::<Vec<_>>());
    let letters = letters(&bench, 2).await;
    let reasons: Vec<&str> = letters.iter().map(|letter| letter.reason.as_str()).collect();
    assert_eq!(reasons, ["number 17 is not liked", "the handler panicked"]);
    assert_eq!(letters[0].record.read().unwrap().fact, facts[16]);
    assert_eq!((letters[0].fact_id, letters[0].record.offset), (Some(facts[16].id), 16));
    assert_eq!(committed(&bench, LEDGER).await, 60);
}

#[tokio::test]
async fn a_record_that_is_no_fact_becomes_a_dead_letter_as_it_was() {
    let bench = Bench::new().await;
    let producer: FutureProducer = bench.kafka.producer().unwrap().create().unwrap();
    let topic = bench.kafka.prefixed(NOTES);
    let headers = OwnedHeaders::new()
        .insert(rdkafka::message::Header { key: "ce_specversion", value: Some("1.0") })
        .insert(rdkafka::message::Header { key: "odd", value: None::<&str> })
        .insert(rdkafka::message::Header { key: "odd", value: Some(&[0xff_u8, 0x00][..]) });
    let odd = FutureRecord::to(&topic).key("k").payload(&[0_u8, 1, 2][..]).headers(headers);
    producer.send(odd, BOUND).await.unwrap();
    let tombstone = FutureRecord::<str, str>::to(&topic).key("k");
    producer.send(tombstone, BOUND).await.unwrap();
    send(&bench, &[note(1, "k", 1)]).await;

    let consumer = bench.consume(Recorder::new(LEDGER, "only"));
    bench.effects_reach(LEDGER, 1).await;
    consumer.stop().await;
    let letters = letters(&bench, 2).await;
    let expected = RawRecord {
        topic: NOTES.to_owned(),
        partition: letters[0].record.partition,
        offset: 0,
        key: Some("k".into()),
        headers: vec![
            ("ce_specversion".to_owned(), Some("1.0".into())),
            ("odd".to_owned(), None),
            ("odd".to_owned(), Some(vec![0xff, 0x00].into())),
        ],
        payload: Some(vec![0, 1, 2].into()),
    };
    assert_eq!(letters[0].record, expected);
    assert_eq!(letters[0].reason, "header content-type is missing");
    assert_eq!((letters[1].record.payload.clone(), letters[1].fact_id), (None, None));
    let handler = Recorder::new(LEDGER, "only");
    let replayed = dead_letters::replay(bench.pool(), &handler, letters[0].number, &clock()).await;
    assert!(matches!(replayed.unwrap_err(), ReplayError::Unreadable { .. }));
}

#[tokio::test]
async fn a_dead_letter_is_replayed_once_when_what_was_wrong_is_mended() {
    let bench = Bench::new().await;
    let refuse = || Recorder::judging(LEDGER, |_| Err(HandleError::permanent("the account is not known")));
    send(&bench, &[note(1, "k", 1)]).await;
    let consumer = bench.consume(refuse());
    let number = letters(&bench, 1).await[0].number;
    consumer.stop().await;

    let again = dead_letters::replay(bench.pool(), &refuse(), number, &clock()).await;
    assert!(matches!(again.unwrap_err(), ReplayError::Failed { source: HandleError::Permanent(_), .. }));
    assert_eq!(bench.effects(LEDGER).await, [], "a replay that fails has no effect");
    assert_eq!(letters(&bench, 1).await.len(), 1, "a replay that fails leaves the letter");

    let mended = Recorder::new(LEDGER, "mended");
    dead_letters::replay(bench.pool(), &mended, number, &clock()).await.unwrap();
    assert_eq!(bench.effects(LEDGER).await.len(), 1);
    assert_eq!(dead_letters::list(bench.pool(), LEDGER, 0, 100).await.unwrap(), []);
    let again = dead_letters::replay(bench.pool(), &mended, number, &clock()).await;
    assert!(matches!(again.unwrap_err(), ReplayError::Replayed { .. }));
    let unknown = dead_letters::replay(bench.pool(), &Recorder::new("other", "only"), number, &clock()).await;
    assert!(matches!(unknown.unwrap_err(), ReplayError::NotFound { .. }));

    // The fact was marked when it became a letter: delivered again, it neither takes effect nor makes another letter.
    send(&bench, &[note(1, "k", 1), note(2, "k", 2)]).await;
    let consumer = bench.consume(Recorder::new(LEDGER, "later"));
    bench.effects_reach(LEDGER, 2).await;
    consumer.stop().await;
    assert_each_took_effect_once_and_in_order(&bench.effects(LEDGER).await, 2);
}

#[tokio::test]
async fn what_fails_for_now_is_tried_again_in_its_place_and_holds_up_only_its_partition() {
    let bench = Bench::new().await;
    let facts = facts(&mut Scribe::new(seeded()), 3_000);
    let stuck_key = facts[0].key.clone();
    send(&bench, &facts).await;
    let stuck = bench.arrived(NOTES, facts.len()).await;
    let partition = stuck.iter().find(|record| record.fact.key == stuck_key).unwrap().partition;
    let elsewhere = stuck.iter().filter(|record| record.partition != partition).count();

    let (away, attempts) = (Arc::new(AtomicBool::new(true)), Arc::new(AtomicUsize::new(0)));
    let (still_away, counted) = (Arc::clone(&away), Arc::clone(&attempts));
    let consumer = bench.consume(Recorder::judging(LEDGER, move |record| {
        if record.fact.key == stuck_key && still_away.load(Ordering::SeqCst) {
            counted.fetch_add(1, Ordering::SeqCst);
            return Err(HandleError::transient("the other side is away"));
        }
        Ok(())
    }));
    wait_for(BOUND, "the other partitions to be done and several tries", || async {
        let effects = bench.effects(LEDGER).await;
        (effects.len() >= elsewhere && attempts.load(Ordering::SeqCst) > 4).then_some(())
    })
    .await;
    let done = bench.effects(LEDGER).await;
    assert!(done.len() < facts.len(), "the partition was not held up");
    assert!(done.iter().all(|effect| effect.fact_id != facts[0].id));

    away.store(false, Ordering::SeqCst);
    let effects = bench.effects_reach(LEDGER, facts.len()).await;
    consumer.stop().await;
    assert_each_took_effect_once_and_in_order(&effects, facts.len());
    assert_eq!(dead_letters::list(bench.pool(), LEDGER, 0, 1).await.unwrap(), []);
}

#[tokio::test]
async fn members_that_come_and_go_share_the_work_and_do_none_of_it_twice() {
    let bench = Bench::new().await;
    let mut rng = seeded();
    let mut scribe = Scribe::new(rng.clone());
    let relay = bench.relay_journal();
    let mut members = vec![bench.consume(Recorder::new(LEDGER, "first"))];
    let mut head = 0;
    for name in ["second", "third", "fourth", "fifth"] {
        head = scribe.write(bench.pool(), 1_500).await;
        members.push(bench.consume(Recorder::new(LEDGER, name)));
        bench.effects_reach(LEDGER, usize::try_from(head - rng.random_range(0..1_500)).unwrap()).await;
        if members.len() > 2 {
            let leaves = rng.random_range(0..members.len());
            members.remove(leaves).stop().await;
        }
    }
    committed_reaches(&bench, usize::try_from(head).unwrap()).await;
    for member in members {
        member.stop().await;
    }
    relay.stop().await;
    let effects = bench.effects(LEDGER).await;
    assert_each_took_effect_once_and_in_order(&effects, usize::try_from(head).unwrap());
    let mut workers: Vec<&str> = effects.iter().map(|effect| effect.member.as_str()).collect();
    workers.sort_unstable();
    workers.dedup();
    assert!(workers.len() > 1, "only {workers:?} worked");
}

/// A member that can do nothing for now, while `away`; counts how often it has tried.
fn hindered(name: &'static str, away: &Arc<AtomicBool>) -> (Recorder, Arc<AtomicUsize>) {
    let tries = Arc::new(AtomicUsize::new(0));
    let (still_away, counted) = (Arc::clone(away), Arc::clone(&tries));
    let recorder = Recorder::judging(LEDGER, move |_| {
        counted.fetch_add(1, Ordering::SeqCst);
        if still_away.load(Ordering::SeqCst) {
            return Err(HandleError::transient("the other side is away"));
        }
        Ok(())
    });
    (Recorder { member: name, ..recorder }, tries)
}

async fn tries_reach(tries: &AtomicUsize, count: usize) {
    wait_for(BOUND, "several tries", || async { (tries.load(Ordering::SeqCst) >= count).then_some(()) })
        .await;
}

#[tokio::test]
async fn a_paused_partition_that_goes_and_comes_back_goes_on() {
    let bench = Bench::new().await;
    // More than the lanes hold: they are full, and their partitions paused.
    let facts = facts(&mut Scribe::new(seeded()), 6_000);
    send(&bench, &facts).await;
    let away = Arc::new(AtomicBool::new(true));
    let (first, first_tries) = hindered("first", &away);
    let first = bench.consume(first);
    tries_reach(&first_tries, 30).await;

    let (second, second_tries) = hindered("second", &away);
    let second = bench.consume(second);
    tries_reach(&second_tries, 1).await;
    second.stop().await;
    away.store(false, Ordering::SeqCst);
    committed_reaches(&bench, facts.len()).await;
    first.stop().await;
    assert_each_took_effect_once_and_in_order(&bench.effects(LEDGER).await, facts.len());
}

/// A handler that has done its work on a fact and waits before it says so.
struct Gated {
    recorder: Recorder,
    open: watch::Receiver<bool>,
}

impl Handler for Gated {
    fn name(&self) -> &str {
        self.recorder.name()
    }

    fn topics(&self) -> Vec<String> {
        self.recorder.topics()
    }

    async fn handle(&self, conn: &mut PgConnection, record: &Record) -> Result<(), HandleError> {
        self.recorder.handle(conn, record).await?;
        self.open.clone().wait_for(|open| *open).await.map_err(HandleError::transient)?;
        Ok(())
    }
}

#[tokio::test]
async fn a_partition_is_given_up_only_when_the_work_in_hand_is_done() {
    let bench = Bench::new().await;
    let facts = facts(&mut Scribe::new(seeded()), 400);
    send(&bench, &facts).await;
    let (open, gate) = watch::channel(false);
    let first = bench.consume(Gated { recorder: Recorder::new(LEDGER, "first"), open: gate });
    wait_for(BOUND, "the first member to be at work on all partitions", || async {
        let at_work = "SELECT count(*) FROM pg_stat_activity
                       WHERE datname = current_database() AND state = 'idle in transaction'";
        let at_work: i64 = sqlx::query_scalar(at_work).fetch_one(bench.pool()).await.ok()?;
        (at_work == 4).then_some(())
    })
    .await;

    let second = bench.consume(Recorder::new(LEDGER, "second"));
    wait_for(BOUND, "the second member to be let in", || async {
        (members(&bench, LEDGER).await == 2).then_some(())
    })
    .await;
    assert_eq!(bench.effects(LEDGER).await, [], "the work in hand was let go");
    open.send(true).unwrap();

    committed_reaches(&bench, facts.len()).await;
    first.stop().await;
    second.stop().await;
    let effects = bench.effects(LEDGER).await;
    assert_each_took_effect_once_and_in_order(&effects, facts.len());
    let by = |member| effects.iter().filter(|effect| effect.member == member).count();
    assert!(
        by("first") >= 4 && by("second") > 0,
        "{} by the first, {} by the second",
        by("first"),
        by("second")
    );
}

/// How many members the handler's group has, when it is not about to change.
async fn members(bench: &Bench, handler: &str) -> usize {
    let group = group(bench, handler);
    let consumer: BaseConsumer = bench.kafka.client().unwrap().create().unwrap();
    let fetched = tokio::task::spawn_blocking(move || {
        let groups = consumer.fetch_group_list(Some(&group), BOUND).unwrap();
        groups
            .groups()
            .first()
            .filter(|group| group.state() == "Stable")
            .map_or(0, |group| group.members().len())
    });
    fetched.await.unwrap()
}

#[tokio::test]
async fn a_database_that_is_away_loses_no_fact_and_makes_no_letter() {
    let (postgres, broker) = tokio::join!(PrivatePostgres::start(), PrivateBroker::start());
    let bench = Bench::private(&postgres, &broker).await;
    let facts = facts(&mut Scribe::new(seeded()), 1_000);
    send(&bench, &facts[..500]).await;
    let consumer = bench.consume(Recorder::new(LEDGER, "only"));
    bench.effects_reach(LEDGER, 1).await;
    postgres.kill().await;
    send(&bench, &facts[500..]).await;
    postgres.start_again().await;
    let effects = bench.effects_reach(LEDGER, facts.len()).await;
    consumer.stop().await;
    assert_each_took_effect_once_and_in_order(&effects, facts.len());
    assert_eq!(dead_letters::list(bench.pool(), LEDGER, 0, 1).await.unwrap(), []);
}

#[tokio::test]
async fn handlers_of_one_topic_each_take_every_fact_in() {
    let bench = Bench::new().await;
    send(&bench, &facts(&mut Scribe::new(seeded()), 50)).await;
    let one = bench.consume(Recorder::new(LEDGER, "only"));
    let other = bench.consume(Recorder::new("watch", "only"));
    assert_each_took_effect_once_and_in_order(&bench.effects_reach(LEDGER, 50).await, 50);
    assert_each_took_effect_once_and_in_order(&bench.effects_reach("watch", 50).await, 50);
    one.stop().await;
    other.stop().await;
}

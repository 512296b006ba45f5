//! The relay on a real database and a real broker, and under every fault that it must survive: nothing lost, nothing out of
//! order.

use std::{
    env,
    process::{Child, Command, Stdio},
    time::Duration,
};

use chrono::TimeDelta;
use platform::{
    facts::KafkaConfig,
    outbox::{self, OutboxSource},
    relay::{self, FactSource, JournalSource, NotDrained},
};
use rand::{Rng, distr::Alphanumeric};
use rdkafka::{
    Message,
    admin::{AdminClient, AdminOptions, AlterConfig, ResourceSpecifier},
};
use testkit::{PrivateBroker, PrivatePostgres, wait_for};
use tokio_util::sync::CancellationToken;

use crate::support::bench::{
    self, BOUND, Bench, Journal, MARKS, NOTES, Scribe, assert_first_copies_are_whole_and_in_order, note,
    number, seeded,
};

/// How the tests tell a relay in a process of its own where it works.
const DATABASE_URL: &str = "TEST_RELAY_DATABASE_URL";
const BROKERS: &str = "TEST_RELAY_BROKERS";
const PREFIX: &str = "TEST_RELAY_PREFIX";

fn count(position: i64) -> usize {
    usize::try_from(position).expect("a small number")
}

#[tokio::test]
async fn facts_of_a_committed_transaction_arrive_whole_and_those_of_another_never() {
    let bench = Bench::new().await;
    let relay = bench.relay_outbox();
    let mut undone = bench.pool().begin().await.unwrap();
    outbox::append(&mut undone, &[note(1, "a", 1)]).await.unwrap();
    undone.rollback().await.unwrap();
    let facts = [note(2, "a", 1), note(3, "b", 1), note(4, "a", 2)];
    let mut done = bench.pool().begin().await.unwrap();
    outbox::append(&mut done, &facts).await.unwrap();
    done.commit().await.unwrap();

    relay::drained(bench.pool(), &OutboxSource, i64::MAX, BOUND).await.unwrap();
    relay.stop().await;
    let mut records = bench.arrived(NOTES, 3).await;
    records.sort_by_key(|record| record.fact.id);
    assert_eq!(records.iter().map(|record| record.fact.clone()).collect::<Vec<_>>(), facts);
    assert!(records.iter().all(|record| record.source == "/countinghouse/test"));
}

#[tokio::test]
async fn a_row_that_commits_after_later_ones_were_published_is_published_too() {
    let bench = Bench::new().await;
    let relay = bench.relay_outbox();
    let mut late = bench.pool().begin().await.unwrap();
    outbox::append(&mut late, &[note(1, "late", 1)]).await.unwrap();
    let mut early = bench.pool().begin().await.unwrap();
    outbox::append(&mut early, &[note(2, "early", 1)]).await.unwrap();
    early.commit().await.unwrap();
    assert_eq!(bench.arrived(NOTES, 1).await[0].fact.key, "early");
    relay::drained(bench.pool(), &OutboxSource, i64::MAX, BOUND).await.unwrap();

    late.commit().await.unwrap();
    let records = bench.arrived(NOTES, 2).await;
    assert!(records.iter().any(|record| record.fact.key == "late"));
    relay.stop().await;
}

#[tokio::test]
async fn a_fact_of_long_ago_is_as_new_to_the_broker_as_any_other() {
    let bench = Bench::new().await;
    let relay = bench.relay_outbox();
    let began = bench::now();
    let (mut old, mut early) = (note(1, "old", 1), note(2, "early", 1));
    old.time = began - TimeDelta::days(10_000);
    early.time = began + TimeDelta::days(10_000);
    outbox::append(&mut bench.pool().acquire().await.unwrap(), &[old.clone(), early.clone()]).await.unwrap();
    relay::drained(bench.pool(), &OutboxSource, i64::MAX, BOUND).await.unwrap();
    relay.stop().await;

    let kafka = bench.kafka.clone();
    let sent = tokio::task::spawn_blocking(move || {
        let reader = bench::reader(&kafka, NOTES);
        let next = || reader.poll(BOUND).expect("a record").expect("no error").timestamp().to_millis();
        [next(), next()]
    });
    for sent in sent.await.unwrap() {
        assert!(sent >= Some(began.timestamp_millis()), "retention would count from {sent:?}");
        assert!(sent <= Some(bench::now().timestamp_millis()), "retention would count from {sent:?}");
    }
    let times: Vec<_> = bench.arrived(NOTES, 2).await.iter().map(|record| record.fact.time).collect();
    assert!(times.contains(&old.time) && times.contains(&early.time), "{times:?}");
}

#[tokio::test]
async fn a_journal_is_published_once_and_in_order_while_it_is_written() {
    let bench = Bench::new().await;
    let mut scribe = Scribe::new(seeded());
    scribe.write(bench.pool(), 3_000).await;
    let relay = bench.relay_journal();
    for _ in 0..20 {
        scribe.write(bench.pool(), 100).await;
    }
    let head = scribe.write(bench.pool(), 1).await;
    bench.published(head).await;
    relay.stop().await;

    let records = bench.arrived(NOTES, count(head)).await;
    assert_eq!(records.len(), count(head), "nothing failed, so nothing was sent twice");
    assert_first_copies_are_whole_and_in_order(&records, count(head));
    assert_eq!(bench.arrived(MARKS, count(head / 10)).await.len(), count(head / 10));
}

#[tokio::test]
async fn a_source_without_a_relay_is_reported_as_not_drained() {
    let bench = Bench::new().await;
    let head = Scribe::new(seeded()).write(bench.pool(), 1).await;
    let journal = JournalSource::new(Journal);
    let error = relay::drained(bench.pool(), &journal, head, Duration::from_millis(1)).await.unwrap_err();
    assert!(matches!(error, NotDrained::Late { position: 1, .. }), "{error}");

    let mut conn = bench.pool().acquire().await.unwrap();
    let backlog = journal.backlog(&mut conn).await.unwrap();
    assert_eq!((backlog.facts, backlog.oldest), (1, Some(note(1, "k", 1).time)));
}

#[tokio::test]
async fn of_two_relays_one_works_and_the_other_takes_over() {
    let bench = Bench::new().await;
    let mut scribe = Scribe::new(seeded());
    let (one, other) = (bench.relay_journal(), bench.relay_journal());
    let head = scribe.write(bench.pool(), 2_000).await;
    bench.published(head).await;
    assert_eq!(bench.arrived(NOTES, count(head)).await.len(), count(head), "both relays sent");

    one.stop().await;
    let head = scribe.write(bench.pool(), 2_000).await;
    bench.published(head).await;
    other.stop().await;
    assert_first_copies_are_whole_and_in_order(&bench.arrived(NOTES, count(head)).await, count(head));
}

#[tokio::test]
async fn a_leader_that_loses_its_connection_is_replaced() {
    let bench = Bench::new().await;
    let mut scribe = Scribe::new(seeded());
    let (one, other) = (bench.relay_journal(), bench.relay_journal());
    for _ in 0..5 {
        let head = scribe.write(bench.pool(), 1_000).await;
        bench.cursor_passes(head - 999).await;
        let ended: i64 = sqlx::query_scalar(
            "SELECT count(pg_terminate_backend(pid)) FROM pg_locks
             WHERE locktype = 'advisory' AND granted
               AND database = (SELECT oid FROM pg_database WHERE datname = current_database())",
        )
        .fetch_one(bench.pool())
        .await
        .unwrap();
        assert_eq!(ended, 1, "one relay leads");
    }
    let head = scribe.write(bench.pool(), 1).await;
    bench.published(head).await;
    one.stop().await;
    other.stop().await;
    assert_first_copies_are_whole_and_in_order(&bench.arrived(NOTES, count(head)).await, count(head));
}

#[tokio::test]
async fn a_relay_killed_again_and_again_loses_nothing_and_keeps_the_order() {
    let bench = Bench::new().await;
    let mut rng = seeded();
    let mut scribe = Scribe::new(rng.clone());
    for _ in 0..6 {
        let head = scribe.write(bench.pool(), 4_000).await;
        let mut process = relay_process(&bench);
        bench.cursor_passes(head - rng.random_range(0..4_000)).await;
        process.kill().unwrap();
        process.wait().unwrap();
    }
    let head = scribe.write(bench.pool(), 1).await;
    let relay = bench.relay_journal();
    bench.published(head).await;
    relay.stop().await;
    assert_first_copies_are_whole_and_in_order(&bench.arrived(NOTES, count(head)).await, count(head));

    let consumer = bench.consume(bench::Recorder::new("ledger", "only"));
    let effects = bench.effects_reach("ledger", count(head)).await;
    consumer.stop().await;
    bench::assert_each_took_effect_once_and_in_order(&effects, count(head));
}

/// A relay of the bench's journal in a process of its own: this test binary, started as one.
fn relay_process(bench: &Bench) -> Child {
    Command::new(env::current_exe().unwrap())
        .args(["relay::relay_in_a_process_of_its_own", "--exact", "--ignored"])
        .env(DATABASE_URL, &bench.database.dml_url)
        .env(BROKERS, &bench.kafka.brokers)
        .env(PREFIX, &bench.kafka.topic_prefix)
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

#[tokio::test]
#[ignore = "not a test: the process that the tests kill"]
async fn relay_in_a_process_of_its_own() {
    let variable = |name| env::var(name).expect("invariant: a test has started this process");
    let kafka = KafkaConfig::plaintext(variable(BROKERS), variable(PREFIX));
    let relay = bench::relay_of(JournalSource::new(Journal), bench::pool(&variable(DATABASE_URL)), kafka);
    relay.run(CancellationToken::new()).await.unwrap();
}

#[tokio::test]
async fn servers_that_die_and_come_back_are_waited_for() {
    let (postgres, broker) = tokio::join!(PrivatePostgres::start(), PrivateBroker::start());
    let bench = Bench::private(&postgres, &broker).await;
    let mut scribe = Scribe::new(seeded());
    let relay = bench.relay_journal();
    let consumer = bench.consume(bench::Recorder::new("ledger", "only"));
    let head = scribe.write(bench.pool(), 2_000).await;
    bench.cursor_passes(1).await;

    broker.kill().await;
    scribe.write(bench.pool(), 2_000).await;
    broker.start_again().await;
    bench.cursor_passes(head + 1).await;

    let head = scribe.write(bench.pool(), 2_000).await;
    postgres.kill().await;
    postgres.start_again().await;
    bench.cursor_passes(head).await;

    postgres.kill().await;
    broker.stop().await;
    tokio::join!(postgres.start_again(), broker.start_again());
    let head = scribe.write(bench.pool(), 2_000).await;
    bench.published(head).await;
    let effects = bench.effects_reach("ledger", count(head)).await;
    relay.stop().await;
    consumer.stop().await;
    assert_first_copies_are_whole_and_in_order(&bench.arrived(NOTES, count(head)).await, count(head));
    bench::assert_each_took_effect_once_and_in_order(&effects, count(head));
}

#[tokio::test]
async fn a_stopped_relay_does_not_wait_for_a_broker_that_is_away() {
    let (postgres, broker) = tokio::join!(PrivatePostgres::start(), PrivateBroker::start());
    let bench = Bench::private(&postgres, &broker).await;
    let mut scribe = Scribe::new(seeded());
    let relay = bench.relay_journal();
    let head = scribe.write(bench.pool(), 100).await;
    bench.published(head).await;
    broker.stop().await;
    let head = scribe.write(bench.pool(), 100).await;
    relay.stop().await;

    broker.start_again().await;
    let relay = bench.relay_journal();
    bench.published(head).await;
    relay.stop().await;
    assert_first_copies_are_whole_and_in_order(&bench.arrived(NOTES, count(head)).await, count(head));
}

#[tokio::test]
async fn a_fact_that_the_broker_refuses_holds_back_those_behind_it_until_somebody_mends_it() {
    let bench = Bench::new().await;
    set_bytes_max(&bench, "4000").await;
    let mut facts: Vec<_> = (1..=20).map(|id| note(id, "k", i64::try_from(id).unwrap())).collect();
    // At random, because the broker measures what is compressed.
    let padding: String = seeded().sample_iter(Alphanumeric).take(100_000).map(char::from).collect();
    facts[10].payload = format!(r#"{{"key":"k","number":"11","padding":"{padding}"}}"#).into();
    outbox::append(&mut bench.pool().acquire().await.unwrap(), &facts).await.unwrap();

    let relay = bench.relay_outbox();
    wait_for(BOUND, "the facts before it to be marked", || async {
        let mut conn = bench.pool().acquire().await.ok()?;
        let backlog = OutboxSource.backlog(&mut conn).await.ok()?;
        (backlog.facts == 10).then_some(())
    })
    .await;
    let before = bench.arrived(NOTES, 10).await;
    assert_eq!(
        before.iter().map(|record| number(&record.fact)).max(),
        Some(10),
        "the refused fact was overtaken"
    );

    set_bytes_max(&bench, "1000000").await;
    relay::drained(bench.pool(), &OutboxSource, i64::MAX, BOUND).await.unwrap();
    relay.stop().await;
    assert_first_copies_are_whole_and_in_order(&bench.arrived(NOTES, 20).await, 20);
}

/// Sets how large a batch of records the topic takes.
async fn set_bytes_max(bench: &Bench, bytes: &str) {
    let admin: AdminClient<_> = bench.kafka.client().unwrap().create().unwrap();
    let topic = bench.kafka.prefixed(NOTES);
    let change = AlterConfig::new(ResourceSpecifier::Topic(&topic)).set("max.message.bytes", bytes);
    let answers = admin.alter_configs([&change], &AdminOptions::new()).await.unwrap();
    answers.into_iter().next().unwrap().unwrap();
}

#[tokio::test]
async fn relays_of_different_sources_do_not_wait_for_each_other() {
    let bench = Bench::new().await;
    let (journal, outbox) = (bench.relay_journal(), bench.relay_outbox());
    let head = Scribe::new(seeded()).write(bench.pool(), 10).await;
    outbox::append(&mut bench.pool().acquire().await.unwrap(), &[note(1 << 100, "other", 1)]).await.unwrap();
    bench.published(head).await;
    relay::drained(bench.pool(), &OutboxSource, i64::MAX, BOUND).await.unwrap();
    journal.stop().await;
    outbox.stop().await;
    assert_eq!(bench.arrived(NOTES, 11).await.len(), 11);
}

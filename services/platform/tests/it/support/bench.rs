//! What the tests of facts stand on: a small journal and its facts, a handler that writes down what it was given, and the
//! checks that hold whatever was done to the relay, the consumer or the servers.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use bytes::Bytes;
use chrono::{DateTime, TimeZone, Utc};
use platform::{
    clock::{SharedClock, SystemClock},
    consumer::{Consumer, ConsumerError, HandleError, Handler},
    facts::{Fact, KafkaConfig, RawRecord, Record, TopicSettings, topics},
    outbox::OutboxSource,
    relay::{self, FactSource, JournalReader, JournalSource, Relay, RelayError},
};
use rand::{Rng, SeedableRng, rngs::StdRng};
use rdkafka::{
    Offset, TopicPartitionList,
    consumer::{BaseConsumer, Consumer as _},
};
use sqlx::{PgConnection, PgPool, migrate::Migrator, postgres::PgPoolOptions};
use testkit::{PrivateBroker, PrivatePostgres, TestDatabase, TestKafka, wait_for};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

pub static MIGRATOR: Migrator = sqlx::migrate!("./migrations");

/// For anything that must happen, and between two steps of what takes many: a broker that was killed is back within 20 s on a
/// busy machine.
pub const BOUND: Duration = Duration::from_secs(90);

pub const SERVICE: &str = "test";
pub const NOTES: &str = "countinghouse.test.note.v1";
pub const MARKS: &str = "countinghouse.test.mark.v1";

/// Keys of the facts: more than partitions, few enough that every key has many facts.
const KEYS: usize = 23;

/// Every so many positions of the journal have a second fact, on the other topic.
const MARKED_EVERY: i64 = 10;

/// A database, a broker's prefix, the topics and the tables of one test.
pub struct Bench {
    pub database: TestDatabase,
    pub kafka: KafkaConfig,
}

impl Bench {
    /// On the servers that all tests share.
    pub async fn new() -> Bench {
        let (database, kafka) = tokio::join!(testkit::database(&MIGRATOR), testkit::kafka());
        Bench::of(database, &kafka).await
    }

    /// On servers of the test's own.
    pub async fn private(postgres: &PrivatePostgres, broker: &PrivateBroker) -> Bench {
        Bench::of(postgres.database(&MIGRATOR).await, &broker.kafka()).await
    }

    async fn of(database: TestDatabase, kafka: &TestKafka) -> Bench {
        let kafka = KafkaConfig::plaintext(kafka.brokers(), kafka.prefix());
        let settings = TopicSettings { partitions: 4, ..TopicSettings::default() };
        let declared = [settings.topic(NOTES, false), settings.topic(MARKS, false)];
        topics::ensure(&kafka, &declared).await.expect("the topics are made");
        for statement in [
            "CREATE TABLE journal (position bigint PRIMARY KEY, key text NOT NULL, number bigint NOT NULL)",
            "CREATE TABLE effect (at bigserial PRIMARY KEY, handler text NOT NULL, member text NOT NULL,
                                  fact_id uuid NOT NULL, key text NOT NULL, number bigint NOT NULL)",
            "GRANT SELECT, INSERT ON journal, effect TO countinghouse_dml",
            "GRANT USAGE ON SEQUENCE effect_at_seq TO countinghouse_dml",
        ] {
            sqlx::query(statement).execute(&database.owner).await.expect("the test's tables are made");
        }
        Bench { database, kafka }
    }

    pub fn pool(&self) -> &PgPool {
        &self.database.dml
    }

    /// Runs a relay of the journal until the token is cancelled.
    pub fn relay_journal(&self) -> Running<RelayError> {
        self.relay(JournalSource::new(Journal))
    }

    pub fn relay_outbox(&self) -> Running<RelayError> {
        self.relay(OutboxSource)
    }

    fn relay(&self, source: impl FactSource) -> Running<RelayError> {
        Running::start(|stop| relay_of(source, self.pool().clone(), self.kafka.clone()).run(stop))
    }

    /// Runs a consumer with a pool of its own, as another process would have one.
    pub fn consume(&self, handler: impl Handler) -> Running<ConsumerError> {
        let pool = pool(&self.database.dml_url);
        let consumer = Consumer::new(handler, pool, self.kafka.clone(), SERVICE, clock());
        Running::start(|stop| consumer.run(stop))
    }

    /// Waits until the journal is published up to a position.
    pub async fn published(&self, position: i64) {
        relay::drained(self.pool(), &JournalSource::new(Journal), position, BOUND)
            .await
            .expect("the journal is published");
    }

    /// Waits until the cursor of the journal has passed a position.
    pub async fn cursor_passes(&self, position: i64) {
        reaches("the cursor to move", position, async || {
            sqlx::query_scalar("SELECT coalesce(max(position), 0) FROM platform.relay_cursor")
                .fetch_one(self.pool())
                .await
                .ok()
        })
        .await;
    }

    /// The records of a topic, partition by partition, as soon as they hold `count` different facts.
    pub async fn arrived(&self, topic: &str, count: usize) -> Vec<Record> {
        let (kafka, topic) = (self.kafka.clone(), topic.to_owned());
        tokio::task::spawn_blocking(move || read(&kafka, &topic, count))
            .await
            .expect("the reader does not panic")
    }

    /// What a handler has done, in the order in which it did it.
    pub async fn effects(&self, handler: &str) -> Vec<Effect> {
        sqlx::query_as("SELECT member, fact_id, key, number FROM effect WHERE handler = $1 ORDER BY at")
            .bind(handler)
            .fetch_all(self.pool())
            .await
            .expect("the effects can be read")
    }

    /// Waits until a handler has had at least `count` effects, and gives them.
    pub async fn effects_reach(&self, handler: &str, count: usize) -> Vec<Effect> {
        let wanted = i64::try_from(count).expect("a small number");
        reaches("the effects", wanted, async || {
            sqlx::query_scalar("SELECT count(*) FROM effect WHERE handler = $1")
                .bind(handler)
                .fetch_one(self.pool())
                .await
                .ok()
        })
        .await;
        self.effects(handler).await
    }
}

/// Waits until what is counted reaches `wanted`, for as long as it grows.
pub async fn reaches(what: &str, wanted: i64, count: impl AsyncFn() -> Option<i64>) {
    let mut reached = 0;
    while reached < wanted {
        reached = wait_for(BOUND, what, async || count().await.filter(|count| *count > reached)).await;
    }
}

/// A mechanism that runs in a task.
pub struct Running<E> {
    stop: CancellationToken,
    task: JoinHandle<Result<(), E>>,
}

impl<E: std::error::Error + Send + 'static> Running<E> {
    pub fn start<F>(run: impl FnOnce(CancellationToken) -> F) -> Running<E>
    where
        F: Future<Output = Result<(), E>> + Send + 'static,
    {
        let stop = CancellationToken::new();
        let task = tokio::spawn(run(stop.clone()));
        Running { stop, task }
    }

    /// Stops in good order.
    pub async fn stop(self) {
        self.stop.cancel();
        tokio::time::timeout(BOUND, self.task)
            .await
            .expect("it stops in time")
            .expect("it does not panic")
            .expect("it stops in good order");
    }
}

pub fn clock() -> SharedClock {
    Arc::new(SystemClock)
}

pub fn pool(url: &str) -> PgPool {
    PgPoolOptions::new().max_connections(8).connect_lazy(url).expect("a valid URL")
}

pub fn relay_of<S: FactSource>(source: S, pool: PgPool, kafka: KafkaConfig) -> Relay<S> {
    Relay::new(source, pool, kafka, SERVICE, clock())
}

/// Randomness that can be had again: `TEST_SEED` in the environment, else a new seed, which is printed.
pub fn seeded() -> StdRng {
    let seed =
        std::env::var("TEST_SEED").map_or_else(|_| rand::random(), |seed| seed.parse().expect("a number"));
    println!("TEST_SEED={seed}");
    StdRng::seed_from_u64(seed)
}

/// The `number`th fact of a key. The same whenever it is made.
pub fn note(id: u128, key: &str, number: i64) -> Fact {
    Fact {
        id: Uuid::from_u128(id),
        topic: NOTES.to_owned(),
        kind: format!("{NOTES}.NoteWritten"),
        key: key.to_owned(),
        time: Utc.with_ymd_and_hms(2026, 3, 20, 9, 30, 0).single().expect("a time")
            + Duration::from_micros(1_234),
        actor: "T110101".to_owned(),
        correlation_id: Uuid::from_u128(id << 64),
        traceparent: Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned()),
        payload: Bytes::from(format!(r#"{{"key":"{key}","number":"{number}"}}"#)),
    }
}

/// The number in a fact that [`note`] made.
pub fn number(fact: &Fact) -> i64 {
    let payload: serde_json::Value = serde_json::from_slice(&fact.payload).expect("JSON");
    payload["number"].as_str().expect("a number").parse().expect("a number")
}

/// A journal of notes, one a position; every tenth has a mark besides.
pub struct Journal;

impl JournalReader for Journal {
    fn name(&self) -> &'static str {
        "journal"
    }

    fn channel(&self) -> &'static str {
        "test_journal"
    }

    async fn read_after(
        &self,
        conn: &mut PgConnection,
        position: i64,
        limit: i64,
    ) -> Result<Vec<(i64, Fact)>, sqlx::Error> {
        let rows: Vec<(i64, String, i64)> = sqlx::query_as(
            "SELECT position, key, number FROM journal WHERE position > $1 ORDER BY position LIMIT $2",
        )
        .bind(position)
        .bind(limit)
        .fetch_all(conn)
        .await?;
        let facts = rows.into_iter().flat_map(|(position, key, number)| {
            let note = note(position.unsigned_abs().into(), &key, number);
            let mark = Fact {
                id: Uuid::from_u128(u128::from(position.unsigned_abs()) | 1 << 127),
                topic: MARKS.to_owned(),
                kind: format!("{MARKS}.MarkMade"),
                ..note.clone()
            };
            let mark = (position % MARKED_EVERY == 0).then_some((position, mark));
            std::iter::once((position, note)).chain(mark)
        });
        Ok(facts.collect())
    }

    async fn head(&self, conn: &mut PgConnection) -> Result<i64, sqlx::Error> {
        sqlx::query_scalar("SELECT coalesce(max(position), 0) FROM journal").fetch_one(conn).await
    }
}

/// Writes the journal: keys at random, the facts of each key numbered 1, 2, 3 ...
pub struct Scribe {
    rng: StdRng,
    written: i64,
    numbers: HashMap<String, i64>,
}

impl Scribe {
    pub fn new(rng: StdRng) -> Scribe {
        Scribe { rng, written: 0, numbers: HashMap::new() }
    }

    /// The key and the number of the next fact.
    pub fn next(&mut self) -> (String, i64) {
        let key = format!("k{}", self.rng.random_range(0..KEYS));
        let number = self.numbers.entry(key.clone()).or_default();
        *number += 1;
        (key, *number)
    }

    /// Appends `count` positions and gives the last.
    pub async fn write(&mut self, pool: &PgPool, count: i64) -> i64 {
        let positions: Vec<i64> = (self.written + 1..=self.written + count).collect();
        let (keys, numbers): (Vec<String>, Vec<i64>) = positions.iter().map(|_| self.next()).unzip();
        wait_for(BOUND, "the journal to be written", || async {
            let append = sqlx::query(
                "WITH appended AS (
                     INSERT INTO journal SELECT * FROM UNNEST($1::bigint[], $2::text[], $3::bigint[])
                     ON CONFLICT DO NOTHING
                 ) SELECT pg_notify('test_journal', '')",
            );
            append.bind(&positions).bind(&keys).bind(&numbers).execute(pool).await.ok()
        })
        .await;
        self.written += count;
        self.written
    }
}

/// A handler that writes down what it was given, and refuses what its verdict says.
pub struct Recorder {
    pub name: &'static str,
    /// Which of several consumers of the handler it is.
    pub member: &'static str,
    pub verdict: Verdict,
}

type Verdict = Arc<dyn Fn(&Record) -> Result<(), HandleError> + Send + Sync>;

impl Recorder {
    /// Takes everything.
    pub fn new(name: &'static str, member: &'static str) -> Recorder {
        Recorder { name, member, verdict: Arc::new(|_| Ok(())) }
    }

    pub fn judging(
        name: &'static str,
        verdict: impl Fn(&Record) -> Result<(), HandleError> + Send + Sync + 'static,
    ) -> Recorder {
        Recorder { name, member: "only", verdict: Arc::new(verdict) }
    }
}

impl Handler for Recorder {
    fn name(&self) -> &str {
        self.name
    }

    fn topics(&self) -> Vec<String> {
        vec![NOTES.to_owned()]
    }

    /// The effect comes before the verdict, so that a refusal has something to roll back.
    async fn handle(&self, conn: &mut PgConnection, record: &Record) -> Result<(), HandleError> {
        sqlx::query("INSERT INTO effect (handler, member, fact_id, key, number) VALUES ($1, $2, $3, $4, $5)")
            .bind(self.name)
            .bind(self.member)
            .bind(record.fact.id)
            .bind(&record.fact.key)
            .bind(number(&record.fact))
            .execute(conn)
            .await?;
        (self.verdict)(record)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, sqlx::FromRow)]
pub struct Effect {
    pub member: String,
    pub fact_id: Uuid,
    pub key: String,
    pub number: i64,
}

/// Checks that nothing is missing and every key's facts came in order, when only the first copy of each fact counts.
pub fn assert_first_copies_are_whole_and_in_order(records: &[Record], count: usize) {
    let mut seen = HashSet::new();
    let first = records.iter().filter(|record| seen.insert(record.fact.id));
    assert_in_order(first.map(|record| (record.fact.key.clone(), number(&record.fact))));
    assert_eq!(seen.len(), count, "facts are missing");
}

/// Checks that every fact had its effect once, and every key's in order.
pub fn assert_each_took_effect_once_and_in_order(effects: &[Effect], count: usize) {
    let facts: HashSet<Uuid> = effects.iter().map(|effect| effect.fact_id).collect();
    assert_eq!(facts.len(), effects.len(), "facts took effect twice");
    assert_eq!(facts.len(), count, "facts are missing");
    assert_in_order(effects.iter().map(|effect| (effect.key.clone(), effect.number)));
}

fn assert_in_order(facts: impl Iterator<Item = (String, i64)>) {
    let mut last: BTreeMap<String, i64> = BTreeMap::new();
    for (key, number) in facts {
        let last = last.entry(key.clone()).or_insert(0);
        assert_eq!(number, *last + 1, "key {key}: {number} came after {last}");
        *last = number;
    }
}

/// A reader of a topic from its beginning, in no group.
pub fn reader(kafka: &KafkaConfig, topic: &str) -> BaseConsumer {
    let mut client = kafka.client().expect("a configuration");
    let consumer: BaseConsumer = client.set("group.id", kafka.prefixed("reader")).create().expect("a reader");
    let cluster_topic = kafka.prefixed(topic);
    let mut assignment = TopicPartitionList::new();
    for partition in 0..4 {
        assignment.add_partition_offset(&cluster_topic, partition, Offset::Beginning).expect("a partition");
    }
    consumer.assign(&assignment).expect("an assignment");
    consumer
}

/// Reads a topic from its beginning until it has held `count` different facts.
pub fn read(kafka: &KafkaConfig, topic: &str, count: usize) -> Vec<Record> {
    let consumer = reader(kafka, topic);
    let (mut records, mut seen) = (Vec::new(), HashSet::new());
    let mut give_up_at = std::time::Instant::now() + BOUND;
    while seen.len() < count {
        assert!(std::time::Instant::now() < give_up_at, "{} of {count} facts after {BOUND:?}", seen.len());
        if let Some(Ok(message)) = consumer.poll(Duration::from_millis(100)) {
            let record = RawRecord::copy(&message, topic).read().expect("a fact");
            seen.insert(record.fact.id);
            records.push(record);
            give_up_at = std::time::Instant::now() + BOUND;
        }
    }
    records.sort_by_key(|record| (record.partition, record.offset));
    records
}

/// Now, to the second, for what is only compared with itself.
pub fn now() -> DateTime<Utc> {
    clock().now()
}

//! The service in this process: everything that `serve` starts, on a database of the test's own.

use std::{
    env,
    net::SocketAddr,
    path::Path,
    sync::{Arc, LazyLock, OnceLock},
    time::Duration,
};

use accounting::{
    config::Config,
    events,
    startup::{self, Dependencies},
};
use platform::{
    config::Secret,
    facts::{KafkaConfig, topics},
    ids::UuidV7Ids,
    lifecycle::{Ending, Lifecycle},
    telemetry::{self, TelemetryConfig, TelemetryGuard},
};
use proto_common::approval::v1::ApproveRequestRequest;
use rdkafka::message::OwnedMessage;
use testkit::{
    PrivateBroker, TestDatabase, TestKafka,
    keys::{Claims, Issuer},
    wait_for,
};
use tokio::{
    runtime::{self, Runtime},
    sync::OnceCell,
    task::JoinHandle,
};
use tonic::{
    Request,
    transport::{Channel, Endpoint},
};

use super::{BOUND, Call, Refused, clock::MovableClock, people::Person};

/// The service, running.
pub struct ServiceHarness {
    pub config: Config,
    pub clock: Arc<MovableClock>,
    pub channel: Channel,
    pub address: SocketAddr,
    kafka: TestKafka,
    lifecycle: Lifecycle,
    life: Option<JoinHandle<Ending>>,
    pub database: TestDatabase,
}

impl ServiceHarness {
    /// With empty books. Its facts go to topics that all tests share and nobody reads.
    pub async fn start() -> ServiceHarness {
        static SHARED: OnceCell<TestKafka> = OnceCell::const_new();
        let kafka = SHARED.get_or_init(|| async { with_topics(testkit::kafka().await).await }).await;
        ServiceHarness::on(kafka.clone(), &[]).await
    }

    /// With empty books, and topics of its own.
    pub async fn with_facts() -> ServiceHarness {
        ServiceHarness::on(with_topics(testkit::kafka().await).await, &[]).await
    }

    /// The same on this broker, taking in the facts of other services on these topics.
    pub async fn taking_in(kafka: TestKafka, topics: &[&str]) -> ServiceHarness {
        let kafka = with_topics(kafka).await;
        for topic in topics {
            kafka.topic(topic, 2).await;
        }
        ServiceHarness::on(kafka, topics).await
    }

    /// With empty books, and topics on a broker of the test's own.
    pub async fn on_broker(broker: &PrivateBroker) -> ServiceHarness {
        ServiceHarness::on(with_topics(broker.kafka()).await, &[]).await
    }

    async fn on(kafka: TestKafka, facts: &[&str]) -> ServiceHarness {
        log();
        let database = testkit::database(&startup::migrator()).await;
        let mut config = config(&database.dml_url, &kafka);
        config.facts.topics = facts.iter().map(|topic| (*topic).to_owned()).collect();
        let clock = Arc::new(MovableClock::default());
        let Running { lifecycle, channel, address, life } = start(&config, &clock).await;
        ServiceHarness { config, clock, channel, address, kafka, lifecycle, life: Some(life), database }
    }

    /// Stops the service as a signal would, and says how that went.
    pub async fn stop(&mut self) -> Ending {
        self.lifecycle.stop();
        let life = self.life.take().expect("a house stops once");
        life.await.expect("the service does not panic")
    }

    /// Starts the service again on the same data.
    pub async fn start_again(&mut self) {
        let Running { lifecycle, channel, address, life } = start(&self.config, &self.clock).await;
        (self.lifecycle, self.channel, self.address, self.life) = (lifecycle, channel, address, Some(life));
    }

    /// Starts the service again on the same data, where those who call it look for it.
    pub async fn start_again_on(&mut self, address: SocketAddr) {
        self.config.rpc.listen = address;
        self.start_again().await;
    }

    /// Starts another replica of the service beside it, and gives what it is called on. It stops with the token of its life.
    pub async fn another(&self) -> (Lifecycle, Channel) {
        let Running { lifecycle, channel, .. } = start(&self.config, &self.clock).await;
        (lifecycle, channel)
    }

    /// Ends the database session of the writer, as a failing network would. Whether there was one.
    pub async fn cut_off_the_writer(&self) -> bool {
        let cut: Option<bool> = sqlx::query_scalar(
            "SELECT bool_or(pg_terminate_backend(pid)) FROM pg_stat_activity
             WHERE datname = current_database() AND application_name = 'accounting.writer'",
        )
        .fetch_one(&self.database.dml)
        .await
        .expect("the sessions of the test's own role may be ended");
        cut.unwrap_or(false)
    }

    /// Sends a request as somebody, again and again while the service is away.
    pub async fn call<C: Call>(&self, person: Person, request: C) -> Result<C::Answer, Refused> {
        wait_for(BOUND, "the service to answer", || async {
            match self.call_once(person, request.clone()).await {
                Err(refused) if refused.is_transient() => None,
                outcome => Some(outcome),
            }
        })
        .await
    }

    /// Sends a request as somebody, once.
    pub async fn call_once<C: Call>(&self, person: Person, request: C) -> Result<C::Answer, Refused> {
        call_on(self.channel.clone(), person, request).await
    }

    /// Sends a request that must be done.
    pub async fn done<C: Call>(&self, person: Person, request: C) -> C::Answer {
        self.call(person, request).await.expect("the request is done")
    }

    /// Sends a request that must be refused.
    pub async fn refused<C: Call>(&self, person: Person, request: C) -> Refused {
        match self.call(person, request).await {
            Ok(_) => panic!("the request was done, and should have been refused"),
            Err(refused) => refused,
        }
    }

    /// Sends a request that needs a second person, who approves it; the maker's repeat gets the answer.
    pub async fn approved<C: Call>(&self, maker: Person, checker: Person, request: C) -> C::Answer {
        let refused = self.refused(maker, request.clone()).await;
        assert_eq!(refused.reason, "APPROVAL_REQUIRED", "{refused:?}");
        let name = refused.metadata.get("approval").expect("the refusal names the approval").clone();
        self.done(checker, ApproveRequestRequest { name }).await;
        self.done(maker, request).await
    }

    /// The first records of a topic, in the order of each partition: as soon as there are `count`.
    pub async fn records(&self, topic: &str, count: usize) -> Vec<OwnedMessage> {
        self.kafka.records(&self.kafka.name(topic), count, BOUND).await
    }

    /// The contract name of a topic of this test.
    pub fn contract_name<'a>(&self, topic: &'a str) -> &'a str {
        topic.strip_prefix(self.kafka.prefix()).expect("the topic is this test's")
    }
}

impl Drop for ServiceHarness {
    /// Ends the service before its database goes.
    fn drop(&mut self) {
        self.lifecycle.stop();
        if let Some(life) = self.life.take() {
            drop(futures::executor::block_on(life));
        }
    }
}

/// Sends a request as somebody on a channel.
pub async fn call_on<C: Call>(channel: Channel, person: Person, request: C) -> Result<C::Answer, Refused> {
    C::send(signed(person, request), channel).await.map(tonic::Response::into_inner).map_err(Refused::from)
}

/// A request of somebody.
pub fn signed<C>(person: Person, request: C) -> Request<C> {
    let token = issuer().sign(&Claims::of(person.code, person.roles).within(person.branches));
    let mut request = Request::new(request);
    let bearer = format!("Bearer {token}").parse().expect("a token is ASCII");
    request.metadata_mut().insert("authorization", bearer);
    request
}

/// Logs as `TEST_LOG` says, for whoever looks into a failing test.
fn log() {
    static GUARD: OnceLock<TelemetryGuard> = OnceLock::new();
    GUARD.get_or_init(|| {
        let log = env::var("TEST_LOG").unwrap_or_else(|_| "error".to_owned());
        let config =
            TelemetryConfig { log, otlp_endpoint: String::new(), trace_ratio: 0.0, metrics_every_ms: 1_000 };
        telemetry::init(&config, "accounting", "tests").expect("TEST_LOG is a filter")
    });
}

/// Signs the tokens of all tests.
pub fn issuer() -> &'static Issuer {
    static ISSUER: OnceLock<Issuer> = OnceLock::new();
    ISSUER.get_or_init(|| Issuer::kept_in(&keys()).expect("keys can be kept"))
}

fn keys() -> std::path::PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("accounting-keys")
}

async fn with_topics(kafka: TestKafka) -> TestKafka {
    let config = kafka_config(&kafka);
    topics::ensure(&config, &events::topics(&config.topics)).await.expect("the topics are made");
    kafka
}

fn kafka_config(kafka: &TestKafka) -> KafkaConfig {
    let mut config = KafkaConfig::plaintext(kafka.brokers(), kafka.prefix());
    config.topics.partitions = 1;
    config
}

fn config(database_url: &str, kafka: &TestKafka) -> Config {
    issuer();
    let mut config = Config::load(None).expect("the defaults hold");
    config.database.url = Secret::new(database_url);
    config.kafka = kafka_config(kafka);
    config.rpc.listen = ([127, 0, 0, 1], 0).into();
    config.auth.jwks_file = keys().join("jwks.json");
    config.writer.lead_retry_ms = 50;
    // No replica is taken for dead that is only slow.
    config.writer.heartbeat_lost_ms = 20_000;
    // A busy machine must not make a test fail that is not about time.
    config.rpc.deadline_default_ms = 60_000;
    config.database.acquire_timeout_ms = 60_000;
    config.database.statement_timeout_ms = 60_000;
    config.writer.statement_timeout_ms = 60_000;
    config.check().expect("the tests' settings hold");
    config
}

/// A service that was started.
struct Running {
    lifecycle: Lifecycle,
    channel: Channel,
    address: SocketAddr,
    life: JoinHandle<Ending>,
}

/// Starts the service, on threads of its own: a test that waits in its own thread, for its database to be dropped, must not keep
/// the service from answering Postgres meanwhile.
async fn start(config: &Config, clock: &Arc<MovableClock>) -> Running {
    static THREADS: LazyLock<Runtime> = LazyLock::new(|| {
        runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("threads can be made")
    });
    let (config, clock) = (config.clone(), clock.clone());
    let started = THREADS.spawn(async move {
        let lifecycle = Lifecycle::new();
        let basis = Dependencies { clock, ids: Arc::new(UuidV7Ids) };
        let address = startup::start(&config, basis, &lifecycle).await.expect("the service starts");
        let life = lifecycle.clone().run_until(std::future::pending(), Duration::from_secs(20));
        let life = tokio::spawn(life);
        let endpoint = Endpoint::from_shared(format!("http://{address}")).expect("an address is a URL");
        let channel =
            wait_for(BOUND, "the service to listen", || async { endpoint.connect().await.ok() }).await;
        Running { lifecycle, channel, address, life }
    });
    started.await.expect("the service starts")
}

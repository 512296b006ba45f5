//! The service in this process: everything that `serve` starts, on a database of the test's own.

use std::{
    path::Path,
    sync::{Arc, OnceLock},
    time::Duration,
};

use accounting::{
    config::Config,
    events,
    startup::{self, Basis},
};
use countinghouse_proto::approval::v1::ApproveRequestRequest;
use platform::{
    config::Secret,
    facts::{KafkaConfig, topics},
    ids::UuidV7Ids,
    lifecycle::{Ending, Lifecycle},
};
use rdkafka::message::OwnedMessage;
use testkit::{
    TestDatabase, TestKafka,
    keys::{Claims, Issuer},
    wait_for,
};
use tokio::{sync::OnceCell, task::JoinHandle};
use tonic::{
    Request,
    transport::{Channel, Endpoint},
};

use super::{BOUND, Call, Refused, clock::MovableClock, people::Person};

/// The service, running.
pub struct House {
    pub database: TestDatabase,
    pub config: Config,
    pub clock: Arc<MovableClock>,
    pub channel: Channel,
    kafka: TestKafka,
    lifecycle: Lifecycle,
    life: Option<JoinHandle<Ending>>,
}

impl House {
    /// With empty books. Its facts go to topics that all tests share and nobody reads.
    pub async fn start() -> House {
        static SHARED: OnceCell<TestKafka> = OnceCell::const_new();
        let kafka = SHARED.get_or_init(|| async { with_topics(testkit::kafka().await).await }).await;
        House::on(kafka.clone()).await
    }

    /// With empty books, and topics of its own.
    pub async fn with_facts() -> House {
        House::on(with_topics(testkit::kafka().await).await).await
    }

    async fn on(kafka: TestKafka) -> House {
        let database = testkit::database(&startup::migrator()).await;
        let config = config(&database.dml_url, &kafka);
        let clock = Arc::new(MovableClock::default());
        let (lifecycle, channel) = start(&config, &clock).await;
        let life = Some(spawn(&lifecycle));
        House { database, config, clock, channel, kafka, lifecycle, life }
    }

    /// Stops the service as a signal would, and says how that went.
    pub async fn stop(&mut self) -> Ending {
        self.lifecycle.stop();
        let life = self.life.take().expect("a house stops once");
        life.await.expect("the service does not panic")
    }

    /// Starts the service again on the same data.
    pub async fn start_again(&mut self) {
        let (lifecycle, channel) = start(&self.config, &self.clock).await;
        self.life = Some(spawn(&lifecycle));
        (self.lifecycle, self.channel) = (lifecycle, channel);
    }

    /// Starts another replica of the service beside it, and gives what it is called on.
    pub async fn another(&self) -> (Lifecycle, Channel) {
        let (lifecycle, channel) = start(&self.config, &self.clock).await;
        drop(spawn(&lifecycle));
        (lifecycle, channel)
    }

    /// Sends a request as somebody.
    pub async fn call<C: Call>(&self, person: Person, request: C) -> Result<C::Answer, Refused> {
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

impl Drop for House {
    fn drop(&mut self) {
        self.lifecycle.stop();
    }
}

/// Sends a request as somebody on a channel.
pub async fn call_on<C: Call>(channel: Channel, person: Person, request: C) -> Result<C::Answer, Refused> {
    let token = issuer().sign(&Claims::of(person.code, person.roles).within(person.branches));
    let mut request = Request::new(request);
    let bearer = format!("Bearer {token}").parse().expect("a token is ASCII");
    request.metadata_mut().insert("authorization", bearer);
    C::send(request, channel).await.map(tonic::Response::into_inner).map_err(Refused::from)
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
    config.check().expect("the tests' settings hold");
    config
}

/// Starts the service and waits until it writes, unless another replica does.
async fn start(config: &Config, clock: &Arc<MovableClock>) -> (Lifecycle, Channel) {
    let lifecycle = Lifecycle::new();
    let basis = Basis { clock: clock.clone(), ids: Arc::new(UuidV7Ids) };
    let address = startup::start(config, basis, &lifecycle).await.expect("the service starts");
    let endpoint = Endpoint::from_shared(format!("http://{address}")).expect("an address is a URL");
    let channel = wait_for(BOUND, "the service to listen", || async { endpoint.connect().await.ok() }).await;
    (lifecycle, channel)
}

fn spawn(lifecycle: &Lifecycle) -> JoinHandle<Ending> {
    tokio::spawn(lifecycle.clone().run_until(std::future::pending(), Duration::from_secs(20)))
}

use std::{
    net::SocketAddr,
    sync::{Arc, LazyLock},
    time::Duration,
};

use platform::{
    config::Secret,
    ids::UuidV7Ids,
    lifecycle::{Ending, Lifecycle},
    outbox::OutboxSource,
    relay,
    service::{self, Service, Settings},
};
use proto_common::{Rpc, approval::v1::ApproveRequestRequest};
use rdkafka::message::OwnedMessage;
use tokio::{
    runtime::{self, Runtime},
    task::JoinHandle,
};
use tonic::transport::{Channel, Endpoint};

use super::{BOUND, Launch, MovableClock, Person, Proxy, Refused, call_on};
use crate::{
    TestKafka,
    database::{Template, TestDatabase, block_on_a_thread},
    wait_for,
};

/// Work in hand may take so long when a service stops.
const DRAINED_WITHIN: Duration = Duration::from_secs(20);

/// A service in this process, on a database of the test's own.
pub struct ServiceHarness<S: Service> {
    /// The settings of the next start.
    pub settings: Settings<S::Settings>,
    pub clock: Arc<MovableClock>,
    kafka: TestKafka,
    // Before the database: it ends first.
    running: Running,
    pub database: TestDatabase,
}

impl<S: Service> ServiceHarness<S> {
    /// On an empty database. Its facts go to topics that all tests share and nobody reads.
    pub async fn start() -> Self {
        Launch::new().start().await
    }

    /// On an empty database, and with topics of its own.
    pub async fn with_facts() -> Self {
        Launch::new().on(crate::kafka().await).start().await
    }

    /// On a copy of the database in which `found` was done, once: see [`Launch::found`].
    pub async fn founded(name: &str, content: &[u8], found: impl AsyncFnOnce(&Self)) -> Self {
        let template: Template = Launch::new().found(name, content, found).await;
        Launch::new().on_copy_of(template).start().await
    }

    pub(super) async fn run(
        settings: Settings<S::Settings>,
        kafka: TestKafka,
        database: TestDatabase,
    ) -> Self {
        let clock = Arc::new(MovableClock::default());
        let running = Running::start::<S>(&settings, &clock).await;
        Self { settings, clock, kafka, running, database }
    }

    /// What it is called on.
    pub fn channel(&self) -> Channel {
        self.running.channel.clone()
    }

    /// What it listens on.
    pub fn address(&self) -> SocketAddr {
        self.running.address
    }

    /// Stops the service as a signal would, and says how that went.
    pub async fn stop(&mut self) -> Ending {
        self.running.stop().await
    }

    /// Starts the service again on the same data, with the settings as they are now.
    pub async fn start_again(&mut self) {
        self.running = self.another().await;
    }

    /// Starts the service again on the same data, at the address that its callers use.
    pub async fn start_again_on(&mut self, address: SocketAddr) {
        self.settings.rpc.listen = address;
        self.start_again().await;
    }

    /// Starts another replica beside it, which stops when it is dropped.
    pub async fn another(&self) -> Running {
        Running::start::<S>(&self.settings, &self.clock).await
    }

    /// Puts a proxy between the database and what is started from here on, which holds back answers to the sessions of
    /// `application` alone.
    pub async fn through_proxy(&mut self, application: &'static str) -> Proxy {
        let url = self.settings.database.url.expose();
        let options = self.settings.database.options().expect("the settings hold");
        let direct = format!("{}:{}", options.get_host(), options.get_port());
        let proxy = Proxy::to(direct.clone(), application).await;
        let through = url.replace(&direct, &proxy.address.to_string());
        self.settings.database.url = Secret::new(format!("{through}?sslmode=disable"));
        proxy
    }

    /// Ends the database sessions of `application`, as a failing network would. Whether there was one.
    pub async fn cut_off(&self, application: &str) -> bool {
        let cut: Option<bool> = sqlx::query_scalar(
            "SELECT bool_or(pg_terminate_backend(pid)) FROM pg_stat_activity
             WHERE datname = current_database() AND application_name = $1",
        )
        .bind(application)
        .fetch_one(&self.database.dml)
        .await
        .expect("the sessions of the test's own role may be ended");
        cut.unwrap_or(false)
    }

    /// Sends a request as somebody, repeatedly while the service is away.
    pub async fn call<M: Rpc>(&self, person: Person, request: M) -> Result<M::Response, Refused> {
        wait_for(BOUND, "the service to answer", || async {
            match self.call_once(person, request.clone()).await {
                Err(refused) if refused.is_transient() => None,
                outcome => Some(outcome),
            }
        })
        .await
    }

    /// Sends a request as somebody, once.
    pub async fn call_once<M: Rpc>(&self, person: Person, request: M) -> Result<M::Response, Refused> {
        call_on(self.channel(), person, request).await
    }

    /// Sends a request that must be done.
    pub async fn done<M: Rpc>(&self, person: Person, request: M) -> M::Response {
        self.call(person, request).await.expect("the request is done")
    }

    /// Sends a request that must be refused.
    pub async fn refused<M: Rpc>(&self, person: Person, request: M) -> Refused {
        match self.call(person, request).await {
            Ok(_) => panic!("the request was done, and should have been refused"),
            Err(refused) => refused,
        }
    }

    /// Sends a request that needs a second person, who approves it; the maker's repeat gets the answer.
    pub async fn approved<M: Rpc>(&self, maker: Person, checker: Person, request: M) -> M::Response {
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
        self.settings.kafka.contract_name(topic)
    }

    /// Waits until the outbox is published, stops the service and gives its database.
    pub(super) async fn into_database(mut self) -> TestDatabase {
        relay::drained(&self.database.dml, &OutboxSource, i64::MAX, BOUND)
            .await
            .expect("the outbox is published");
        assert_eq!(self.stop().await, Ending::Drained);
        self.database
    }
}

/// A service that runs in this process; stopped when dropped.
pub struct Running {
    pub channel: Channel,
    pub address: SocketAddr,
    lifecycle: Lifecycle,
    life: Option<JoinHandle<Ending>>,
}

impl Running {
    /// Starts it on threads of its own: a test that waits in its own thread, for its database to be dropped, must not keep the
    /// service from answering Postgres meanwhile.
    async fn start<S: Service>(settings: &Settings<S::Settings>, clock: &Arc<MovableClock>) -> Running {
        static THREADS: LazyLock<Runtime> = LazyLock::new(|| {
            runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .enable_all()
                .build()
                .expect("threads can be made")
        });
        let (settings, clock) = (settings.clone(), clock.clone());
        let started = THREADS.spawn(async move {
            let lifecycle = Lifecycle::new();
            let address = service::start::<S>(&settings, clock, Arc::new(UuidV7Ids), &lifecycle)
                .await
                .expect("the service starts");
            let life = lifecycle.clone().run_until(std::future::pending(), DRAINED_WITHIN);
            let life = Some(tokio::spawn(life));
            let endpoint = Endpoint::from_shared(format!("http://{address}")).expect("an address is a URL");
            let channel =
                wait_for(BOUND, "the service to listen", || async { endpoint.connect().await.ok() }).await;
            Running { channel, address, lifecycle, life }
        });
        started.await.expect("the service starts")
    }

    /// Stops it as a signal would, and says how that went.
    pub async fn stop(&mut self) -> Ending {
        self.lifecycle.stop();
        let life = self.life.take().expect("a service stops once");
        life.await.expect("the service does not panic")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.lifecycle.stop();
        if let Some(life) = self.life.take() {
            block_on_a_thread(async {
                // Only `stop` reports how it ended.
                drop(life.await);
                Ok(())
            });
        }
    }
}

use std::{collections::BTreeMap, env, sync::OnceLock};

use platform::{
    config::{Secret, Variables},
    facts::{KafkaConfig, topics},
    service::{self, Service, Settings},
    telemetry::{self, TelemetryConfig, TelemetryGuard},
};
use tokio::sync::Mutex;

use super::{ServiceHarness, people};
use crate::{
    TestKafka,
    database::{self, Template, TestDatabase},
};

/// A change of the settings before the start.
type Change<S> = Box<dyn FnOnce(&mut Settings<<S as Service>::Settings>)>;

/// How a service is to be started for a test.
pub struct Launch<S: Service> {
    kafka: Option<TestKafka>,
    template: Option<Template>,
    changes: Vec<Change<S>>,
}

impl<S: Service> Default for Launch<S> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S: Service> Launch<S> {
    /// On an empty database. Its facts go to topics that all tests share and nobody reads.
    pub fn new() -> Self {
        Self { kafka: None, template: None, changes: Vec::new() }
    }

    /// The same, with topics of the test's own.
    #[must_use]
    pub fn on(self, kafka: TestKafka) -> Self {
        Self { kafka: Some(kafka), ..self }
    }

    /// The same, on a copy of what was founded.
    #[must_use]
    pub fn on_copy_of(self, template: Template) -> Self {
        Self { template: Some(template), ..self }
    }

    /// The same, with settings changed.
    #[must_use]
    pub fn configured(mut self, change: impl FnOnce(&mut Settings<S::Settings>) + 'static) -> Self {
        self.changes.push(Box::new(change));
        self
    }

    /// Starts the service.
    pub async fn start(self) -> ServiceHarness<S> {
        log(S::NAME);
        let database = match &self.template {
            Some(template) => database::copy_of(template).await,
            None => database::database(&service::migrator::<S>()).await,
        };
        let mut settings = defaults::<S>(&database);
        for change in self.changes {
            change(&mut settings);
        }
        let kafka = match self.kafka {
            Some(kafka) => with_topics::<S>(kafka, &mut settings).await,
            None => shared_topics::<S>(&mut settings).await,
        };
        settings.check().expect("the tests' settings hold");
        S::check(&settings).expect("the tests' settings hold");
        ServiceHarness::run(settings, kafka, database).await
    }

    /// What `found` does on an empty database, as a template to copy: done once for each build of the test program, set of
    /// migrations and `content`. Tests and processes that come meanwhile wait for it.
    ///
    /// What waits in the outbox is published before the template is made, so that no copy publishes it. A service with journals of
    /// its own waits in `found` until these are published.
    pub async fn found(
        self,
        name: &str,
        content: &[u8],
        found: impl AsyncFnOnce(&ServiceHarness<S>),
    ) -> Template {
        database::founded(&service::migrator::<S>(), name, content, async || {
            let harness = self.start().await;
            found(&harness).await;
            harness.into_database().await
        })
        .await
    }
}

fn defaults<S: Service>(database: &TestDatabase) -> Settings<S::Settings> {
    let mut settings = Settings::load_with::<S>(None, Some(Variables::default())).expect("the defaults hold");
    settings.database.url = Secret::new(&database.dml_url);
    settings.rpc.listen = ([127, 0, 0, 1], 0).into();
    settings.auth.jwks_file = people::jwks();
    // A busy machine must not make a test fail that is not about time.
    settings.rpc.deadline_default_ms = 60_000;
    settings.database.acquire_timeout_ms = 60_000;
    settings.database.statement_timeout_ms = 60_000;
    settings
}

/// The topics that all tests of a service in this process share.
async fn shared_topics<S: Service>(settings: &mut Settings<S::Settings>) -> TestKafka {
    static SHARED: Mutex<BTreeMap<&str, TestKafka>> = Mutex::const_new(BTreeMap::new());
    let mut shared = SHARED.lock().await;
    if let Some(kafka) = shared.get(S::NAME) {
        settings.kafka = config(kafka);
        return kafka.clone();
    }
    let kafka = with_topics::<S>(crate::kafka().await, settings).await;
    shared.insert(S::NAME, kafka.clone());
    kafka
}

async fn with_topics<S: Service>(kafka: TestKafka, settings: &mut Settings<S::Settings>) -> TestKafka {
    settings.kafka = config(&kafka);
    let declared = service::topics::<S>(&settings.kafka.topics);
    topics::ensure(&settings.kafka, &declared).await.expect("the topics are made");
    kafka
}

fn config(kafka: &TestKafka) -> KafkaConfig {
    let mut config = KafkaConfig::plaintext(kafka.brokers(), kafka.prefix());
    config.topics.partitions = 1;
    config
}

/// Logs as `TEST_LOG` says, for whoever looks into a failing test.
fn log(service: &'static str) {
    static GUARD: OnceLock<TelemetryGuard> = OnceLock::new();
    GUARD.get_or_init(|| {
        let log = env::var("TEST_LOG").unwrap_or_else(|_| "error".to_owned());
        let config =
            TelemetryConfig { log, otlp_endpoint: String::new(), trace_ratio: 0.0, metrics_every_ms: 1_000 };
        telemetry::init(&config, service, "tests").expect("TEST_LOG is a filter")
    });
}

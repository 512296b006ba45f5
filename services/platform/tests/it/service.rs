//! A service as its program starts it: what stands around its use cases is there without a word of its own.

use std::sync::Arc;

use platform::{
    audit,
    clock::SystemClock,
    db,
    facts::{KafkaConfig, Record, topics},
    ids::UuidV7Ids,
    lifecycle::{Ending, Lifecycle},
    service::{self, Service, Settings},
};
use proto_common::approval::v1::{ApproveRequestRequest, approval_service_client::ApprovalServiceClient};
use sqlx::PgPool;
use testkit::{
    TestDatabase,
    keys::{Claims, Issuer},
};
use tonic::{Status, transport::Channel};

use crate::{
    audit::sealed_reach,
    support::{
        bench::{BOUND, MIGRATOR, NOTES, read},
        notebook::{self, Notebook, Own, Traces},
        notes::{EXTEND, FORBIDDEN, GET, NoteRequest, NoteResponse, REPLACE, WRITE},
        server::{BRANCH, Bearer, Folder, call, endpoint, metadata, note, reason},
    },
};

/// A notebook that serves.
struct Served {
    database: TestDatabase,
    kafka: KafkaConfig,
    issuer: Issuer,
    channel: Channel,
    lifecycle: Lifecycle,
    _folder: Folder,
}

impl Served {
    async fn start() -> Served {
        let migrator = service::migrator::<Notebook>();
        let (database, kafka) = tokio::join!(testkit::database(&migrator), testkit::kafka());
        let (folder, issuer) = (Folder::new(), Issuer::generate());
        let settings = settings(&database, &kafka, &folder, &issuer);
        topics::ensure(&settings.kafka, &service::topics::<Notebook>(&settings.kafka.topics)).await.unwrap();
        let lifecycle = Lifecycle::new();
        let address = start(&settings, &lifecycle).await.unwrap();
        let (kafka, channel) = (settings.kafka, endpoint(address).connect_lazy());
        Served { database, kafka, issuer, channel, lifecycle, _folder: folder }
    }

    fn token(&self, operator: &str, role: &str) -> String {
        self.issuer.sign(&Claims::of(operator, &[role]).within(&[BRANCH]))
    }

    async fn call(&self, operator: &str, path: &str, request: &NoteRequest) -> Result<NoteResponse, Status> {
        let token = self.token(operator, "maker");
        call(&self.channel, path, Some(&token), request).await.map(tonic::Response::into_inner)
    }

    async fn approve(&self, name: String) {
        let bearer = Bearer(self.token("S1", "checker"));
        let mut approvals = ApprovalServiceClient::with_interceptor(self.channel.clone(), bearer);
        approvals.approve_request(ApproveRequestRequest { name }).await.unwrap();
    }

    fn pool(&self) -> &PgPool {
        &self.database.dml
    }

    /// The facts on the topic of notes, as soon as there are so many.
    async fn facts(&self, count: usize) -> Vec<Record> {
        let kafka = self.kafka.clone();
        tokio::task::spawn_blocking(move || read(&kafka, NOTES, count)).await.unwrap()
    }
}

fn settings(
    database: &TestDatabase,
    kafka: &testkit::TestKafka,
    folder: &Folder,
    issuer: &Issuer,
) -> Settings<Own> {
    let jwks_file = folder.path().join("jwks.json");
    issuer.write_jwks(&jwks_file).unwrap();
    let settings = notebook::settings(
        None,
        &[
            ("DATABASE__URL", &database.dml_url),
            ("KAFKA__BROKERS", kafka.brokers()),
            ("KAFKA__TOPIC_PREFIX", kafka.prefix()),
            ("KAFKA__TOPICS__PARTITIONS", "4"),
            ("RPC__LISTEN", "127.0.0.1:0"),
            ("AUTH__JWKS_FILE", jwks_file.to_str().unwrap()),
            ("AUTH__ISSUER", testkit::keys::ISSUER),
            ("AUTH__AUDIENCE", testkit::keys::AUDIENCE),
        ],
    )
    .unwrap();
    settings.check().unwrap();
    settings
}

async fn start(settings: &Settings<Own>, lifecycle: &Lifecycle) -> anyhow::Result<std::net::SocketAddr> {
    service::start::<Notebook>(settings, Arc::new(SystemClock), Arc::new(UuidV7Ids), lifecycle).await
}

#[tokio::test]
async fn a_change_is_answered_once_published_and_sealed_in_the_audit() {
    let notebook = Served::start().await;
    let request = note("door", "open");
    let first = notebook.call("T1", WRITE, &request).await.unwrap();
    assert_eq!(notebook.call("T1", WRITE, &request).await.unwrap(), first);
    for (operator, path, request) in [
        ("T1", WRITE, NoteRequest { text: "shut".to_owned(), ..request.clone() }),
        ("T2", WRITE, request.clone()),
        ("T1", EXTEND, request.clone()),
    ] {
        let reused = notebook.call(operator, path, &request).await.unwrap_err();
        assert_eq!(reason(&reused), "REQUEST_ID_REUSED", "{operator} {path}");
    }
    let validated = NoteRequest { validate_only: true, ..note("door", "shut") };
    assert_eq!(notebook.call("T1", WRITE, &validated).await.unwrap().before, "open");
    assert_eq!(
        reason(&notebook.call("T1", WRITE, &note("door", FORBIDDEN)).await.unwrap_err()),
        "FIELD_INVALID"
    );
    assert_eq!(notebook.call("T1", GET, &note("door", "")).await.unwrap().after, "open");

    assert_eq!(Traces::of(notebook.pool()).await, Traces { refused: 4, ..Traces::of_changes(1) });
    let fact = &notebook.facts(1).await[0];
    assert_eq!((fact.source.as_str(), fact.fact.key.as_str()), ("/countinghouse/test", "door"));
    assert_eq!(fact.fact.actor, "T1");
    sealed_reach(notebook.pool(), 5).await;
    assert_eq!(audit::verify(notebook.pool()).await.unwrap().records, 5);

    notebook.lifecycle.stop();
    assert_eq!(notebook.lifecycle.run_until(std::future::pending(), BOUND).await, Ending::Drained);
}

#[tokio::test]
async fn what_a_second_person_agrees_to_is_done_once_and_in_both_names() {
    let notebook = Served::start().await;
    let long = "a text that needs a second person";
    for (changes, path, text) in [(1, REPLACE, "open"), (2, EXTEND, long)] {
        let request = note("door", text);
        let waits = notebook.call("T1", path, &request).await.unwrap_err();
        assert_eq!(reason(&waits), "APPROVAL_REQUIRED");
        let left = Traces::of(notebook.pool()).await;
        assert_eq!((left.effects, left.facts, left.answers), (changes - 1, changes - 1, changes - 1));
        assert_eq!(
            notebook.call("T1", path, &request).await.map_err(|again| reason(&again)),
            Err("APPROVAL_REQUIRED".to_owned())
        );

        notebook.approve(metadata(&waits, "approval")).await;
        let answer = notebook.call("T1", path, &request).await.unwrap();
        assert_eq!((answer.writer.as_str(), answer.approver.as_str()), ("T1", "S1"));
        let left = Traces::of(notebook.pool()).await;
        assert_eq!((left.effects, left.facts, left.answers), (changes, changes, changes));
        let both: (String, Option<String>) =
            sqlx::query_as("SELECT actor, approver FROM platform.audit_record WHERE request_id = $1 AND resource = 'notes/door'")
                .bind(request.request_id.parse::<uuid::Uuid>().unwrap())
                .fetch_one(notebook.pool())
                .await
                .unwrap();
        assert_eq!(both, ("T1".to_owned(), Some("S1".to_owned())));
    }
}

#[tokio::test]
async fn a_service_does_not_start_while_migrations_are_pending() {
    let (database, kafka) = tokio::join!(testkit::database(&MIGRATOR), testkit::kafka());
    let (folder, issuer) = (Folder::new(), Issuer::generate());
    let settings = settings(&database, &kafka, &folder, &issuer);
    let error = start(&settings, &Lifecycle::new()).await.unwrap_err().to_string();
    assert_eq!(error, "run `test migrate` first: these migrations have not run: 1001 notes");
    db::migrate(&database.owner, &service::migrator::<Notebook>()).await.unwrap();
    let lifecycle = Lifecycle::new();
    start(&settings, &lifecycle).await.unwrap();
    lifecycle.stop();
    assert_eq!(lifecycle.run_until(std::future::pending(), BOUND).await, Ending::Drained);
}

#[test]
fn a_service_publishes_to_the_topics_of_its_name() {
    let settings = notebook::settings(None, &[]).unwrap().kafka.topics;
    let topics = service::topics::<Notebook>(&settings);
    assert_eq!(topics, [settings.topic(NOTES, false)]);
    assert_eq!(Notebook::NAME, "test");
}

//! Changes by command: whole or not at all, once, and whatever gets in the way.

use std::sync::{
    Arc,
    atomic::{AtomicU32, Ordering},
};

use chrono::{DateTime, Utc};
use platform::{
    call::Call,
    clock::{Clock, ManualClock},
    command::{Commands, Tx, UseCase},
    idempotency::{self, Claim},
    refusal::Failure,
    service::{self, Service},
};
use prost::Message;
use serde_json::{Value, json};
use sqlx::{PgPool, postgres::PgPoolOptions};
use testkit::{TestDatabase, wait_for};
use tokio::task::JoinSet;
use uuid::Uuid;

use crate::support::{
    bench::{BOUND, NOTES, now},
    notebook::{Notebook, Traces, WriteNote, call, operator},
    notes::{EXTEND, FORBIDDEN, NoteRequest, NoteResponse, REPLACE, WRITE},
    server::{BRANCH, dependencies, note},
};

const REPEATS: u32 = 64;

/// The commands of a notebook, and the database and the clock that they stand on.
pub struct Desk {
    pub database: TestDatabase,
    pub clock: Arc<ManualClock>,
    commands: Commands,
}

impl Desk {
    pub async fn open() -> Desk {
        let database = testkit::database(&service::migrator::<Notebook>()).await;
        let clock = Arc::new(ManualClock::new(now()));
        let commands = commands(database.dml.clone(), &clock);
        Desk { database, clock, commands }
    }

    /// Writes a note by the rpc of that path.
    pub async fn write(&self, path: &str, request: &NoteRequest) -> Result<NoteResponse, Failure> {
        self.run(&call(path, request), &WriteNote::from(request)).await
    }

    pub async fn run(
        &self,
        call: &Call,
        use_case: &impl UseCase<Answer = NoteResponse>,
    ) -> Result<NoteResponse, Failure> {
        self.commands.run(call, use_case, std::convert::identity).await
    }

    pub async fn traces(&self) -> Traces {
        Traces::of(&self.database.dml).await
    }
}

pub fn commands(pool: PgPool, clock: &Arc<ManualClock>) -> Commands {
    Commands::new(dependencies(pool, clock.clone()), Notebook::contract())
}

/// A use case that counts how often it runs.
pub struct Counted<U> {
    inner: U,
    runs: AtomicU32,
}

impl<U> Counted<U> {
    pub fn new(inner: U) -> Counted<U> {
        Counted { inner, runs: AtomicU32::new(0) }
    }

    pub fn runs(&self) -> u32 {
        self.runs.load(Ordering::SeqCst)
    }
}

impl<U: UseCase> UseCase for Counted<U> {
    type Answer = U::Answer;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<U::Answer, Failure> {
        self.runs.fetch_add(1, Ordering::SeqCst);
        self.inner.run(tx).await
    }
}

/// The reason for which it was refused.
fn refused<T>(outcome: Result<T, Failure>) -> &'static str {
    let failure = outcome.err().expect("a failure");
    failure.refusal().unwrap_or_else(|| panic!("no refusal: {failure:?}")).reason().name
}

#[derive(Debug, PartialEq, sqlx::FromRow)]
struct KeptFact {
    topic: String,
    kind: String,
    key: String,
    at: DateTime<Utc>,
    actor: String,
    correlation_id: Uuid,
    traceparent: Option<String>,
    payload: Vec<u8>,
}

#[derive(Debug, PartialEq, sqlx::FromRow)]
struct KeptRecord {
    at: DateTime<Utc>,
    actor: String,
    approver: Option<String>,
    method: String,
    resource: String,
    scope: String,
    reason: Option<String>,
    request_id: Option<Uuid>,
    correlation_id: Uuid,
    detail: Value,
}

async fn records(pool: &PgPool) -> Vec<KeptRecord> {
    sqlx::query_as("SELECT * FROM platform.audit_record ORDER BY position").fetch_all(pool).await.unwrap()
}

#[tokio::test]
async fn effect_fact_audit_record_and_answer_are_one_commit() {
    let desk = Desk::open().await;
    let pool = &desk.database.dml;
    let request = note("door", "open");
    let mut call = call(WRITE, &request);
    call.caller.approver = Some(operator("S1"));
    let answer = desk.run(&call, &WriteNote::from(&request)).await.unwrap();
    assert_eq!((answer.before.as_str(), answer.after.as_str()), ("", "open"));

    let commits: Vec<String> = sqlx::query_scalar(
        "SELECT xmin::text FROM note UNION ALL SELECT xmin::text FROM platform.outbox
         UNION ALL SELECT xmin::text FROM platform.audit_record UNION ALL SELECT xmin::text FROM platform.request",
    )
    .fetch_all(pool)
    .await
    .unwrap();
    assert_eq!(commits, vec![commits[0].clone(); 4]);

    let fact: KeptFact = sqlx::query_as("SELECT * FROM platform.outbox").fetch_one(pool).await.unwrap();
    let payload: Value = serde_json::from_slice(&fact.payload).unwrap();
    assert_eq!(payload, json!({ "name": "door", "text": "open", "version": 1 }));
    let expected = KeptFact {
        topic: NOTES.to_owned(),
        kind: format!("{NOTES}.NoteWritten"),
        key: "door".to_owned(),
        at: desk.clock.now(),
        actor: "T1".to_owned(),
        correlation_id: call.caller.correlation_id,
        traceparent: call.caller.traceparent.clone(),
        payload: fact.payload.clone(),
    };
    assert_eq!(fact, expected);
    let expected = KeptRecord {
        at: desk.clock.now(),
        actor: "T1".to_owned(),
        approver: Some("S1".to_owned()),
        method: "countinghouse.test.v1.NoteService/WriteNote".to_owned(),
        resource: "notes/door".to_owned(),
        scope: BRANCH.to_owned(),
        reason: None,
        request_id: call.request_id,
        correlation_id: call.caller.correlation_id,
        detail: json!({ "before": null, "after": "open" }),
    };
    assert_eq!(records(pool).await, [expected]);
    let kept: (Uuid, String, Vec<u8>, Vec<u8>) =
        sqlx::query_as("SELECT request_id, method, digest, response FROM platform.request")
            .fetch_one(pool)
            .await
            .unwrap();
    let method = call.method().to_owned();
    assert_eq!(kept, (call.request_id.unwrap(), method, call.digest.to_vec(), answer.encode_to_vec()));
}

#[tokio::test]
async fn a_repeat_gets_the_first_answer_and_has_no_effect() {
    let desk = Desk::open().await;
    let request = note("door", "open");
    let first = desk.write(WRITE, &request).await.unwrap();
    desk.write(WRITE, &note("door", "shut")).await.unwrap();
    assert_eq!(desk.write(WRITE, &request).await.unwrap(), first);
    assert_eq!(desk.traces().await, Traces::of_changes(2));
    let text: String =
        sqlx::query_scalar("SELECT text FROM note").fetch_one(&desk.database.dml).await.unwrap();
    assert_eq!(text, "shut");
}

#[tokio::test]
async fn of_many_repeats_at_once_one_runs_and_all_get_its_answer() {
    let desk = Desk::open().await;
    let pool = PgPoolOptions::new().max_connections(REPEATS).acquire_timeout(BOUND);
    let pool = pool.connect(&desk.database.dml_url).await.unwrap();
    let commands = commands(pool, &desk.clock);
    let request = note("door", "open");
    let call = call(WRITE, &request);
    // Something of the same id is in hand, so that all repeats stand at the unique key together before one of them runs.
    let mut in_hand = desk.database.owner.begin().await.unwrap();
    let id = call.request_id.unwrap();
    let claim = idempotency::claim(&mut in_hand, id, call.method(), &call.digest, now()).await.unwrap();
    assert_eq!(claim, Claim::New);
    let use_case = Arc::new(Counted::new(WriteNote::from(&request)));
    let mut repeats = JoinSet::new();
    for _ in 0..REPEATS {
        let (commands, call, use_case) = (commands.clone(), call.clone(), use_case.clone());
        repeats.spawn(async move { commands.run(&call, &*use_case, std::convert::identity).await });
    }
    wait_for(BOUND, "all repeats to stand at the key", || async {
        let waiting: i64 = sqlx::query_scalar(
            "SELECT count(*) FROM pg_locks WHERE locktype = 'transactionid' AND NOT granted
               AND pid IN (SELECT pid FROM pg_stat_activity WHERE datname = current_database())",
        )
        .fetch_one(&desk.database.dml)
        .await
        .ok()?;
        (waiting == i64::from(REPEATS)).then_some(())
    })
    .await;
    in_hand.rollback().await.unwrap();

    let answers: Vec<NoteResponse> = repeats.join_all().await.into_iter().map(Result::unwrap).collect();
    assert!(answers.iter().all(|answer| *answer == answers[0] && answer.after == "open"), "{answers:?}");
    assert_eq!((use_case.runs(), desk.traces().await), (1, Traces::of_changes(1)));
}

#[tokio::test]
async fn another_request_under_the_id_is_refused() {
    let desk = Desk::open().await;
    let request = note("door", "open");
    desk.write(WRITE, &request).await.unwrap();
    let other_content = NoteRequest { text: "shut".to_owned(), ..request.clone() };
    assert_eq!(refused(desk.write(WRITE, &other_content).await), "REQUEST_ID_REUSED");
    let other_method = call(REPLACE, &request);
    assert_eq!(other_method.digest, call(WRITE, &request).digest, "the method tells them apart by itself");
    assert_eq!(refused(desk.run(&other_method, &WriteNote::from(&request)).await), "REQUEST_ID_REUSED");
    assert_eq!(desk.traces().await, Traces { refused: 2, ..Traces::of_changes(1) });
}

#[tokio::test]
async fn what_only_shows_what_it_would_do_leaves_nothing() {
    let desk = Desk::open().await;
    let request = note("door", "open");
    for path in [WRITE, REPLACE, EXTEND] {
        let validated = NoteRequest { validate_only: true, ..request.clone() };
        let mut preview = call(path, &request);
        preview.caller.preview = true;
        for call in [call(path, &validated), preview] {
            let answer = desk.run(&call, &WriteNote::from(&request)).await.unwrap();
            assert_eq!((answer.before.as_str(), answer.after.as_str()), ("", "open"));
            let forbidden = WriteNote { text: FORBIDDEN.to_owned(), ..WriteNote::from(&request) };
            assert_eq!(refused(desk.run(&call, &forbidden).await), "FIELD_INVALID");
        }
    }
    assert_eq!(desk.traces().await, Traces::default());

    // Under the id of what was done it still shows what it would do now, and not the answer that is kept.
    desk.write(WRITE, &request).await.unwrap();
    let mut preview = call(WRITE, &request);
    preview.caller.preview = true;
    assert_eq!(desk.run(&preview, &WriteNote::from(&request)).await.unwrap().before, "open");
    assert_eq!(desk.traces().await, Traces::of_changes(1));
}

#[tokio::test]
async fn a_refusal_leaves_its_audit_record_and_is_decided_again() {
    let desk = Desk::open().await;
    let request = note("door", FORBIDDEN);
    let use_case = Counted::new(WriteNote::from(&request));
    let call = call(WRITE, &request);
    assert_eq!(refused(desk.run(&call, &use_case).await), "FIELD_INVALID");
    assert_eq!(use_case.runs(), 1, "a refusal is an answer");
    assert_eq!(desk.traces().await, Traces { refused: 1, ..Traces::default() });
    let expected = KeptRecord {
        at: desk.clock.now(),
        actor: "T1".to_owned(),
        approver: None,
        method: "countinghouse.test.v1.NoteService/WriteNote".to_owned(),
        resource: String::new(),
        scope: BRANCH.to_owned(),
        reason: Some("FIELD_INVALID".to_owned()),
        request_id: call.request_id,
        correlation_id: call.caller.correlation_id,
        detail: json!({ "field": "text", "message": "no" }),
    };
    assert_eq!(records(&desk.database.dml).await, [expected]);

    // What was in the way is gone: the same request is done.
    let allowed = WriteNote { text: "open".to_owned(), ..WriteNote::from(&request) };
    desk.run(&call, &allowed).await.unwrap();
    assert_eq!(desk.traces().await, Traces { refused: 1, ..Traces::of_changes(1) });
}

#[tokio::test]
async fn what_waits_for_a_second_person_leaves_nothing_until_that_person_agrees() {
    let desk = Desk::open().await;
    let request = note("story", "a text that needs a second person");
    let mut call = call(EXTEND, &request);
    assert_eq!(refused(desk.run(&call, &WriteNote::from(&request)).await), "APPROVAL_REQUIRED");
    assert_eq!(desk.traces().await, Traces::default());
    call.caller.approver = Some(operator("S1"));
    assert_eq!(desk.run(&call, &WriteNote::from(&request)).await.unwrap().approver, "S1");
    assert_eq!(desk.traces().await, Traces::of_changes(1));
}

#[tokio::test]
async fn a_fact_that_cannot_be_made_undoes_the_change() {
    let desk = Desk::open().await;
    let fault = desk.write(WRITE, &note("", "a note without a name has no key")).await.unwrap_err();
    assert!(fault.refusal().is_none(), "a fault of ours: {fault:?}");
    assert_eq!(desk.traces().await, Traces::default());
}

#[tokio::test]
async fn a_change_without_a_request_id_is_a_fault_and_not_lost_in_silence() {
    let desk = Desk::open().await;
    let request = note("door", "open");
    let anonymous = Call { request_id: None, ..call(WRITE, &request) };
    let fault = desk.run(&anonymous, &WriteNote::from(&request)).await.unwrap_err();
    assert!(fault.refusal().is_none(), "a fault of ours: {fault:?}");
    assert_eq!(desk.traces().await, Traces::default());
}

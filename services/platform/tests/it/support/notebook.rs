//! A notebook: notes in Postgres, written by commands. A whole service, with settings and migrations of its own.

use std::{
    collections::BTreeMap,
    path::Path,
    sync::{Arc, LazyLock},
};

use platform::{
    auth::{Actor, ActorKind, Scopes},
    call::{Call, Caller, Policies},
    command::{Commands, Tx, UseCase},
    config::ConfigError,
    facts::Contract,
    refusal::{Failure, reasons},
    service::{Bounds, Host, NoCommand, Ran, Service, SettingInvalid, Settings},
};
use prost::Message;
use prost_reflect::DescriptorPool;
use serde::Deserialize;
use serde_json::json;
use sqlx::{PgPool, migrate::Migrator};
use tonic::Status;
use uuid::Uuid;

use super::{
    bench::SERVICE,
    notes::{
        FORBIDDEN, HandleNote, NOTE_SERVICE, NoteRequest, NoteResponse, NoteRpcs, NoteWritten, answer,
        check_length, contract,
    },
    server::fresh,
};

/// The service.
#[derive(Debug)]
pub struct Notebook;

/// Its own settings.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Own {
    pub notes: NotesConfig,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NotesConfig {
    pub title: String,
    pub pages_max: u32,
    pub ratio: f64,
    pub strict: bool,
}

impl Service for Notebook {
    const NAME: &'static str = SERVICE;
    const VERSION: &'static str = "1.2.3";
    const DEFAULTS: &'static str = r#"
        [notes]
        title = "default"
        pages_max = 10
        ratio = 0.5
        strict = false
        [auth.roles]
        maker = ["test.notes.read", "test.notes.write", "approval.approvals.read"]
        checker = ["test.notes.check", "approval.*"]
        [auth.services]
        settlement = ["test.notes.read"]
        [lifecycle]
        drain_max_ms = 20000
    "#;
    type Settings = Own;
    type Command = NoCommand;

    fn descriptors() -> &'static DescriptorPool {
        contract()
    }

    fn contract() -> &'static Contract {
        static FACTS: LazyLock<Contract> = LazyLock::new(|| Contract::of(contract()).unwrap());
        &FACTS
    }

    fn migrations() -> &'static Migrator {
        static MIGRATIONS: Migrator = sqlx::migrate!("./tests/it/migrations");
        &MIGRATIONS
    }

    fn check(settings: &Settings<Own>) -> Result<(), SettingInvalid> {
        Bounds::at_most("notes.pages_max", settings.own.notes.pages_max.into(), 1_000)
    }

    async fn assemble(host: &mut Host<Self>) -> anyhow::Result<()> {
        let (commands, pool) = (host.commands(), host.pool().clone());
        host.serve(NoteRpcs(Api { commands, pool }));
        Ok(())
    }

    async fn run(command: NoCommand, _: &Settings<Own>) -> anyhow::Result<Ran> {
        command.run()
    }
}

/// Its settings, with these variables of the environment by the part of their names that follows the service's.
pub fn settings(file: Option<&Path>, variables: &[(&str, &str)]) -> Result<Settings<Own>, ConfigError> {
    let named = |(key, value): &(&str, &str)| (format!("COUNTINGHOUSE_TEST__{key}"), (*value).to_owned());
    let variables: BTreeMap<String, String> = variables.iter().map(named).collect();
    Settings::load_with::<Notebook>(file, Some(variables))
}

/// Its rpcs.
#[derive(Clone)]
struct Api {
    commands: Commands,
    pool: PgPool,
}

impl HandleNote for Api {
    async fn handle(&self, call: Call, request: NoteRequest) -> Result<NoteResponse, Status> {
        let done = if call.policy.only_reads {
            read(&self.pool, &call, &request.name).await
        } else {
            self.commands.run(&call, &WriteNote::from(&request), std::convert::identity).await
        };
        done.map_err(|failure| failure.into_status(call.caller.correlation_id))
    }
}

async fn read(pool: &PgPool, call: &Call, name: &str) -> Result<NoteResponse, Failure> {
    let text: Option<String> =
        sqlx::query_scalar("SELECT text FROM note WHERE name = $1").bind(name).fetch_optional(pool).await?;
    let text = text.ok_or_else(|| reasons::NOT_FOUND.refuse("no such note"))?;
    Ok(answer(call, text.clone(), text))
}

/// Writes a note.
#[derive(Clone, Debug)]
pub struct WriteNote {
    pub name: String,
    pub text: String,
}

impl From<&NoteRequest> for WriteNote {
    fn from(request: &NoteRequest) -> WriteNote {
        WriteNote { name: request.name.clone(), text: request.text.clone() }
    }
}

impl UseCase for WriteNote {
    type Answer = NoteResponse;

    /// What is refused is refused last, so that everything is there to be rolled back.
    async fn run(&self, tx: &mut Tx<'_>) -> Result<NoteResponse, Failure> {
        let Self { name, text } = self.clone();
        let before: Option<String> = sqlx::query_scalar("SELECT text FROM note WHERE name = $1 FOR UPDATE")
            .bind(&name)
            .fetch_optional(tx.conn())
            .await?;
        let version: i32 = sqlx::query_scalar(
            "INSERT INTO note (name, text, version) VALUES ($1, $2, 1)
             ON CONFLICT ON CONSTRAINT note_pk DO UPDATE SET text = excluded.text, version = note.version + 1
             RETURNING version",
        )
        .bind(&name)
        .bind(&text)
        .fetch_one(tx.conn())
        .await?;
        tx.audit(format!("notes/{name}"), json!({ "before": before, "after": text }));
        tx.publish(&NoteWritten { name, text: text.clone(), version })?;
        if text == FORBIDDEN {
            return Err(reasons::FIELD_INVALID.refuse("no").field("text", "must be allowed").into());
        }
        check_length(tx.call(), &text)?;
        Ok(answer(tx.call(), before.unwrap_or_default(), text))
    }
}

/// A call as the gate hands it over.
pub fn call(path: &str, request: &NoteRequest) -> Call {
    static POLICIES: LazyLock<Policies> =
        LazyLock::new(|| Policies::from_descriptors(contract(), &[NOTE_SERVICE]).unwrap());
    let bytes = request.encode_to_vec();
    Call {
        policy: POLICIES.get(path).expect("an rpc of notes").clone(),
        caller: Caller {
            actor: operator("T1"),
            approver: None,
            preview: false,
            correlation_id: fresh(),
            traceparent: Some("00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01".to_owned()),
        },
        scope: request.branch.as_str().into(),
        checking_scope: request.branch.as_str().into(),
        request_id: Uuid::try_parse(&request.request_id).ok(),
        validate_only: request.validate_only,
        digest: blake3::hash(&bytes).into(),
        bytes: bytes.len(),
    }
}

pub fn operator(id: &str) -> Arc<Actor> {
    Arc::new(Actor {
        id: id.to_owned(),
        kind: ActorKind::Operator,
        scopes: Scopes::All,
        roles: Vec::new(),
        permissions: Vec::new(),
    })
}

/// What a database holds of all that was done: counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, sqlx::FromRow)]
pub struct Traces {
    /// How often notes were written.
    pub effects: i64,
    pub facts: i64,
    /// Audit records of what was done.
    pub done: i64,
    /// Audit records of what was refused.
    pub refused: i64,
    /// Requests with their answers.
    pub answers: i64,
}

impl Traces {
    /// What so many changes leave, none of them refused.
    pub fn of_changes(count: i64) -> Traces {
        Traces { effects: count, facts: count, done: count, answers: count, refused: 0 }
    }

    pub async fn of(pool: &PgPool) -> Traces {
        sqlx::query_as(
            "SELECT (SELECT coalesce(sum(version), 0) FROM note) AS effects,
                    (SELECT count(*) FROM platform.outbox) AS facts,
                    (SELECT count(*) FROM platform.audit_record WHERE outcome = 'done') AS done,
                    (SELECT count(*) FROM platform.audit_record WHERE outcome = 'refused') AS refused,
                    (SELECT count(*) FROM platform.request) AS answers",
        )
        .fetch_one(pool)
        .await
        .unwrap()
    }
}

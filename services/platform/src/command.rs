//! The one way a change is made.
//!
//! A [`UseCase`] says what happens; [`Commands::run`] does all that is the same for every change, in one transaction:
//!
//! | step | what it does |
//! |---|---|
//! | claim | the request id, in [`idempotency`]; a repeat gets the first answer, another request under the id is refused |
//! | run | the use case: load and lock, one call of the domain, save, publish |
//! | keep | its facts in the [`outbox`], its record in the [`audit`], its answer with the request |
//! | commit | all of it, or nothing |
//!
//! A preview and a request with `validate_only` claim nothing and are rolled back. When Postgres ends the transaction because of
//! others it runs again, a bounded number of times. A refusal rolls the transaction back and is audited in one of its own; one that
//! waits for a second person is audited by [`approval`](crate::approval), which stores it.
//!
//! ```ignore
//! impl UseCase for OpenDrawer {
//!     type Answer = Drawer;
//!
//!     async fn run(&self, tx: &mut Tx<'_>) -> Result<Drawer, Failure> {
//!         let branch = store::drawers::lock(tx.conn(), &self.branch).await?;
//!         let drawer = branch.open_drawer(self)?;
//!         store::drawers::insert(tx.conn(), &drawer).await?;
//!         tx.publish(&events::drawer_opened(&drawer))?;
//!         tx.audit(drawer.name(), json!({ "after": drawer }));
//!         Ok(drawer)
//!     }
//! }
//! ```

use chrono::{DateTime, Utc};
use prost::{Message, Name};
use serde::Serialize;
use serde_json::{Value, json};
use sqlx::PgConnection;
use tonic::{Request, Response, Status};
use uuid::Uuid;

use crate::{
    Dependencies,
    audit::{self, AuditRecord, Outcome},
    call::Call,
    db::Retries,
    facts::{Contract, Fact, FactMetadata},
    idempotency::{self, Claim},
    ids::SharedIds,
    outbox,
    refusal::{Failure, Refusal, reasons},
};

/// What a change does, within a transaction that [`Commands`] begins and ends. It may run several times, each time in a new
/// transaction, and takes effect once.
pub trait UseCase: Sync {
    type Answer: Send;

    /// Loads and locks what it changes, calls the domain for the decision, saves, and publishes.
    fn run(&self, tx: &mut Tx<'_>) -> impl Future<Output = Result<Self::Answer, Failure>> + Send;
}

/// What a use case may use.
pub struct Tx<'t> {
    conn: &'t mut PgConnection,
    call: &'t Call,
    contract: &'static Contract,
    ids: &'t SharedIds,
    now: DateTime<Utc>,
    facts: Vec<Fact>,
    resource: String,
    detail: Value,
}

impl Tx<'_> {
    /// The connection of the transaction.
    pub fn conn(&mut self) -> &mut PgConnection {
        self.conn
    }

    /// The call that requests the change.
    pub fn call(&self) -> &Call {
        self.call
    }

    /// The time of the change: the same for everything in it.
    pub fn now(&self) -> DateTime<Utc> {
        self.now
    }

    /// A new unique id.
    pub fn new_id(&self) -> Uuid {
        self.ids.next()
    }

    /// Publishes a fact when the transaction commits. Facts of one key keep the order of their changes as long as each change locks
    /// what the key names.
    pub fn publish<M: Name + Serialize>(&mut self, message: &M) -> Result<(), Failure> {
        let metadata = FactMetadata {
            id: self.ids.next(),
            time: self.now,
            actor: self.call.caller.actor.id.clone(),
            correlation_id: self.call.caller.correlation_id,
            traceparent: self.call.caller.traceparent.clone(),
        };
        self.facts.push(self.contract.fact(message, metadata).map_err(Failure::fault)?);
        Ok(())
    }

    /// Records in the audit what was changed, by its resource name, and how: before and after.
    pub fn audit(&mut self, resource: impl Into<String>, detail: Value) {
        self.resource = resource.into();
        self.detail = detail;
    }
}

/// Makes the changes of a service.
#[derive(Clone)]
pub struct Commands {
    dependencies: Dependencies,
    contract: &'static Contract,
}

/// How one try ended.
enum Tried<A> {
    Done(A),
    /// A repeat, with the first answer as it was encoded.
    Repeated(Vec<u8>),
}

impl Commands {
    /// Facts are published as `contract` says.
    pub fn new(dependencies: Dependencies, contract: &'static Contract) -> Self {
        Self { dependencies, contract }
    }

    /// Runs a use case for a call, and answers with what `to_proto` makes of its answer, or with the first answer of a repeat.
    pub async fn run<U: UseCase, R: Message + Default>(
        &self,
        call: &Call,
        use_case: &U,
        to_proto: impl Fn(U::Answer) -> R + Sync,
    ) -> Result<R, Failure> {
        let mut retries = Retries::default();
        let ended = loop {
            match self.attempt(call, use_case, &to_proto).await {
                Err(failure) if retries.may_repeat(&failure) => retries.wait().await,
                ended => break ended,
            }
        };
        match ended {
            Ok(Tried::Done(response)) => Ok(response),
            Ok(Tried::Repeated(response)) => R::decode(response.as_slice()).map_err(Failure::fault),
            Err(failure) => {
                if let Some(refusal) = failure.refusal().filter(|refusal| is_audited(call, refusal)) {
                    self.audit_refusal(call, refusal).await?;
                }
                Err(failure)
            }
        }
    }

    /// The same for a request: `from_proto` makes the use case of it, or says which field is wrong.
    pub async fn handle<M, U: UseCase, R: Message + Default>(
        &self,
        request: Request<M>,
        from_proto: impl FnOnce(M) -> Result<U, Refusal>,
        to_proto: impl Fn(U::Answer) -> R + Sync,
    ) -> Result<Response<R>, Status> {
        let call = Call::of(&request)?;
        let done = match from_proto(request.into_inner()) {
            Ok(use_case) => self.run(&call, &use_case, to_proto).await,
            Err(refusal) => Err(refusal.into()),
        };
        done.map(Response::new).map_err(|failure| failure.into_status(call.caller.correlation_id))
    }

    /// One transaction, which is rolled back when it is dropped before its commit.
    async fn attempt<U: UseCase, R: Message>(
        &self,
        call: &Call,
        use_case: &U,
        to_proto: &(impl Fn(U::Answer) -> R + Sync),
    ) -> Result<Tried<R>, Failure> {
        let Dependencies { pool, clock, ids, .. } = &self.dependencies;
        let now = clock.now();
        let claimed = to_claim(call)?;
        let mut transaction = pool.begin().await?;
        if let Some(id) = claimed
            && let Claim::Answered(response) =
                idempotency::claim(&mut transaction, id, call.method(), &call.digest, now).await?
        {
            return Ok(Tried::Repeated(response));
        }
        let mut tx = Tx {
            conn: &mut transaction,
            call,
            contract: self.contract,
            ids,
            now,
            facts: Vec::new(),
            resource: String::new(),
            detail: Value::Null,
        };
        let answer = use_case.run(&mut tx).await?;
        let Tx { facts, resource, detail, .. } = tx;
        let response = to_proto(answer);
        let Some(request_id) = claimed else { return Ok(Tried::Done(response)) };
        outbox::append(&mut transaction, &facts).await.map_err(Failure::fault)?;
        audit::append(&mut transaction, &[record(call, now, resource, Outcome::Done, detail)]).await?;
        idempotency::keep(&mut transaction, request_id, &response.encode_to_vec()).await?;
        transaction.commit().await?;
        Ok(Tried::Done(response))
    }

    /// The refused transaction was rolled back, so the audit record has its own.
    async fn audit_refusal(&self, call: &Call, refusal: &Refusal) -> Result<(), Failure> {
        let field = refusal.field_violations().first().map(|violation| &violation.field);
        let detail = json!({ "field": field, "message": refusal.message() });
        let outcome = Outcome::Refused { reason: refusal.reason().name.to_owned() };
        let record = record(call, self.dependencies.clock.now(), String::new(), outcome, detail);
        let mut conn = self.dependencies.pool.acquire().await?;
        Ok(audit::append(&mut conn, &[record]).await?)
    }
}

/// The request id that a change claims; none for a dry run.
fn to_claim(call: &Call) -> Result<Option<Uuid>, Failure> {
    if call.is_dry_run() {
        return Ok(None);
    }
    let missing = || Failure::fault(RequestIdMissing { method: call.method().to_owned() });
    call.request_id.ok_or_else(missing).map(Some)
}

/// A change was to be made by an rpc whose requests have no `request_id`. It would be rolled back, and answered as if it were done.
#[derive(Debug, thiserror::Error)]
#[error("a change is made by {method}, whose requests have no request_id")]
struct RequestIdMissing {
    method: String,
}

/// A dry run is not audited, and a request that waits for a second person is audited with its approval.
fn is_audited(call: &Call, refusal: &Refusal) -> bool {
    !call.is_dry_run() && !refusal.is(&reasons::APPROVAL_REQUIRED)
}

fn record(call: &Call, at: DateTime<Utc>, resource: String, outcome: Outcome, detail: Value) -> AuditRecord {
    AuditRecord {
        at,
        actor: call.caller.actor.id.clone(),
        approver: call.caller.approver.as_ref().map(|approver| approver.id.clone()),
        method: call.method().to_owned(),
        resource,
        scope: call.scope.to_string(),
        outcome,
        request_id: call.request_id,
        correlation_id: call.caller.correlation_id,
        detail,
    }
}

//! The audit: who did what, when, to what, with whose approval, and how it ended.
//!
//! A use case [`append`]s its records in its own transaction, so that what was done and its record are there together or not
//! at all. A refusal is recorded too, in a transaction that does commit. Records are never changed or deleted: the service's
//! role has no such grant.
//!
//! **The chain.** Within a second the [`Sealer`] seals what has been committed. A seal has a number, lists its records, and
//! holds the BLAKE3 hash over all their fields and the hash of the seal before: whoever changes, deletes or inserts a record
//! afterwards breaks the chain there, and [`verify`] names the place. Chaining in the transactions themselves would make each
//! wait for the one before; so records commit in any order, and one that commits late goes into the next seal.
//!
//! **What is not sealed yet** is known without an update of records: `append` also inserts the position of each
//! into `audit_waiting`, and sealing deletes it, in one transaction. That table holds a second's worth of rows. A record that
//! neither waits nor is in a seal was not appended here, or its seal is gone: `verify` finds it.
//!
//! **A chain alone cannot show** that its end was cut off, records and all, or rewritten from some seal on, or
//! that a record vanished in the second before it was sealed. To detect the first two, the sealer logs the [`Head`] of the chain
//! as it grows, and [`verify_noted`] checks that a head which was noted outside of the database is still in the chain. All
//! three are possible only for the owner of the tables, and no service runs as that role.
//!
//! **Retention.** Records are kept for years ([`Retention::audit_days`](crate::retention::Retention)), and then are deleted in whole
//! seals from the start of the chain ([`retire`]); `audit_origin` keeps the number and the hash of the last one, on which the
//! first that is kept follows, so the rest verifies as before. That is why the table has no partitions by month: a seal at the
//! turn of a month would lose half of its records, and a record that commits late would need a month that is gone. The
//! database itself refuses to retire anything younger than a year. Archive them first: a seal with its records is all that a later
//! check needs.

mod gauges;
mod retire;
mod seal;
mod sealer;
mod text;
mod verify;

use chrono::{DateTime, Utc};
use sqlx::PgConnection;
use uuid::Uuid;

pub use self::{
    retire::retire,
    seal::Head,
    sealer::Sealer,
    verify::{Broken, Verified, VerifyError, verify, verify_noted},
};

/// The channel on which the sealer is notified of an append, by NOTIFY, when its transaction commits.
const CHANNEL: &str = "platform_audit";

/// One action that was done or refused.
#[derive(Debug, Clone, PartialEq)]
pub struct AuditRecord {
    pub at: DateTime<Utc>,
    /// Who requested it: an operator or a service.
    pub actor: String,
    /// Who agreed to it, when a second person had to.
    pub approver: Option<String>,
    /// The rpc, as `package.Service/Method`, or the job.
    pub method: String,
    /// What it was done to, as a resource name.
    pub resource: String,
    /// Where it was done: the caller's branch.
    pub scope: String,
    pub outcome: Outcome,
    pub request_id: Option<Uuid>,
    /// Ties it to the logs and the traces of the call.
    pub correlation_id: Uuid,
    /// What else a reader needs, for example before and after. JSON null when nothing.
    pub detail: serde_json::Value,
}

/// The outcome of an action.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Done,
    /// Not done, for a stable reason (`SCREAMING_SNAKE_CASE`).
    Refused {
        reason: String,
    },
}

impl Outcome {
    const fn name(&self) -> &'static str {
        match self {
            Outcome::Done => "done",
            Outcome::Refused { .. } => "refused",
        }
    }

    fn reason(&self) -> Option<&str> {
        match self {
            Outcome::Done => None,
            Outcome::Refused { reason } => Some(reason),
        }
    }
}

/// Appends records, in their order, in the caller's transaction: one statement, whatever their number. Takes any text: what
/// Postgres cannot hold or nobody would read is replaced or cut, since a refusal must be recorded whatever was sent.
#[expect(clippy::as_conversions, reason = "how sqlx learns the type of a parameter; nothing is converted")]
pub async fn append(conn: &mut PgConnection, records: &[AuditRecord]) -> Result<(), sqlx::Error> {
    if records.is_empty() {
        return Ok(());
    }
    let times: Vec<DateTime<Utc>> = records.iter().map(|record| record.at).collect();
    let actors: Vec<_> = records.iter().map(|record| text::kept(&record.actor)).collect();
    let approvers: Vec<_> = records.iter().map(|record| record.approver.as_deref().map(text::kept)).collect();
    let methods: Vec<_> = records.iter().map(|record| text::kept(&record.method)).collect();
    let resources: Vec<_> = records.iter().map(|record| text::kept(&record.resource)).collect();
    let scopes: Vec<_> = records.iter().map(|record| text::kept(&record.scope)).collect();
    let outcomes: Vec<&str> = records.iter().map(|record| record.outcome.name()).collect();
    let reasons: Vec<_> = records.iter().map(|record| record.outcome.reason().map(text::kept)).collect();
    let request_ids: Vec<Option<Uuid>> = records.iter().map(|record| record.request_id).collect();
    let correlation_ids: Vec<Uuid> = records.iter().map(|record| record.correlation_id).collect();
    let details: Vec<String> = records.iter().map(|record| text::kept_json(&record.detail)).collect();
    sqlx::query!(
        r#"
        WITH appended AS (
            INSERT INTO platform.audit_record
                (at, actor, approver, method, resource, scope, outcome, reason, request_id, correlation_id, detail)
            SELECT at, actor, approver, method, resource, scope, outcome, reason, request_id, correlation_id,
                   detail::jsonb
            FROM UNNEST($1::timestamptz[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
                        $8::text[], $9::uuid[], $10::uuid[], $11::text[])
                WITH ORDINALITY
                AS record (at, actor, approver, method, resource, scope, outcome, reason, request_id, correlation_id,
                           detail, place)
            ORDER BY place
            RETURNING position, at
        ), waiting AS (
            INSERT INTO platform.audit_waiting (position, at) SELECT position, at FROM appended
        )
        SELECT pg_notify($12, '')
        "#,
        &times,
        &actors as &[String],
        &approvers as &[Option<String>],
        &methods as &[String],
        &resources as &[String],
        &scopes as &[String],
        &outcomes as &[&str],
        &reasons as &[Option<String>],
        &request_ids as &[Option<Uuid>],
        &correlation_ids,
        &details as &[String],
        CHANNEL,
    )
    .execute(conn)
    .await?;
    Ok(())
}

//! The append, and how one is settled whose outcome is unknown.

use std::time::Duration;

use platform::{
    audit::{self, AuditRecord, Outcome as AuditOutcome},
    db, outbox,
};
use sqlx::{Connection, PgConnection};
use tokio::time;
use tracing::warn;

use super::{Writer, batch::Decided};
use crate::{
    domain::command::{Records, Verdict},
    store::{journal, register},
};

/// How long an append of unknown outcome is looked for before its callers are told so.
const SETTLE_MAX: Duration = Duration::from_secs(5);
/// How long to wait between two looks.
const SETTLE_EVERY: Duration = Duration::from_millis(50);

/// What became of an append.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Appended {
    Written,
    /// The batch number is another writer's.
    Fenced,
}

impl Writer {
    /// Writes what a batch decided. When the connection is lost meanwhile, finds out whether it was written.
    pub(super) async fn append(&self, conn: &mut PgConnection, decided: &Decided) -> Result<Appended, sqlx::Error> {
        let audits = self.audits(decided);
        match self.write(conn, decided, &audits).await {
            Ok(()) => Ok(Appended::Written),
            Err(error) if db::constraint(&error) == Some(journal::FENCE) => Ok(Appended::Fenced),
            Err(error @ sqlx::Error::Database(_)) => Err(error),
            Err(error) => {
                warn!(%error, "the outcome of an append is unknown");
                self.settle(decided).await.ok_or(error)
            }
        }
    }

    async fn write(&self, conn: &mut PgConnection, decided: &Decided, audits: &[AuditRecord]) -> Result<(), sqlx::Error> {
        let Decided { records, batch, .. } = decided;
        if audits.is_empty() && !register::concerns(records) {
            return match batch {
                Some(batch) => journal::append(conn, batch, records).await,
                None => Ok(()),
            };
        }
        let facts = (self.facts_of)(records, &self.ids).map_err(|error| sqlx::Error::Encode(error.into()))?;
        let mut transaction = conn.begin().await?;
        register::write(&mut transaction, records).await?;
        if let Some(batch) = batch {
            journal::append(&mut transaction, batch, records).await?;
        }
        outbox::append(&mut transaction, &facts).await.map_err(|error| match error {
            outbox::AppendError::Database(error) => error,
            too_large => sqlx::Error::Encode(too_large.into()),
        })?;
        audit::append(&mut transaction, audits).await?;
        transaction.commit().await
    }

    /// Whether the batch is there, once the session that was writing it is certainly over. `None` when that cannot be told
    /// in time; callers then repeat their requests, and the repeat settles it.
    async fn settle(&self, decided: &Decided) -> Option<Appended> {
        let batch = decided.batch.as_ref()?;
        let look = async {
            loop {
                if let Ok(mut conn) = self.connect().await
                    && let Ok(true) = db::try_lock(&mut conn, super::lead::LOCK).await
                    && let Ok(found) = journal::hash_of(&mut conn, batch.number.0).await
                {
                    return found;
                }
                time::sleep(SETTLE_EVERY).await;
            }
        };
        match time::timeout(SETTLE_MAX, look).await {
            Ok(Some(hash)) if hash == batch.hash => Some(Appended::Written),
            Ok(Some(_)) => Some(Appended::Fenced),
            Ok(None) | Err(_) => None,
        }
    }

    /// What the audit keeps of a batch: every refusal, and every change that is not in the journal.
    fn audits(&self, decided: &Decided) -> Vec<AuditRecord> {
        let at = self.clock.now();
        decided
            .verdicts
            .iter()
            .filter_map(|(job, verdict)| {
                let origin = &job.ask.command.origin;
                let outcome = match verdict {
                    _ if origin.dry_run => return None,
                    Verdict::Repeated(_) => return None,
                    Verdict::Refused(refusal) => AuditOutcome::Refused { reason: refusal.tell().reason().name.to_owned() },
                    Verdict::Done(_) if job.ask.command.is_in_journal() => return None,
                    Verdict::Done(_) => AuditOutcome::Done,
                };
                Some(AuditRecord {
                    at,
                    actor: origin.operator.to_string(),
                    approver: origin.authoriser.as_ref().map(ToString::to_string),
                    method: job.ask.method.to_owned(),
                    resource: job.ask.command.resource(),
                    scope: origin.branch.to_string(),
                    outcome,
                    request_id: Some(origin.request_id),
                    correlation_id: job.ask.correlation_id,
                    detail: serde_json::Value::Null,
                })
            })
            .collect()
    }
}

impl Records {
    /// Whether nothing was recorded.
    pub fn is_empty(&self) -> bool {
        self.postings.is_empty() && self.hold_events.is_empty() && !register::concerns(self)
    }
}

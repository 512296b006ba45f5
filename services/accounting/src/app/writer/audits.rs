//! What the audit keeps of a batch: every refusal, and every change that is not in the journal, which is its own record.

use chrono::{DateTime, Utc};
use platform::audit::{AuditRecord, Outcome};
use serde_json::{Value, json};

use super::Job;
use crate::domain::command::Verdict;

/// The audit records of a batch.
pub fn of(verdicts: &[(Job, Verdict)], at: DateTime<Utc>) -> Vec<AuditRecord> {
    verdicts.iter().filter_map(|(job, verdict)| record(job, verdict, at)).collect()
}

fn record(job: &Job, verdict: &Verdict, at: DateTime<Utc>) -> Option<AuditRecord> {
    let (command, origin) = (&job.submission.command, &job.submission.command.origin);
    let (outcome, detail) = match verdict {
        _ if origin.dry_run => return None,
        Verdict::Done(_) if command.is_in_journal() => return None,
        Verdict::Repeated(_) => return None,
        Verdict::Done(_) => (Outcome::Done, Value::Null),
        Verdict::Refused(refusal) => {
            let reason = refusal.to_refusal().reason().name.to_owned();
            (
                Outcome::Refused { reason },
                json!({ "field": refusal.field, "message": refusal.rule.to_string() }),
            )
        }
    };
    Some(AuditRecord {
        at,
        actor: origin.operator.to_string(),
        approver: origin.authoriser.as_ref().map(ToString::to_string),
        method: job.submission.method.to_string(),
        resource: command.resource(),
        scope: origin.branch.to_string(),
        outcome,
        request_id: Some(origin.request_id),
        correlation_id: job.submission.correlation_id,
        detail,
    })
}

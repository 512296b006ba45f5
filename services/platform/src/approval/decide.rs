//! The checker's side: approve, which runs the request, or reject.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::json;
use sqlx::PgConnection;
use tonic::Status;
use uuid::Uuid;

use super::{
    Approval, Approvals,
    request::expired,
    rows::{self, Decision, State},
};
use crate::{
    audit::{self, AuditRecord, Outcome},
    call::{Caller, Policy, reason_of},
    refusal::{Failure, Refusal, reasons},
};

/// How a decision is audited.
const APPROVE: &str = "countinghouse.approval.v1.ApprovalService/ApproveRequest";
const REJECT: &str = "countinghouse.approval.v1.ApprovalService/RejectRequest";

/// How a checker's call ended: with a decision, or with the refusal of the request or of the rules.
enum Verdict {
    Decided(Box<Approval>),
    NotDecided(Status),
}

impl Approvals {
    /// Approves a request, and runs it. When the run is refused, the checker gets the refusal, and the request goes on waiting.
    pub(super) async fn approve(&self, id: Uuid, checker: &Caller) -> Result<Approval, Status> {
        self.decide(id, checker, APPROVE, async |approval, policy, now| {
            match &approval.state {
                State::Executed { by, .. } if by.checker == checker.actor.id => {
                    return Ok(approval.state.clone());
                }
                State::Pending if !approval.has_expired(now) => {}
                _ => return Err(to_status(decided(approval, now), checker)),
            }
            let both = Caller {
                actor: Arc::new(approval.maker.clone()),
                approver: Some(checker.actor.clone()),
                ..checker.clone()
            };
            let response: Bytes = self.0.runner.run(policy, &approval.request, both).await?;
            let by = Decision { checker: checker.actor.id.clone(), at: now };
            Ok(State::Executed { by, response: response.to_vec() })
        })
        .await
    }

    /// Rejects a request. It never runs.
    pub(super) async fn reject(&self, id: Uuid, reason: &str, checker: &Caller) -> Result<Approval, Status> {
        self.decide(id, checker, REJECT, async |approval, _, now| match &approval.state {
            State::Rejected { by, reason: earlier }
                if by.checker == checker.actor.id && earlier == reason =>
            {
                Ok(approval.state.clone())
            }
            State::Pending if !approval.has_expired(now) => {
                let by = Decision { checker: checker.actor.id.clone(), at: now };
                Ok(State::Rejected { by, reason: reason.to_owned() })
            }
            _ => Err(to_status(decided(approval, now), checker)),
        })
        .await
    }

    /// Decides on an approval while its row is locked, and audits the outcome.
    async fn decide(
        &self,
        id: Uuid,
        checker: &Caller,
        method: &str,
        how: impl AsyncFnOnce(&Approval, &Arc<Policy>, chrono::DateTime<chrono::Utc>) -> Result<State, Status>,
    ) -> Result<Approval, Status> {
        let fault = |error: sqlx::Error| Failure::from(error).into_status(checker.correlation_id);
        let _turn = self
            .0
            .turns
            .acquire()
            .await
            .map_err(|error| Failure::fault(error).into_status(checker.correlation_id))?;
        let mut transaction = self.0.pool.begin().await.map_err(fault)?;
        let found = rows::lock(&mut transaction, id).await.map_err(fault)?;
        let Some(mut approval) = found else { return Err(to_status(unknown(id), checker)) };
        let verdict = match self.may_decide(&approval, checker) {
            Err(refusal) => Verdict::NotDecided(to_status(refusal, checker)),
            Ok(policy) => match how(&approval, &policy, self.0.clock.now()).await {
                Ok(state) if state == approval.state => return Ok(approval),
                Ok(state) => {
                    rows::decide(&mut transaction, id, &state).await.map_err(fault)?;
                    approval.state = state;
                    Verdict::Decided(Box::new(approval.clone()))
                }
                Err(status) => Verdict::NotDecided(status),
            },
        };
        let at = self.0.clock.now();
        write_down(&mut transaction, &approval, checker, method, &verdict, at).await.map_err(fault)?;
        transaction.commit().await.map_err(fault)?;
        match verdict {
            Verdict::Decided(approval) => Ok(*approval),
            Verdict::NotDecided(status) => Err(status),
        }
    }

    /// The maker may never decide; others need the checking permission of the requested rpc, and its scope.
    fn may_decide(&self, approval: &Approval, checker: &Caller) -> Result<Arc<Policy>, Refusal> {
        let policy = self.policy(approval)?;
        if approval.maker.id == checker.actor.id {
            return Err(reasons::SELF_APPROVAL
                .refuse("the maker of a request cannot decide on it")
                .with("maker", &approval.maker.id));
        }
        if !checker.actor.may(&policy.checking_permission) {
            return Err(reasons::PERMISSION_DENIED
                .refuse(format!("the caller does not hold {}", policy.checking_permission))
                .with("permission", &policy.checking_permission));
        }
        in_scope(approval, checker)?;
        Ok(policy)
    }

    /// The requested rpc. A later release may have removed it.
    pub(super) fn policy(&self, approval: &Approval) -> Result<Arc<Policy>, Refusal> {
        self.0.policies.get(&approval.method).filter(|policy| policy.needs_approval()).cloned().ok_or_else(
            || {
                reasons::METHOD_UNKNOWN
                    .refuse("the service no longer has the requested rpc")
                    .with("method", &approval.method)
            },
        )
    }
}

/// Whether the caller may see and decide what happens in the approval's scope.
pub(super) fn in_scope(approval: &Approval, caller: &Caller) -> Result<(), Refusal> {
    if approval.scope.is_empty() || caller.actor.covers(&approval.scope) {
        return Ok(());
    }
    Err(reasons::SCOPE_DENIED
        .refuse("the caller may not act in the scope of the request")
        .with("scope", &approval.scope))
}

pub(super) fn unknown(id: Uuid) -> Refusal {
    reasons::NOT_FOUND.refuse("there is no such approval").with("name", format!("approvals/{id}"))
}

fn decided(approval: &Approval, now: chrono::DateTime<chrono::Utc>) -> Refusal {
    if approval.has_expired(now) {
        return expired(approval);
    }
    reasons::APPROVAL_DECIDED
        .refuse("the approval has been decided already")
        .with("approval", approval.name())
}

fn to_status(refusal: Refusal, caller: &Caller) -> Status {
    Failure::from(refusal).into_status(caller.correlation_id)
}

async fn write_down(
    conn: &mut PgConnection,
    approval: &Approval,
    checker: &Caller,
    method: &str,
    verdict: &Verdict,
    at: chrono::DateTime<chrono::Utc>,
) -> Result<(), sqlx::Error> {
    let (outcome, reason) = match verdict {
        Verdict::Decided(approval) => match &approval.state {
            State::Rejected { reason, .. } => (Outcome::Done, Some(reason.clone())),
            _ => (Outcome::Done, None),
        },
        Verdict::NotDecided(status) => {
            let reason = reason_of(status).unwrap_or_else(|| format!("{:?}", status.code()));
            (Outcome::Refused { reason }, None)
        }
    };
    let record = AuditRecord {
        at,
        actor: checker.actor.id.clone(),
        approver: None,
        method: method.to_owned(),
        resource: approval.name(),
        scope: approval.scope.clone(),
        outcome,
        request_id: Some(approval.request_id),
        correlation_id: checker.correlation_id,
        detail: json!({ "method": approval.method.trim_start_matches('/'), "maker": approval.maker.id, "reason": reason }),
    };
    audit::append(conn, &[record]).await
}

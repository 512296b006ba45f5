//! The maker's side: a request that needs a second person is stored, and its repeats find what became of it.

use bytes::Bytes;
use serde_json::json;
use tonic::Status;
use tonic_types::{ErrorDetails, StatusExt};
use uuid::Uuid;

use super::{
    Approval, Approvals,
    rows::{self, State},
};
use crate::{
    audit::{self, AuditRecord, Outcome},
    call::{Call, Caller},
    refusal::{Failure, Refusal, reasons},
};

/// The key of an approval's name in the metadata of refusals.
const APPROVAL: &str = "approval";

impl Approvals {
    /// Handles a request that always needs a second person: the answer once a checker has approved it, a refusal until then.
    ///
    /// A new request is tried first, as the checker will see it, so that no checker sees a request that cannot be done.
    pub(crate) async fn request(&self, call: &Call, message: &[u8]) -> Result<Bytes, Status> {
        let to_status = |failure: Failure| failure.into_status(call.caller.correlation_id);
        if let Some(known) = self.find(call).await.map_err(to_status)? {
            return self.answer(&known, message).map_err(|refusal| to_status(refusal.into()));
        }
        let preview = Caller { preview: true, ..call.caller.clone() };
        self.0.runner.run(&call.policy, &call.policy.only_validated(message), preview).await?;
        let stored = self.store(self.approval(call, message), &call.caller).await.map_err(to_status)?;
        self.answer(&stored, message).map_err(|refusal| to_status(refusal.into()))
    }

    /// Handles a request that the service refused because it needs a second person. The refusal gets the approval's name.
    pub(crate) async fn keep(&self, call: &Call, message: &[u8], refusal: Status) -> Result<Bytes, Status> {
        let to_status = |failure: Failure| failure.into_status(call.caller.correlation_id);
        let approval = if let Some(known) = self.find(call).await.map_err(to_status)? {
            known
        } else {
            self.store(self.approval(call, message), &call.caller).await.map_err(to_status)?
        };
        match self.answer(&approval, message) {
            Err(waits) if waits.is(&reasons::APPROVAL_REQUIRED) => {
                Err(with_approval(&refusal, &approval.name()))
            }
            answer => answer.map_err(|refusal| to_status(refusal.into())),
        }
    }

    async fn find(&self, call: &Call) -> Result<Option<Approval>, Failure> {
        let mut conn = self.0.pool.acquire().await?;
        Ok(rows::find(&mut conn, &call.policy.path, &call.caller.actor.id, request_id(call)).await?)
    }

    fn approval(&self, call: &Call, message: &[u8]) -> Approval {
        let created_at = self.0.clock.now();
        Approval {
            id: self.0.ids.next(),
            method: call.policy.path.to_string(),
            request_id: request_id(call),
            digest: digest(message),
            request: message.to_vec(),
            maker: (*call.caller.actor).clone(),
            scope: call.checking_scope.to_string(),
            created_at,
            expires_at: self.0.config.expiry(created_at),
            state: State::Pending,
        }
    }

    /// Stores a request. If a repeat was stored first, returns that one.
    async fn store(&self, approval: Approval, caller: &Caller) -> Result<Approval, Failure> {
        let mut transaction = self.0.pool.begin().await?;
        if rows::insert(&mut transaction, &approval).await? {
            let record = AuditRecord {
                at: approval.created_at,
                actor: caller.actor.id.clone(),
                approver: None,
                method: approval.method.trim_start_matches('/').to_owned(),
                resource: approval.name(),
                scope: approval.scope.clone(),
                outcome: Outcome::Refused { reason: reasons::APPROVAL_REQUIRED.name.to_owned() },
                request_id: Some(approval.request_id),
                correlation_id: caller.correlation_id,
                detail: json!({}),
            };
            audit::append(&mut transaction, &[record]).await?;
            transaction.commit().await?;
            return Ok(approval);
        }
        let first =
            rows::find(&mut transaction, &approval.method, &approval.maker.id, approval.request_id).await?;
        first.ok_or_else(|| Failure::fault("an approval with the same request id was there and is gone"))
    }

    /// The answer to a request that already has an approval.
    fn answer(&self, approval: &Approval, message: &[u8]) -> Result<Bytes, Refusal> {
        let name = approval.name();
        if approval.digest != digest(message) {
            return Err(reasons::REQUEST_ID_REUSED
                .refuse("another request was made with this request_id")
                .with(APPROVAL, name)
                .field("request_id", "must be fresh for another request"));
        }
        match &approval.state {
            State::Executed { response, .. } => Ok(Bytes::copy_from_slice(response)),
            State::Rejected { reason, by } => Err(reasons::APPROVAL_REJECTED
                .refuse(format!("the request was rejected: {reason}"))
                .with(APPROVAL, name)
                .with("reason", reason)
                .with("checker", &by.checker)),
            State::Pending if approval.has_expired(self.0.clock.now()) => Err(expired(approval)),
            State::Pending => Err(reasons::APPROVAL_REQUIRED
                .refuse(format!("a second person must agree: {name}"))
                .with(APPROVAL, name)),
        }
    }
}

/// The refusal of an approval that nobody decided on in time.
pub(super) fn expired(approval: &Approval) -> Refusal {
    reasons::APPROVAL_EXPIRED
        .refuse("nobody decided on the request in time")
        .with(APPROVAL, approval.name())
        .with("expired_at", approval.expires_at.to_rfc3339())
}

fn digest(message: &[u8]) -> Vec<u8> {
    blake3::hash(message).as_bytes().to_vec()
}

/// A policy that needs approval has a field for it, and the gate lets no call through without one.
fn request_id(call: &Call) -> Uuid {
    call.request_id.unwrap_or_default()
}

/// The same refusal, and the approval that it waits for.
fn with_approval(refusal: &Status, name: &str) -> Status {
    let mut details: ErrorDetails = refusal.get_error_details();
    let mut metadata = details.error_info().map(|info| info.metadata.clone()).unwrap_or_default();
    metadata.insert(APPROVAL.to_owned(), name.to_owned());
    let (reason, domain) =
        details.error_info().map(|info| (info.reason.clone(), info.domain.clone())).unwrap_or_default();
    details.set_error_info(reason, domain, metadata);
    Status::with_error_details(refusal.code(), refusal.message(), details)
}

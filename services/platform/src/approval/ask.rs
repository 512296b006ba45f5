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
    auth::Caller,
    idempotency,
    refusal::{Failure, Refusal, reasons},
    rpc::{Policy, string_field},
};

/// The key of an approval's name in the metadata of refusals.
const APPROVAL: &str = "approval";

impl Approvals {
    /// A request that never runs for its maker alone. The answer of one that a checker has approved; a refusal until then.
    ///
    /// A new request is tried first, as the checker will see it, so that nobody is asked to agree to what cannot be done.
    pub(crate) async fn ask(
        &self,
        policy: &Policy,
        scope: &str,
        message: &[u8],
        caller: &Caller,
    ) -> Result<Bytes, Status> {
        let told = |failure: Failure| failure.into_status(caller.correlation_id);
        let request_id = request_id(policy, message).map_err(|refusal| told(refusal.into()))?;
        if let Some(known) = self.find(policy, caller, request_id).await.map_err(told)? {
            return self.answer(&known, message).map_err(|refusal| told(refusal.into()));
        }
        let preview = Caller { preview: true, ..caller.clone() };
        self.0.runner.run(policy, &policy.only_validated(message), preview).await?;
        let approval = self.approval(policy, scope, message, caller, request_id);
        let stored = self.store(approval, caller).await.map_err(told)?;
        self.answer(&stored, message).map_err(|refusal| told(refusal.into()))
    }

    /// A request that the service has refused until a second person agrees. The refusal comes back with the approval's name.
    pub(crate) async fn keep(
        &self,
        policy: &Policy,
        scope: &str,
        message: &[u8],
        caller: &Caller,
        refusal: Status,
    ) -> Result<Bytes, Status> {
        let told = |failure: Failure| failure.into_status(caller.correlation_id);
        let request_id = request_id(policy, message).map_err(|refusal| told(refusal.into()))?;
        let approval = if let Some(known) = self.find(policy, caller, request_id).await.map_err(told)? {
            known
        } else {
            let new = self.approval(policy, scope, message, caller, request_id);
            self.store(new, caller).await.map_err(told)?
        };
        match self.answer(&approval, message) {
            Err(waits) if waits.reason().name == reasons::APPROVAL_REQUIRED.name => {
                Err(with_approval(&refusal, &approval.name()))
            }
            answer => answer.map_err(|refusal| told(refusal.into())),
        }
    }

    async fn find(
        &self,
        policy: &Policy,
        caller: &Caller,
        request_id: Uuid,
    ) -> Result<Option<Approval>, Failure> {
        let mut conn = self.0.pool.acquire().await?;
        Ok(rows::find(&mut conn, &policy.path, &caller.actor.id, request_id).await?)
    }

    fn approval(
        &self,
        policy: &Policy,
        scope: &str,
        message: &[u8],
        caller: &Caller,
        request_id: Uuid,
    ) -> Approval {
        let created_at = self.0.clock.now();
        Approval {
            id: self.0.ids.next(),
            method: policy.path.to_string(),
            request_id,
            digest: digest(message),
            request: message.to_vec(),
            maker: (*caller.actor).clone(),
            scope: scope.to_owned(),
            created_at,
            expires_at: self.0.config.expiry(created_at),
            state: State::Pending,
        }
    }

    /// Stores a request. When a repeat was quicker, that one stands.
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
        first.ok_or_else(|| Failure::fault("an approval that stood in the way is gone"))
    }

    /// What a request is answered that has an approval already.
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

fn request_id(policy: &Policy, message: &[u8]) -> Result<Uuid, Refusal> {
    let text = policy.request_id_field.and_then(|number| string_field(message, number)).unwrap_or_default();
    idempotency::request_id(text)
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

//! A call that has passed the gate, as its rpc gets it: the caller, the policy, the request's identity and its scope. It holds
//! everything that the gate has read, so that nothing behind it reads the request a second time.

mod message;
mod policies;
mod raw_fields;
mod runner;

use std::sync::Arc;

use tonic::{Code, Request, Response, Status};
use tonic_types::StatusExt;
use uuid::Uuid;

pub(crate) use self::{
    message::{Message, read, response},
    policies::malformed,
};
pub use self::{
    policies::{JsonError, Policies, Policy, PolicyError, json},
    runner::Runner,
};
use crate::{
    auth::Actor,
    refusal::{Failure, Refusal, reasons},
};

/// Distinguishes a repeat from another request under the same id: rpc, caller and content, in 32 bytes.
pub type Digest = [u8; 32];

/// A call that has passed the gate. Only the server puts it into a request.
#[derive(Clone, Debug)]
pub struct Call {
    pub policy: Arc<Policy>,
    pub caller: Caller,
    /// The scope (branch) that the request acts in; empty for an rpc that is bound to none.
    pub scope: Arc<str>,
    /// The scope of the second person.
    pub checking_scope: Arc<str>,
    /// Which request it is; none for an rpc that changes nothing.
    pub request_id: Option<Uuid>,
    /// The request only shows what it would do.
    pub validate_only: bool,
    pub digest: Digest,
    /// Bytes of the request.
    pub bytes: usize,
}

/// Who makes a call, and the ids by which logs and traces find it.
#[derive(Clone, Debug)]
pub struct Caller {
    pub actor: Arc<Actor>,
    /// The second person, when there is one.
    pub approver: Option<Arc<Actor>>,
    /// The call only shows what it would do: nothing is recorded, and it is judged as if the second person had agreed.
    pub preview: bool,
    pub correlation_id: Uuid,
    /// W3C trace context of the call.
    pub traceparent: Option<String>,
}

impl Call {
    /// Reads the scope of a request, before it is known whether the caller may act there. [`identified`](Self::identified) follows.
    pub(crate) fn read(policy: &Arc<Policy>, message: &[u8], caller: Caller) -> Result<Self, Refusal> {
        let scope: Arc<str> = scope(policy, message, policy.scope_field.as_ref())?.into();
        let checking_scope = match &policy.checking_scope_field {
            Some(field) => self::scope(policy, message, Some(field))?.into(),
            None => scope.clone(),
        };
        let validate_only = match policy.validate_only_field {
            Some(number) => raw_fields::bool_field(message, number).ok_or_else(|| not_protobuf(policy))?,
            None => false,
        };
        Ok(Self {
            policy: policy.clone(),
            caller,
            scope,
            checking_scope,
            request_id: None,
            validate_only,
            digest: Digest::default(),
            bytes: message.len(),
        })
    }

    /// The same, with the id and the digest of the request, on an rpc that changes something.
    pub(crate) fn identified(mut self, message: &[u8]) -> Result<Self, Refusal> {
        if let Some(number) = self.policy.request_id_field {
            self.request_id = Some(request_id(text(&self.policy, message, Some(number))?)?);
            self.digest = digest(&self.policy, &self.caller.actor.id, message);
        }
        Ok(self)
    }

    /// The call that a request came with through the server.
    pub fn of<T>(request: &Request<T>) -> Result<Self, Status> {
        let call = request.extensions().get::<Self>().cloned();
        call.ok_or_else(|| Status::internal("this rpc was reached past the server's gate"))
    }

    /// The rpc, as `package.Service/Method`.
    pub fn method(&self) -> &str {
        &self.policy.method
    }

    /// Whether it changes nothing, and only shows what it would do.
    pub fn is_dry_run(&self) -> bool {
        self.validate_only || self.caller.preview
    }

    /// Whether a second person has agreed, or a preview assumes it.
    pub fn is_seconded(&self) -> bool {
        self.caller.approver.is_some() || self.caller.preview
    }
}

/// Answers a request that only reads.
pub async fn answer<M, R, F>(request: Request<M>, answer: impl FnOnce(M) -> F) -> Result<Response<R>, Status>
where
    F: Future<Output = Result<R, Failure>>,
{
    let correlation_id = Call::of(&request)?.caller.correlation_id;
    let answered = answer(request.into_inner()).await;
    answered.map(Response::new).map_err(|failure| failure.into_status(correlation_id))
}

/// The request id in a request.
pub fn request_id(text: &str) -> Result<Uuid, Refusal> {
    let id = Uuid::try_parse(text).ok().filter(|id| !id.is_nil());
    id.ok_or_else(|| {
        reasons::REQUEST_ID_MISSING
            .refuse("a call that changes something needs a request id")
            .field("request_id", "must be a UUID, fresh for a new request and the same for a repeat")
    })
}

/// The scope that a field of the request names.
fn scope<'a>(policy: &Policy, message: &'a [u8], field: Option<&(String, u32)>) -> Result<&'a str, Refusal> {
    let scope = text(policy, message, field.map(|(_, number)| *number))?;
    match field {
        Some((name, _)) if scope.chars().any(char::is_control) => Err(reasons::FIELD_INVALID
            .refuse("the scope has a control character in it")
            .field(name, "must be printable")),
        _ => Ok(scope),
    }
}

/// The text of a field; empty for none.
fn text<'a>(policy: &Policy, message: &'a [u8], field: Option<u32>) -> Result<&'a str, Refusal> {
    match field {
        Some(number) => raw_fields::string_field(message, number).ok_or_else(|| not_protobuf(policy)),
        None => Ok(""),
    }
}

/// A message with a map field encodes it in any order: requests have none.
fn digest(policy: &Policy, actor: &str, message: &[u8]) -> Digest {
    let mut hasher = blake3::Hasher::new_derive_key("countinghouse 2026 request digest v2");
    for text in [&policy.path, actor] {
        hasher.update(text.as_bytes()).update(&[0]);
    }
    hasher.update(message).finalize().into()
}

fn not_protobuf(policy: &Policy) -> Refusal {
    malformed(policy, "it is not in the Protobuf encoding")
}

/// The stable reason in a refusal.
pub fn reason_of(status: &Status) -> Option<String> {
    status.get_details_error_info().map(|info| info.reason)
}

/// A code as gRPC spells it.
pub fn code_name(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

#[cfg(test)]
mod tests {
    use proto_common::approval::v1::approval_service_server::SERVICE_NAME;

    use super::*;

    #[test]
    fn a_digest_tells_rpcs_callers_and_contents_apart() {
        let policies = Policies::from_descriptors(proto_common::descriptors(), &[SERVICE_NAME]).unwrap();
        let of = |rpc: &str, actor: &str, message: &str| {
            let policy = policies.get(&format!("/{SERVICE_NAME}/{rpc}")).unwrap();
            digest(policy, actor, message.as_bytes())
        };
        let first = of("ApproveRequest", "a", "b");
        assert_eq!(first, of("ApproveRequest", "a", "b"));
        for other in [
            of("RejectRequest", "a", "b"),
            of("ApproveRequest", "c", "b"),
            of("ApproveRequest", "a", "c"),
            // What moves from one to the other does not go unseen.
            of("ApproveRequest", "ab", ""),
            of("ApproveRequest", "", "ab"),
        ] {
            assert_ne!(first, other);
        }
    }
}

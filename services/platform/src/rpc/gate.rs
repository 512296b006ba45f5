//! The gate that every call passes through.

use std::{
    convert::Infallible,
    panic::AssertUnwindSafe,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use futures::{FutureExt, future::BoxFuture};
use http::{HeaderMap, Request, Response, header::AUTHORIZATION};
use prost_reflect::DynamicMessage;
use proto_common::common::v1::ApprovalRule;
use serde_json::json;
use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use tonic::{
    Code, Status,
    body::Body,
    service::Routes,
    transport::server::{TcpConnectInfo, TlsConnectInfo},
};
use tower::Service;
use tracing::Instrument;
use uuid::Uuid;

use super::{
    admission::Admission,
    deadline::Deadlines,
    forward::{Forward, SERVICE_HEADER},
    metrics::{FORWARDED_HEADER, Metrics, Observed},
    public::{self, Ending},
};
use crate::{
    approval::Approvals,
    audit::{self, AuditRecord, Outcome},
    auth::{Actor, Authenticator},
    call::{self, Call, Caller, Message, Policies, Policy, Runner, malformed, reason_of},
    clock::SharedClock,
    refusal::{Failure, Refusal, reasons},
};

/// The gate, and what is behind it.
#[derive(Clone)]
pub struct Gate(pub Arc<Parts>);

/// What the gate is made of.
pub struct Parts {
    pub policies: Arc<Policies>,
    pub forward: Option<Forward>,
    pub authenticator: Arc<Authenticator>,
    pub approvals: Approvals,
    pub admission: Admission,
    pub deadlines: Deadlines,
    pub metrics: Metrics,
    pub request_bytes_max: usize,
    pub runner: Runner,
    /// What is open to all.
    pub public: Routes,
    /// Cancelled when that ends too.
    pub ended: CancellationToken,
    pub pool: PgPool,
    pub clock: SharedClock,
}

impl Service<Request<Body>> for Gate {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = BoxFuture<'static, Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let gate = self.0.clone();
        if public::is_public(request.uri().path()) {
            return Box::pin(async move {
                let response = gate.public.clone().call(request).await?;
                Ok(response.map(|body| Body::new(Ending::new(body, gate.ended.clone()))))
            });
        }
        Box::pin(async move { Ok(gate.answer(request).await) })
    }
}

impl Parts {
    async fn answer(&self, request: Request<Body>) -> Response<Body> {
        let policy = self.policies.get(request.uri().path());
        let call = self.metrics.begin(policy.map(|policy| &*policy.method), request.headers());
        let answered = self.admit(policy, &call, request).instrument(call.span.clone()).await;
        let mut response = answered.unwrap_or_else(Status::into_http);
        self.metrics.end(&call, &mut response);
        response
    }

    /// Admits the call, and makes sure that it ends in time and completely.
    async fn admit(
        &self,
        policy: Option<&Arc<Policy>>,
        observed: &Observed,
        request: Request<Body>,
    ) -> Result<Response<Body>, Status> {
        let refused = |refusal: Refusal| Failure::from(refusal).into_status(observed.correlation_id);
        let deadline = self.deadlines.of(request.headers()).map_err(refused)?;
        let _place = self.admission.admit().map_err(refused)?;
        let judged = AssertUnwindSafe(self.pass_or_judge(policy, observed, deadline, request)).catch_unwind();
        match tokio::time::timeout(deadline, judged).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(panic)) => Err(Failure::fault(Panic::of(&*panic)).into_status(observed.correlation_id)),
            Err(_) => Err(refused(
                reasons::DEADLINE_EXCEEDED
                    .refuse(format!("the call was not done in {} ms", deadline.as_millis()))
                    .with("deadline_ms", deadline.as_millis().to_string()),
            )),
        }
    }

    /// Forwards the call when another replica must do it, which then authenticates the caller.
    async fn pass_or_judge(
        &self,
        policy: Option<&Arc<Policy>>,
        observed: &Observed,
        deadline: Duration,
        request: Request<Body>,
    ) -> Result<Response<Body>, Status> {
        let refused = |refusal: Refusal| Failure::from(refusal).into_status(observed.correlation_id);
        let leader =
            self.forward.as_ref().zip(policy).and_then(|(forward, policy)| {
                Some((forward, forward.leader_for(policy, request.headers())?))
            });
        let Some((forward, leader)) = leader else { return self.judge(policy, observed, request).await };
        // A certificate is shown only to this replica; a token is forwarded with the call.
        let shown = if request.headers().contains_key(AUTHORIZATION) {
            None
        } else {
            self.service(&request).map_err(refused)?
        };
        let service = shown.as_deref().and_then(Actor::service_name);
        // Boxed, as everything that few calls need: every call's future has the size of all that it may await.
        Box::pin(forward.pass(&leader, observed, service, deadline, request)).await.map_err(refused)
    }

    /// Authenticates and authorises the caller, and runs the call.
    async fn judge(
        &self,
        policy: Option<&Arc<Policy>>,
        observed: &Observed,
        request: Request<Body>,
    ) -> Result<Response<Body>, Status> {
        let refused = |refusal: Refusal| Failure::from(refusal).into_status(observed.correlation_id);
        let actor = self.authenticate(&request).map_err(refused)?;
        let policy = policy.ok_or_else(|| refused(unknown_method(request.uri().path())))?;
        let caller = Caller {
            actor,
            approver: None,
            preview: false,
            correlation_id: observed.correlation_id,
            traceparent: observed.traceparent.clone(),
        };
        if !caller.actor.may(&policy.permission) {
            let denied = self.deny(policy, &caller, "", no_permission(&policy.permission));
            return Err(Box::pin(denied).await);
        }
        let (mut head, body) = request.into_parts();
        let message = call::read(&mut head.headers, body, self.request_bytes_max).await.map_err(refused)?;
        let call = Call::read(policy, message.bytes(), caller).map_err(refused)?;
        if let Some((field, _)) = &policy.scope_field
            && !call.caller.actor.covers(&call.scope)
        {
            let refusal = out_of_scope(field, &call.scope);
            return Err(Box::pin(self.deny(policy, &call.caller, &call.scope, refusal)).await);
        }
        let call = call.identified(message.bytes()).map_err(refused)?;
        let request = Request::from_parts(head, message.clone().into_body());
        let done = self.with_approval(call, &message, request).await;
        with_details(policy, &message, observed.correlation_id, done)
    }

    /// A token comes first; a service that passes an operator's token on acts as that operator.
    fn authenticate(&self, request: &Request<Body>) -> Result<Arc<Actor>, Refusal> {
        if let Some(operator) = self.authenticator.operator(request.headers())? {
            return Ok(operator);
        }
        let anonymous = || reasons::UNAUTHENTICATED.refuse("the call carries no credentials");
        let service = self.service(request)?.ok_or_else(anonymous)?;
        let is_passed_on = request.headers().contains_key(FORWARDED_HEADER)
            && self.forward.as_ref().zip(service.service_name()).is_some_and(|(own, name)| own.is_own(name));
        if !is_passed_on {
            return Ok(service);
        }
        // Another replica of this service says who called it.
        let named = request.headers().get(SERVICE_HEADER).and_then(|name| name.to_str().ok());
        named.map(|name| self.authenticator.service_called(name)).ok_or_else(anonymous)
    }

    /// The service of the connection's certificate.
    fn service(&self, request: &Request<Body>) -> Result<Option<Arc<Actor>>, Refusal> {
        let shown = request.extensions().get::<TlsConnectInfo<TcpConnectInfo>>();
        let certificates = shown.and_then(TlsConnectInfo::peer_certs);
        let certificate = certificates.as_ref().and_then(|certificates| certificates.first());
        certificate.map(|certificate| self.authenticator.service(certificate)).transpose()
    }

    /// Runs the call at once, or once a second person agrees.
    async fn with_approval(
        &self,
        mut call: Call,
        message: &Message,
        mut request: Request<Body>,
    ) -> Result<Response<Body>, Status> {
        let rule = call.policy.approval;
        if rule == ApprovalRule::Always && !call.validate_only {
            let answer = Box::pin(self.approvals.request(&call, message.bytes())).await?;
            return Ok(call::response(&answer));
        }
        // What always needs a second person is shown to the maker as that person will see it.
        call.caller.preview = rule == ApprovalRule::Always;
        // The call is kept only where a second person may be needed.
        let on_demand = (rule == ApprovalRule::OnDemand && !call.validate_only).then(|| call.clone());
        request.extensions_mut().insert(call);
        let response = self.runner.call(request).await;
        let Some(call) = on_demand else { return Ok(response) };
        match refusal_of(response.headers()) {
            Some(refusal)
                if reason_of(&refusal).is_some_and(|reason| reason == reasons::APPROVAL_REQUIRED.name) =>
            {
                let answer = Box::pin(self.approvals.keep(&call, message.bytes(), refusal)).await?;
                Ok(call::response(&answer))
            }
            _ => Ok(response),
        }
    }

    /// Refuses an authenticated caller, and audits it.
    async fn deny(&self, policy: &Policy, caller: &Caller, scope: &str, refusal: Refusal) -> Status {
        let record = AuditRecord {
            at: self.clock.now(),
            actor: caller.actor.id.clone(),
            approver: None,
            method: policy.method.to_string(),
            resource: String::new(),
            scope: scope.to_owned(),
            outcome: Outcome::Refused { reason: refusal.reason().name.to_owned() },
            request_id: None,
            correlation_id: caller.correlation_id,
            detail: json!({ "permission": policy.permission, "roles": caller.actor.roles }),
        };
        let written = async { audit::append(&mut *self.pool.acquire().await?, &[record]).await };
        if let Err(error) = written.await {
            tracing::error!(%error, actor = caller.actor.id, method = &*policy.method, "a denied call could not be audited");
        }
        Failure::from(refusal).into_status(caller.correlation_id)
    }
}

/// Makes sure that no refusal is sent without details. Codecs, and handlers that panic, end with a bare status: the caller must
/// correct a request that cannot be decoded, and everything else is a fault of ours.
fn with_details(
    policy: &Policy,
    message: &Message,
    correlation_id: Uuid,
    done: Result<Response<Body>, Status>,
) -> Result<Response<Body>, Status> {
    let bare = match &done {
        Ok(response) => refusal_of(response.headers()).filter(|status| status.details().is_empty()),
        Err(status) if status.details().is_empty() => Some(status.clone()),
        Err(_) => None,
    };
    let Some(status) = bare else { return done };
    if let Err(error) = DynamicMessage::decode(policy.input.clone(), message.bytes()) {
        return Err(Failure::from(malformed(policy, &error.to_string())).into_status(correlation_id));
    }
    match status.code() {
        Code::Internal | Code::Unknown => Err(Failure::fault(status).into_status(correlation_id)),
        _ => done,
    }
}

/// The status of a call that was not done; such answers have it in their headers.
fn refusal_of(headers: &HeaderMap) -> Option<Status> {
    headers.get(Status::GRPC_STATUS).filter(|code| *code != "0")?;
    Status::from_header_map(headers)
}

fn unknown_method(path: &str) -> Refusal {
    reasons::METHOD_UNKNOWN.refuse("the service has no such rpc").with("method", path)
}

fn no_permission(permission: &str) -> Refusal {
    reasons::PERMISSION_DENIED
        .refuse(format!("the caller does not hold {permission}"))
        .with("permission", permission)
}

fn out_of_scope(field: &str, scope: &str) -> Refusal {
    reasons::SCOPE_DENIED
        .refuse("the caller may not act in this scope")
        .with("scope", scope)
        .field(field, "must be one that the caller's token covers")
}

/// The message of a handler's panic.
#[derive(Debug, thiserror::Error)]
#[error("panic: {0}")]
struct Panic(String);

impl Panic {
    fn of(payload: &(dyn std::any::Any + Send)) -> Self {
        let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
        Self(text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_default())
    }
}

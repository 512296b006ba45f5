//! Runs requests behind the gate: those of callers that were admitted, and those that a second person has approved.

use std::{convert::Infallible, sync::Arc};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::BodyExt;
use tonic::{Status, body::Body, service::Routes};
use tower::Service;

use super::{
    Call, Caller, Policy,
    message::{self, Message},
    raw_fields,
};
use crate::refusal::Failure;

/// The rpcs of a service, past the gate.
#[derive(Clone, Debug)]
pub struct Runner {
    routes: Routes,
}

impl Runner {
    pub(crate) fn new(routes: Routes) -> Self {
        Self { routes: routes.prepare() }
    }

    /// Runs a request as `caller`. A refusal is returned as the status that the caller gets.
    pub async fn run(&self, policy: &Arc<Policy>, request: &[u8], caller: Caller) -> Result<Bytes, Status> {
        let correlation_id = caller.correlation_id;
        let call = Call::read(policy, request, caller)
            .and_then(|call| call.identified(request))
            .map_err(|refusal| Failure::from(refusal).into_status(correlation_id))?;
        let mut request = message::request(policy, Message::of(request));
        request.extensions_mut().insert(call);
        let (head, body) = self.call(request).await.into_parts();
        if let Some(status) = Status::from_header_map(&head.headers) {
            return Err(status);
        }
        let body = body.collect().await?;
        match body.trailers().and_then(Status::from_header_map) {
            Some(status) if status.code() != tonic::Code::Ok => Err(status),
            Some(_) => raw_fields::message(&body.to_bytes())
                .ok_or_else(|| Status::internal("an rpc was not answered with one message")),
            None => Err(Status::internal("an rpc was answered without a status")),
        }
    }

    pub(crate) async fn call(&self, request: Request<Body>) -> Response<Body> {
        let answered: Result<_, Infallible> = self.routes.clone().call(request).await;
        match answered {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }
}

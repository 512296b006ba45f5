//! Runs requests behind the gate: those of callers that were let in, and those that a second person has agreed to.

use std::convert::Infallible;

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::BodyExt;
use tonic::{Status, body::Body, service::Routes};
use tower::Service;

use super::{
    Policy,
    message::{self, Message},
    wire,
};
use crate::auth::Caller;

/// The rpcs of a service, past the gate.
#[derive(Clone, Debug)]
pub struct Runner {
    routes: Routes,
}

impl Runner {
    pub(super) fn new(routes: Routes) -> Self {
        Self { routes: routes.prepare() }
    }

    /// Runs a request as `caller`. What is refused comes back as the caller is to be told it.
    pub async fn run(&self, policy: &Policy, request: &[u8], caller: Caller) -> Result<Bytes, Status> {
        let mut request = message::request(policy, Message::of(request));
        request.extensions_mut().insert(caller);
        let (head, body) = self.call(request).await.into_parts();
        if let Some(status) = Status::from_header_map(&head.headers) {
            return Err(status);
        }
        let body = body.collect().await?;
        match body.trailers().and_then(Status::from_header_map) {
            Some(status) if status.code() != tonic::Code::Ok => Err(status),
            Some(_) => wire::message(&body.to_bytes())
                .ok_or_else(|| Status::internal("an rpc was not answered with one message")),
            None => Err(Status::internal("an rpc was answered without a status")),
        }
    }

    pub(super) async fn call(&self, request: Request<Body>) -> Response<Body> {
        let answered: Result<_, Infallible> = self.routes.clone().call(request).await;
        match answered {
            Ok(response) => response,
            Err(never) => match never {},
        }
    }
}

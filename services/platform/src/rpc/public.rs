//! What is open to all: health and reflection. Their streams end when the server does, so that a client that only watches
//! does not keep it from stopping.

use std::{
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue};
use http_body::{Body as HttpBody, Frame};
use prost_reflect::DescriptorPool;
use tokio::sync::watch;
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};
use tonic::{Status, body::Body, service::Routes};
use tonic_health::{ServingStatus, server::HealthReporter};

use crate::leadership::Lead;

const HEALTH: &str = "grpc.health.v1.Health";
const REFLECTION: &str = "grpc.reflection.v1.ServerReflection";

/// All services together, as health names them.
pub const WHOLE_SERVER: &str = "";

/// The health service that says whether changes can be made through this server: it leads, or knows the leader.
pub const CHANGES: &str = "countinghouse.changes";

/// Whether a path is one of those that need no credentials.
pub fn is_public(path: &str) -> bool {
    [HEALTH, REFLECTION].iter().any(|name| {
        path.strip_prefix('/')
            .and_then(|rest| rest.strip_prefix(name))
            .is_some_and(|rest| rest.starts_with('/'))
    })
}

/// Health, which serves what `reporter` reports, and reflection of these services.
pub fn routes(
    contract: &DescriptorPool,
    services: &[&'static str],
    reporter: &HealthReporter,
) -> Result<Routes, tonic_reflection::server::Error> {
    let contract = contract.encode_to_vec();
    let mut reflection = tonic_reflection::server::Builder::configure()
        .register_encoded_file_descriptor_set(&contract)
        .register_encoded_file_descriptor_set(tonic_health::pb::FILE_DESCRIPTOR_SET);
    for name in services.iter().copied().chain([HEALTH, REFLECTION]) {
        reflection = reflection.with_service_name(name);
    }
    let health = tonic_health::server::HealthService::from_health_reporter(reporter.clone());
    Ok(Routes::new(tonic_health::pb::health_server::HealthServer::new(health))
        .add_service(reflection.build_v1()?)
        .prepare())
}

/// Reports whether the process takes work, each time that it changes, for as long as it lives.
pub async fn report(reporter: HealthReporter, services: Vec<&'static str>, mut ready: watch::Receiver<bool>) {
    loop {
        let is_ready = *ready.borrow_and_update();
        let status = if is_ready { ServingStatus::Serving } else { ServingStatus::NotServing };
        for name in services.iter().copied().chain([WHOLE_SERVER]) {
            reporter.set_service_status(name, status).await;
        }
        if ready.wait_for(|now| *now != is_ready).await.is_err() {
            return std::future::pending().await;
        }
    }
}

/// Reports whether it is known which replica leads, each time that it changes, for as long as the process lives. Where nobody leads, each
/// server can make changes by itself.
pub async fn report_lead(reporter: HealthReporter, lead: Option<watch::Receiver<Lead>>) {
    let Some(mut lead) = lead else {
        reporter.set_service_status(CHANGES, ServingStatus::Serving).await;
        return std::future::pending().await;
    };
    loop {
        let is_known = *lead.borrow_and_update() != Lead::Unknown;
        let status = if is_known { ServingStatus::Serving } else { ServingStatus::NotServing };
        reporter.set_service_status(CHANGES, status).await;
        if lead.wait_for(|now| (*now != Lead::Unknown) != is_known).await.is_err() {
            return std::future::pending().await;
        }
    }
}

/// A body that ends, as unavailable, when the server does.
pub struct Ending {
    body: Body,
    ended: Pin<Box<WaitForCancellationFutureOwned>>,
    has_ended: bool,
}

impl Ending {
    pub fn new(body: Body, ended: CancellationToken) -> Self {
        Self { body, ended: Box::pin(ended.cancelled_owned()), has_ended: false }
    }
}

impl HttpBody for Ending {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        if self.has_ended {
            return Poll::Ready(None);
        }
        if let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(context) {
            return Poll::Ready(frame);
        }
        ready!(self.ended.as_mut().poll(context));
        self.has_ended = true;
        let mut trailers = HeaderMap::new();
        trailers.insert(Status::GRPC_STATUS, HeaderValue::from_static("14"));
        Poll::Ready(Some(Ok(Frame::trailers(trailers))))
    }

    fn is_end_stream(&self) -> bool {
        self.has_ended || self.body.is_end_stream()
    }
}

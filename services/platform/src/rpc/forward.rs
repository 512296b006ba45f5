//! Forwards calls that only the leading replica can do: the request's bytes unchanged, and the answer unchanged. The leader
//! authenticates the caller; a service that showed its certificate here is named by this replica, which shows its own certificate.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response};
use http_body_util::{BodyExt, Collected, Full, Limited};
use tokio::{
    sync::{Mutex, Semaphore, watch},
    time,
};
use tonic::{
    body::Body,
    transport::{Channel, Endpoint},
};
use tower::ServiceExt;

use super::{
    CORRELATION_HEADER, ConfigError, RpcConfig,
    certificates::Certificates,
    deadline,
    metrics::{FORWARDED_HEADER, Observed, TRACEPARENT},
};
use crate::{
    call::Policy,
    leadership::Lead,
    refusal::{Refusal, reasons},
};

/// Names the service whose call is forwarded. Accepted only from a replica of this service.
pub const SERVICE_HEADER: HeaderName = HeaderName::from_static("x-countinghouse-service");

/// How long a connection to the leader may take: a leader that takes longer is about to be replaced.
const CONNECT_MAX: Duration = Duration::from_secs(1);

/// The largest answer that is passed back: clients read 4 MiB by default.
const ANSWER_BYTES_MAX: usize = 8 * 1024 * 1024;

/// When a caller may repeat a call: another replica leads by then, or soon.
const RETRY_AFTER: Duration = Duration::from_millis(200);

/// Forwards calls.
pub struct Forward {
    lead: watch::Receiver<Lead>,
    /// Calls that wait for the leader.
    places: Semaphore,
    places_max: u32,
    connection: Mutex<Option<Connection>>,
    certificates: Option<Arc<Certificates>>,
    keepalive_interval: Duration,
    keepalive_timeout: Duration,
}

/// A connection to the leader, and the certificates that it was made with.
struct Connection {
    leader: Arc<str>,
    made_with: Option<[u8; 32]>,
    channel: Channel,
}

/// Why a call was not answered by the leader.
enum Lost {
    Connection,
    Answer,
}

impl Forward {
    /// With the certificates that the server itself is known by.
    pub fn new(
        config: &RpcConfig,
        lead: watch::Receiver<Lead>,
        certificates: Option<Arc<Certificates>>,
    ) -> Result<Self, ConfigError> {
        if certificates.as_ref().is_some_and(|certificates| certificates.current().service.is_none()) {
            return Err(ConfigError::NoService);
        }
        let places_max = config.streams_per_connection_max;
        Ok(Self {
            lead,
            places: Semaphore::new(places_max.try_into().unwrap_or(Semaphore::MAX_PERMITS)),
            places_max,
            connection: Mutex::new(None),
            certificates,
            keepalive_interval: Duration::from_millis(config.keepalive_interval_ms),
            keepalive_timeout: Duration::from_millis(config.keepalive_timeout_ms),
        })
    }

    /// The leader that a call must be forwarded to; none for a call that can be done here, or nowhere.
    pub fn leader_for(&self, policy: &Policy, headers: &HeaderMap) -> Option<Arc<str>> {
        if policy.only_reads || headers.contains_key(FORWARDED_HEADER) {
            return None;
        }
        match &*self.lead.borrow() {
            Lead::At(address) => Some(address.clone()),
            Lead::Here | Lead::Unknown => None,
        }
    }

    /// Whether a certificate is one of this service's own replicas.
    pub fn is_own(&self, service: &str) -> bool {
        self.certificates.as_ref().is_some_and(|own| own.current().service.as_deref() == Some(service))
    }

    /// Forwards a call, for as long as the leader leads, and returns its answer.
    pub async fn pass(
        &self,
        leader: &Arc<str>,
        call: &Observed,
        service: Option<&str>,
        deadline: Duration,
        request: Request<Body>,
    ) -> Result<Response<Body>, Refusal> {
        let _place = self.places.try_acquire().map_err(|_| self.overloaded())?;
        let channel = self.connect(leader).await.map_err(|error| {
            tracing::debug!(%error, leader = &**leader, "the leader is not reached");
            lost_refusal(&Lost::Connection)
        })?;
        let answered = async {
            let response = channel.oneshot(onward(request, call, service, deadline)).await?;
            let (head, body) = response.into_parts();
            Ok::<_, tower::BoxError>((head, Limited::new(body, ANSWER_BYTES_MAX).collect().await?))
        };
        let mut lead = self.lead.clone();
        let lost = tokio::select! {
            answer = answered => match answer {
                Ok((head, body)) => {
                    return Ok(Response::from_parts(head, whole(body)));
                }
                Err(error) => {
                    tracing::debug!(%error, leader = &**leader, "the leader's answer is lost");
                    Lost::Answer
                }
            },
            // It becomes leader again only after another replica led, or as another process.
            _ = lead.wait_for(|now| !matches!(now, Lead::At(address) if address == leader)) => Lost::Answer,
        };
        self.forget(leader).await;
        Err(lost_refusal(&lost))
    }

    /// The connection to the leader, which all calls share. After a change of the certificates there is a new one, and calls in
    /// flight end on the old.
    async fn connect(&self, leader: &Arc<str>) -> Result<Channel, tower::BoxError> {
        let material = self.certificates.as_ref().map(|certificates| certificates.current());
        let made_with = material.as_ref().map(|material| material.digest);
        let mut connection = self.connection.lock().await;
        let is_good = |known: &&Connection| known.leader == *leader && known.made_with == made_with;
        if let Some(known) = connection.as_ref().filter(is_good) {
            return Ok(known.channel.clone());
        }
        let scheme = if material.is_some() { "https" } else { "http" };
        let mut endpoint = Endpoint::from_shared(format!("{scheme}://{leader}"))?
            .connect_timeout(CONNECT_MAX)
            .http2_keep_alive_interval(self.keepalive_interval)
            .keep_alive_timeout(self.keepalive_timeout);
        if let Some(material) = material {
            endpoint = endpoint.tls_config(material.client.clone())?;
        }
        let channel = time::timeout(CONNECT_MAX, endpoint.connect()).await??;
        *connection = Some(Connection { leader: leader.clone(), made_with, channel: channel.clone() });
        Ok(channel)
    }

    /// Opens a new connection the next time.
    async fn forget(&self, leader: &Arc<str>) {
        let mut connection = self.connection.lock().await;
        connection.take_if(|known| known.leader == *leader);
    }

    fn overloaded(&self) -> Refusal {
        reasons::OVERLOADED
            .refuse(format!(
                "{} calls are with the leading replica, and no more are passed on",
                self.places_max
            ))
            .retry_after(RETRY_AFTER)
    }
}

/// The same call, for the leader: with the time that it has left, and found under the same ids.
fn onward(
    request: Request<Body>,
    call: &Observed,
    service: Option<&str>,
    deadline: Duration,
) -> Request<Body> {
    let (head, body) = request.into_parts();
    let mut onward = Request::new(body);
    *onward.method_mut() = head.method;
    *onward.uri_mut() = head.uri;
    *onward.headers_mut() = head.headers;
    let headers = onward.headers_mut();
    headers.insert(FORWARDED_HEADER, HeaderValue::from_static("1"));
    headers.insert(deadline::HEADER, deadline::header(deadline));
    set(headers, CORRELATION_HEADER, Some(&call.correlation_id.to_string()));
    set(headers, SERVICE_HEADER, service);
    if call.traceparent.is_some() {
        set(headers, TRACEPARENT, call.traceparent.as_deref());
    }
    onward
}

/// The body of a complete answer. An answer of headers alone stays so: some clients require it.
fn whole(body: Collected<Bytes>) -> Body {
    let trailers = body.trailers().cloned();
    let data = body.to_bytes();
    if data.is_empty() && trailers.is_none() {
        return Body::empty();
    }
    Body::new(Full::new(data).with_trailers(async { trailers.map(Ok) }))
}

/// Sets a header of this replica, and removes what the caller sent under its name.
fn set(headers: &mut HeaderMap, name: HeaderName, value: Option<&str>) {
    headers.remove(&name);
    if let Some(value) = value.and_then(|value| HeaderValue::try_from(value).ok()) {
        headers.insert(name, value);
    }
}

fn lost_refusal(lost: &Lost) -> Refusal {
    match lost {
        Lost::Connection => reasons::LEADER_UNREACHABLE.refuse("the replica that leads cannot be reached"),
        Lost::Answer => reasons::LEADER_LOST.refuse("the replica that leads was lost before it answered"),
    }
    .retry_after(RETRY_AFTER)
}

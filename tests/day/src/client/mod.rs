//! The public API as the day uses it: every call with a token and a deadline, repeated with the same `request_id` when the
//! service is away, and approved by a second person where the service asks for one.

mod read;
mod refusal;

use std::time::Duration;

use anyhow::{Context, Result, bail};
use proto_common::{
    Rpc,
    approval::v1::{
        ApproveRequestRequest, ApproveRequestResponse, RejectRequestRequest, RejectRequestResponse,
    },
};
use tonic::{
    metadata::{Ascii, MetadataValue},
    transport::{Channel, Endpoint},
};

pub use refusal::Refusal;

/// How long one attempt may take.
const ATTEMPT_MAX: Duration = Duration::from_secs(10);

/// How often a call is tried: with the delays below about half a minute in all, longer than a restart of the service.
const ATTEMPTS_MAX: u32 = 12;

/// The delay before the second attempt; it doubles up to [`DELAY_MAX`].
const DELAY_FIRST: Duration = Duration::from_millis(50);

/// The longest delay between two attempts.
const DELAY_MAX: Duration = Duration::from_secs(4);

/// A bearer token in an `authorization` header; none for a caller who does not say who it is.
#[derive(Debug, Clone)]
pub struct Token(Option<MetadataValue<Ascii>>);

impl Token {
    pub fn bearer(token: &str) -> Result<Self> {
        Ok(Self(Some(format!("Bearer {token}").parse().context("the token is no header value")?)))
    }

    pub fn none() -> Self {
        Self(None)
    }

    /// The token alone, as a file holds it.
    pub fn text(&self) -> Result<&str> {
        let header = self.0.as_ref().context("nobody's token")?.to_str()?;
        header.strip_prefix("Bearer ").context("a bearer token")
    }

    /// What stands in the header, if anything does.
    pub fn header(&self) -> Option<&MetadataValue<Ascii>> {
        self.0.as_ref()
    }

    /// The request with the token and a deadline.
    pub fn on<T>(&self, request: T, within: Duration) -> tonic::Request<T> {
        let mut request = tonic::Request::new(request);
        if let Some(token) = &self.0 {
            request.metadata_mut().insert("authorization", token.clone());
        }
        request.set_timeout(within);
        request
    }
}

/// The service's API.
#[derive(Debug, Clone)]
pub struct Client {
    channel: Channel,
}

impl Client {
    /// A client of the service at `endpoint`, as `http://127.0.0.1:7001`. Connects when it is first used.
    pub fn of(endpoint: &str) -> Result<Self> {
        let endpoint =
            Endpoint::from_shared(endpoint.to_owned()).context("the service's endpoint is no URL")?;
        Ok(Self { channel: endpoint.connect_timeout(ATTEMPT_MAX).connect_lazy() })
    }

    /// Sends a request, again with the same id while the service is away or overloaded, until it is answered or refused in a way
    /// that a repeat would not change.
    pub async fn send<M: Rpc>(&self, token: &Token, request: &M) -> Result<M::Response, Refusal> {
        let mut delay = DELAY_FIRST;
        for _ in 1..ATTEMPTS_MAX {
            match self.send_once(token, request).await {
                Err(refusal) if refusal.is_transient() => {
                    tokio::time::sleep(refusal.retry_after.unwrap_or(delay).min(DELAY_MAX)).await;
                    delay = (delay * 2).min(DELAY_MAX);
                }
                outcome => return outcome,
            }
        }
        self.send_once(token, request).await
    }

    async fn send_once<M: Rpc>(&self, token: &Token, request: &M) -> Result<M::Response, Refusal> {
        let request = token.on(request.clone(), ATTEMPT_MAX);
        testkit::send(self.channel.clone(), request).await.map_err(Refusal::from)
    }

    /// Sends a request that needs a second person; this one approves it, and the maker gets the answer by repeating it. A
    /// request that was approved before is answered at once.
    pub async fn send_approved<M: Rpc>(
        &self,
        maker: &Token,
        checker: &Token,
        request: &M,
    ) -> Result<M::Response, Refusal> {
        let outcome = self.send(maker, request).await;
        let approval = outcome.as_ref().err().and_then(Refusal::approval).map(str::to_owned);
        let Some(approval) = approval else { return outcome };
        self.approve(checker, &approval).await?;
        self.send(maker, request).await
    }

    /// Approves a request.
    pub async fn approve(&self, checker: &Token, approval: &str) -> Result<ApproveRequestResponse, Refusal> {
        self.send(checker, &ApproveRequestRequest { name: approval.to_owned() }).await
    }

    /// Rejects a request.
    pub async fn reject(
        &self,
        checker: &Token,
        approval: &str,
        reason: &str,
    ) -> Result<RejectRequestResponse, Refusal> {
        let request = RejectRequestRequest { name: approval.to_owned(), reason: reason.to_owned() };
        self.send(checker, &request).await
    }
}

/// Waits until the service answers at all.
pub async fn wait_until_served(client: &Client, token: &Token, at_most: Duration) -> Result<()> {
    let served = tokio::time::timeout(at_most, client.business_day(token)).await;
    match served.context("the service does not answer")? {
        Ok(_) => Ok(()),
        Err(refusal) => bail!("the service does not serve: {refusal}"),
    }
}

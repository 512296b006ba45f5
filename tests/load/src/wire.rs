//! gRPC on HTTP/2 itself: a stack of layers in the client would take from the service what it measures.

use anyhow::{Context, Result};
use bytes::{Bytes, BytesMut};
use day::client::{Refusal, Token};
use h2::{RecvStream, client::SendRequest};
use http::{HeaderMap, HeaderValue, Method, Request, Uri, header};
use platform::rpc::CoalescedIo;
use tokio::net::TcpStream;
use tonic::{Code, Status};

/// How long one attempt may take; the service ends it then.
const DEADLINE: &str = "30S";

/// Answers are small, and this many of them fit without a word about flow control.
const STREAM_WINDOW_BYTES: u32 = 1 << 20;
const CONNECTION_WINDOW_BYTES: u32 = 16 << 20;

/// What stands before a message: whether it is compressed, and its length.
const PREFIX_BYTES: usize = 5;

/// Why a call has no answer.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    #[error("the service refused: {0}")]
    Refused(#[from] Refusal),
    #[error("the connection to the service broke")]
    Lost(#[from] h2::Error),
    #[error("the service does not speak gRPC: {0}")]
    Foreign(&'static str),
}

/// Where an rpc is.
pub fn rpc(address: &str, path: &str) -> Result<Uri> {
    format!("http://{address}/countinghouse.accounting.v1.{path}").parse().context("the address is none")
}

/// The headers of every call that is made with a token.
pub fn headers(token: &Token) -> Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    headers.insert(header::TE, HeaderValue::from_static("trailers"));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert("grpc-timeout", HeaderValue::from_static(DEADLINE));
    if let Some(value) = token.header() {
        headers.insert(header::AUTHORIZATION, HeaderValue::from_bytes(value.as_bytes())?);
    }
    Ok(headers)
}

/// A connection, shared by the calls on it.
#[derive(Clone)]
pub struct Connection(SendRequest<Bytes>);

impl Connection {
    /// Connects to `address`.
    pub async fn open(address: &str) -> Result<Self> {
        let stream = TcpStream::connect(address).await.with_context(|| format!("connect to {address}"))?;
        stream.set_nodelay(true)?;
        let (sender, connection) = h2::client::Builder::new()
            .initial_window_size(STREAM_WINDOW_BYTES)
            .initial_connection_window_size(CONNECTION_WINDOW_BYTES)
            .enable_push(false)
            .handshake(CoalescedIo::over(stream))
            .await?;
        // Its failure is the failure of every call on it, which tells it.
        tokio::task::spawn_local(async move { drop(connection.await) });
        Ok(Self(sender))
    }

    /// Sends a framed message and waits for the answer, without its frame.
    pub async fn call(&self, rpc: &Uri, headers: &HeaderMap, frame: Bytes) -> Result<Bytes, CallError> {
        let mut request = Request::new(());
        *request.method_mut() = Method::POST;
        *request.uri_mut() = rpc.clone();
        *request.headers_mut() = headers.clone();
        let mut sender = self.0.clone().ready().await?;
        let (response, mut body) = sender.send_request(request, false)?;
        body.send_data(frame, true)?;

        let (head, mut body) = response.await?.into_parts();
        if let Some(status) = Status::from_header_map(&head.headers) {
            return answered(Bytes::new(), status);
        }
        let message = message(&mut body).await?;
        let trailers = body.trailers().await?.unwrap_or_default();
        match Status::from_header_map(&trailers) {
            Some(status) => answered(message, status),
            None => Err(CallError::Foreign("the answer has no status")),
        }
    }
}

async fn message(body: &mut RecvStream) -> Result<Bytes, CallError> {
    let mut whole = Bytes::new();
    while let Some(part) = body.data().await {
        let part = part?;
        body.flow_control().release_capacity(part.len())?;
        whole = if whole.is_empty() { part } else { joined(&whole, &part) };
    }
    Ok(whole)
}

fn joined(whole: &[u8], part: &[u8]) -> Bytes {
    let mut bytes = BytesMut::from(whole);
    bytes.extend_from_slice(part);
    bytes.freeze()
}

fn answered(mut message: Bytes, status: Status) -> Result<Bytes, CallError> {
    if status.code() != Code::Ok {
        return Err(Refusal::from(status).into());
    }
    if message.len() < PREFIX_BYTES || message[0] != 0 {
        return Err(CallError::Foreign("the answer has no frame, or is compressed"));
    }
    Ok(message.split_off(PREFIX_BYTES))
}

#[cfg(test)]
pub mod tests {
    use std::cell::Cell;

    use http::Response;
    use tokio::{net::TcpListener, task::LocalSet};

    use super::*;

    /// A service that answers the n-th call with the n-th status, and calls beyond with the last; on port 0.
    pub async fn service(statuses: &'static [&'static str]) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::task::spawn_local(async move {
            let calls = std::rc::Rc::new(Cell::new(0));
            while let Ok((stream, _)) = listener.accept().await {
                let calls = calls.clone();
                tokio::task::spawn_local(async move {
                    let mut connection = h2::server::handshake(stream).await.unwrap();
                    while let Some(Ok((_, mut respond))) = connection.accept().await {
                        let status = statuses[calls.get().min(statuses.len() - 1)];
                        calls.set(calls.get() + 1);
                        let mut body = respond.send_response(Response::new(()), false).unwrap();
                        body.send_data(Bytes::from_static(&[0, 0, 0, 0, 2]), false).unwrap();
                        body.send_data(Bytes::from_static(b"ok"), false).unwrap();
                        let mut trailers = HeaderMap::new();
                        trailers.insert("grpc-status", HeaderValue::from_static(status));
                        body.send_trailers(trailers).unwrap();
                    }
                });
            }
        });
        address
    }

    #[tokio::test]
    async fn a_call_is_answered_or_refused() {
        let test = async {
            let address = service(&["0", "9"]).await;
            let connection = Connection::open(&address).await.unwrap();
            let rpc = rpc(&address, "PostingService/PostTransaction").unwrap();
            let headers = headers(&Token::none()).unwrap();
            let frame = Bytes::from_static(&[0, 0, 0, 0, 0]);
            assert_eq!(connection.call(&rpc, &headers, frame.clone()).await.unwrap(), "ok");
            match connection.call(&rpc, &headers, frame).await {
                Err(CallError::Refused(refusal)) => assert_eq!(refusal.code, Code::FailedPrecondition),
                other => panic!("{other:?}"),
            }
        };
        LocalSet::new().run_until(test).await;
    }
}

//! Reads the whole body of a request: bounded, decompressed, one message. And makes the body of an answer that is complete.

use bytes::{Buf, Bytes};
use http::{HeaderMap, HeaderValue, Request, Response, header::CONTENT_TYPE};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use tonic::{
    Code, Status,
    body::Body,
    codec::{CompressionEncoding, DecodeBuf, Decoder, Streaming},
};

use super::{Policy, raw_fields};
use crate::refusal::{Refusal, reasons};

const ENCODING: &str = "grpc-encoding";
const GRPC: HeaderValue = HeaderValue::from_static("application/grpc");

/// The message of a request, as it is and as the frame that the codecs read.
#[derive(Clone, Debug)]
pub struct Message {
    frame: Bytes,
}

impl Message {
    pub fn of(bytes: &[u8]) -> Self {
        Self { frame: raw_fields::frame(bytes) }
    }

    pub fn bytes(&self) -> &[u8] {
        self.frame.get(raw_fields::FRAME_HEAD_BYTES..).unwrap_or_default()
    }

    /// A request that carries it.
    pub fn into_body(self) -> Body {
        Body::new(Full::new(self.frame))
    }
}

/// Reads the message of a request. A compressed one is decompressed here, so that nothing behind the gate has to.
pub async fn read(headers: &mut HeaderMap, body: Body, bytes_max: usize) -> Result<Message, Refusal> {
    let frame = match Limited::new(body, bytes_max + raw_fields::FRAME_HEAD_BYTES).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) if error.is::<LengthLimitError>() => return Err(too_large(bytes_max)),
        Err(error) => return Err(malformed(&format!("it broke off: {error}"))),
    };
    match headers.remove(ENCODING) {
        Some(encoding) if encoding == "gzip" => unpack(frame, bytes_max).await,
        Some(encoding) if encoding != "identity" => Err(reasons::FIELD_INVALID
            .refuse("the request is packed in a way that is not known here")
            .field(ENCODING, "must be identity or gzip")),
        _ if raw_fields::message(&frame).is_some() => Ok(Message { frame }),
        _ => Err(malformed("it is not one whole gRPC frame")),
    }
}

async fn unpack(frame: Bytes, bytes_max: usize) -> Result<Message, Refusal> {
    let mut frames =
        Streaming::new_request(Whole, Full::new(frame), Some(CompressionEncoding::Gzip), Some(bytes_max));
    let unpacked = |status: Status| match status.code() {
        Code::OutOfRange | Code::ResourceExhausted => too_large(bytes_max),
        _ => malformed(status.message()),
    };
    let message = frames.message().await.map_err(unpacked)?;
    let more = frames.message().await.map_err(unpacked)?;
    match (message, more) {
        (Some(message), None) => Ok(Message::of(&message)),
        _ => Err(malformed("it is not one whole gRPC frame")),
    }
}

/// A codec that leaves messages encoded.
struct Whole;

impl Decoder for Whole {
    type Item = Bytes;
    type Error = Status;

    fn decode(&mut self, source: &mut DecodeBuf<'_>) -> Result<Option<Bytes>, Status> {
        Ok(Some(source.copy_to_bytes(source.remaining())))
    }
}

fn too_large(bytes_max: usize) -> Refusal {
    reasons::REQUEST_TOO_LARGE
        .refuse(format!("the request is larger than {bytes_max} bytes"))
        .with("bytes_max", bytes_max.to_string())
}

fn malformed(what: &str) -> Refusal {
    reasons::FIELD_INVALID
        .refuse(format!("the request is malformed: {what}"))
        .field("request", "must be one gRPC message")
}

/// A request to an rpc, as a client makes it.
pub fn request(policy: &Policy, message: Message) -> Request<Body> {
    let mut request = Request::new(message.into_body());
    *request.method_mut() = http::Method::POST;
    *request.version_mut() = http::Version::HTTP_2;
    *request.uri_mut() = http::Uri::try_from(&*policy.path).expect("invariant: an rpc's path is a URI");
    request.headers_mut().insert(CONTENT_TYPE, GRPC);
    request.headers_mut().insert("te", HeaderValue::from_static("trailers"));
    request
}

/// The answer with a complete message.
pub fn response(message: &[u8]) -> Response<Body> {
    let mut trailers = HeaderMap::new();
    trailers.insert(Status::GRPC_STATUS, HeaderValue::from_static("0"));
    let body = Full::new(raw_fields::frame(message)).with_trailers(async { Some(Ok(trailers)) });
    let mut response = Response::new(Body::new(body));
    response.headers_mut().insert(CONTENT_TYPE, GRPC);
    response
}

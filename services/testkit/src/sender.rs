//! Sends requests to their rpcs, which the contract names, so that no client has a list of rpcs.

use proto_common::Rpc;
use tonic::{Request, Status, client::Grpc, codegen::http::uri::PathAndQuery, transport::Channel};
use tonic_prost::ProstCodec;

/// Sends a request to its rpc, once.
pub async fn send<M: Rpc>(channel: Channel, request: Request<M>) -> Result<M::Response, Status> {
    let mut client = Grpc::new(channel);
    client
        .ready()
        .await
        .map_err(|error| Status::unavailable(format!("the service cannot be reached: {error}")))?;
    let path = PathAndQuery::from_static(M::PATH);
    client.unary(request, path, ProstCodec::default()).await.map(tonic::Response::into_inner)
}

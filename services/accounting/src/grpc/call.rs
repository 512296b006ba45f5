//! A call: who makes it, and how it becomes a command for the writer or an enquiry.

use platform::{auth::Caller, idempotency, refusal::Failure};
use prost::Message;
use tonic::{Request, Response, Status};

use super::{
    Api,
    stamp::{Stamp, Stamped},
};
use crate::{
    app::{
        enquiry::Enquiries,
        writer::{Ask, Rpc},
    },
    domain::{
        Digest,
        command::{Action, Answer, Command, Origin},
        ids::{BranchCode, OperatorCode},
    },
    wire,
};

/// Longest branch code.
const BRANCH_CHARS_MAX: usize = 6;

impl Api {
    /// Makes a command of a request, has the writer do it, and makes a response of the answer.
    pub(super) async fn command<M: Message + Stamped, R>(
        &self,
        rpc: Rpc,
        request: Request<M>,
        ask: fn(M) -> Result<Action, Failure>,
        tell: fn(Answer) -> Result<R, Failure>,
    ) -> Result<Response<R>, Status> {
        let caller = Caller::of(&request)?;
        let correlation_id = caller.correlation_id;
        let request = request.into_inner();
        let done = async {
            let bytes = request.encode_to_vec();
            let digest = digest(rpc, &caller.actor.id, &bytes);
            let origin = origin(caller, &request.stamp(), digest)?;
            let command = Command { origin, action: ask(request)? };
            let answer = self.writer.submit(Ask { command, rpc, correlation_id, bytes: bytes.len() }).await?;
            tell(answer)
        };
        done.await.map(Response::new).map_err(|failure: Failure| failure.into_status(correlation_id))
    }

    /// Answers a request that only reads.
    pub(super) async fn enquiry<M, R>(
        &self,
        request: Request<M>,
        answer: impl AsyncFnOnce(&Enquiries, M) -> Result<R, Failure>,
    ) -> Result<Response<R>, Status> {
        let correlation_id = Caller::of(&request)?.correlation_id;
        let answered = answer(&self.enquiries, request.into_inner()).await;
        answered.map(Response::new).map_err(|failure| failure.into_status(correlation_id))
    }
}

/// Who asks, where, and as which request. A preview is only ever a dry run: the writer is told so whatever the request says.
fn origin(caller: Caller, stamp: &Stamp<'_>, digest: Digest) -> Result<Origin, Failure> {
    Ok(Origin {
        request_id: idempotency::request_id(stamp.request_id)?,
        digest,
        branch: BranchCode::new(wire::code("branch", stamp.branch.to_owned(), BRANCH_CHARS_MAX)?),
        operator: OperatorCode::new(caller.actor.id.as_str()),
        authoriser: caller.approver.map(|approver| OperatorCode::new(approver.id.as_str())),
        assume_authorised: caller.preview,
        dry_run: stamp.validate_only || caller.preview,
        traceparent: caller.traceparent,
    })
}

/// Tells a repeat from another request under the same id: another rpc, another caller, or other content.
fn digest(rpc: Rpc, actor: &str, request: &[u8]) -> Digest {
    let mut hasher = blake3::Hasher::new();
    for text in [rpc.service, rpc.method, actor] {
        hasher.update(text.as_bytes()).update(&[0]);
    }
    Digest(hasher.update(request).finalize().into())
}

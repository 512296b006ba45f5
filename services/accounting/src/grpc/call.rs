//! How a call becomes a command for the writer.

use platform::{
    call::Call,
    refusal::{Failure, Refusal},
};
use tonic::{Request, Response, Status};

use super::Api;
use crate::{
    app::writer::Submission,
    domain::{
        Digest,
        command::{Action, Answer, Command, Origin},
        ids::{BranchCode, OperatorCode},
    },
};

/// Longest branch code.
const BRANCH_CHARS_MAX: usize = 6;

impl Api {
    /// Makes a command of a request, has the writer do it, and makes a response of the answer.
    pub(super) async fn command<M, R>(
        &self,
        request: Request<M>,
        from_proto: fn(M) -> Result<Action, Refusal>,
        to_proto: fn(Answer) -> Result<R, Failure>,
    ) -> Result<Response<R>, Status> {
        let call = Call::of(&request)?;
        let (correlation_id, method) = (call.caller.correlation_id, call.policy.method.clone());
        let done = async {
            let (origin, bytes) = (origin(&call)?, call.bytes);
            let command = Command { origin, action: from_proto(request.into_inner())? };
            let answer = self.writer.submit(Submission { command, method, correlation_id, bytes }).await?;
            to_proto(answer)
        };
        done.await.map(Response::new).map_err(|failure: Failure| failure.into_status(correlation_id))
    }
}

/// Who acts, where, and as which request.
fn origin(call: &Call) -> Result<Origin, Failure> {
    Ok(Origin {
        request_id: call
            .request_id
            .ok_or_else(|| Failure::fault("an rpc that changes something has no request id"))?,
        digest: Digest(call.digest),
        branch: BranchCode::new(form::code("branch", call.scope.to_string(), BRANCH_CHARS_MAX)?),
        operator: OperatorCode::new(call.caller.actor.id.as_str()),
        authoriser: call.caller.approver.as_ref().map(|approver| OperatorCode::new(approver.id.as_str())),
        assume_authorised: call.caller.preview,
        dry_run: call.is_dry_run(),
        traceparent: call.caller.traceparent.clone(),
    })
}

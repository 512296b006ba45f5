//! One call, and how it can end: answered, lost in a way that a repeat settles, or otherwise, which is a defect.

use std::{error::Error, time::Duration};

use day::client::Token;
use proto_accounting::v1::PostTransactionRequest;
use tonic::{Code, Status, transport::Channel};
use tonic_types::StatusExt;
use uuid::Uuid;

/// How long a call may take.
pub const ATTEMPT_MAX: Duration = Duration::from_secs(3);

/// A request, with the token of its caller.
#[derive(Debug, Clone)]
pub struct SentRequest {
    pub token: Token,
    pub request: PostTransactionRequest,
}

/// How a call ended.
#[derive(Debug)]
pub enum Attempt {
    /// Posted, under this number.
    Posted(i64),
    /// Refused for the moment, or the connection was lost: whether it was done is settled by a repeat.
    Lost,
    /// In a way that no fault excuses.
    Defect(String),
}

impl SentRequest {
    /// The id that the journal knows it by.
    pub fn id(&self) -> Uuid {
        self.request.request_id.parse().unwrap_or_default()
    }

    /// Sends it once.
    pub async fn send(&self, channel: &Channel, within: Duration) -> Attempt {
        let call = testkit::send(channel.clone(), self.token.on(self.request.clone(), within));
        // A halted replica may not even take the request.
        match tokio::time::timeout(2 * within, call).await {
            Err(_) => Attempt::Lost,
            Ok(Ok(answer)) => match answer.posting {
                Some(posting) => Attempt::Posted(posting.number),
                None => Attempt::Defect("an answer without a posting".to_owned()),
            },
            Ok(Err(status)) if is_lost(&status) => Attempt::Lost,
            Ok(Err(status)) => Attempt::Defect(format!(
                "{}: {:?}: {}",
                status.get_details_error_info().map(|info| info.reason).unwrap_or_default(),
                status.code(),
                status.message()
            )),
        }
    }
}

/// Whether a caller may repeat: the service says so, or the client itself found the connection gone.
fn is_lost(status: &Status) -> bool {
    matches!(status.code(), Code::Unavailable | Code::ResourceExhausted | Code::DeadlineExceeded)
        || status.source().is_some()
        || (status.code() == Code::Cancelled && status.details().is_empty())
}

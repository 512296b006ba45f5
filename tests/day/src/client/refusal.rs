//! Why a call was not answered.

use std::{collections::HashMap, time::Duration};

use tonic::{Code, Status};
use tonic_types::StatusExt;

/// A refusal, as the service's clients know it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// The stable reason, as `docs/errors.md` lists them; empty when the service gave none.
    pub reason: String,
    pub code: Code,
    pub message: String,
    pub metadata: HashMap<String, String>,
    /// How long to wait before a repeat, when the service said so.
    pub retry_after: Option<Duration>,
}

impl Refusal {
    /// Whether the same request may be answered if it is sent again.
    pub fn is_transient(&self) -> bool {
        matches!(self.code, Code::Unavailable | Code::ResourceExhausted | Code::DeadlineExceeded)
    }

    /// The approval that the request waits for, when that is why it was refused.
    pub fn approval(&self) -> Option<&str> {
        let name = self.metadata.get("approval")?;
        (self.reason == "APPROVAL_REQUIRED").then_some(name)
    }
}

impl From<Status> for Refusal {
    fn from(status: Status) -> Self {
        let details = status.get_error_details();
        let (reason, metadata) =
            details.error_info().map(|info| (info.reason.clone(), info.metadata.clone())).unwrap_or_default();
        let retry_after = details.retry_info().and_then(|info| info.retry_delay);
        Self { reason, code: status.code(), message: status.message().to_owned(), metadata, retry_after }
    }
}

impl std::fmt::Display for Refusal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} ({:?}): {}", self.reason, self.code, self.message)
    }
}

impl std::error::Error for Refusal {}

#[cfg(test)]
mod tests {
    use tonic_types::ErrorDetails;

    use super::*;

    #[test]
    fn a_status_holds_reason_metadata_and_delay() {
        let mut details = ErrorDetails::with_error_info(
            "APPROVAL_REQUIRED",
            "countinghouse",
            [("approval".to_owned(), "approvals/7".to_owned())],
        );
        details.set_retry_info(Some(Duration::from_millis(200)));
        let status =
            Status::with_error_details(Code::FailedPrecondition, "a second person must agree", details);
        let refusal = Refusal::from(status);
        assert_eq!(refusal.approval(), Some("approvals/7"));
        assert_eq!(refusal.retry_after, Some(Duration::from_millis(200)));
        assert!(!refusal.is_transient());
    }

    #[test]
    fn a_status_without_details_has_no_reason() {
        let refusal = Refusal::from(Status::unavailable("gone"));
        assert_eq!(refusal.reason, "");
        assert!(refusal.is_transient());
        assert_eq!(refusal.approval(), None);
    }
}

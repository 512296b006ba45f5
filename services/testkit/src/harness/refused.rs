use std::{collections::HashMap, time::Duration};

use tonic::{Code, Status};
use tonic_types::StatusExt;

/// A call that was not done, as a program reads it.
#[derive(Debug, Clone, PartialEq)]
pub struct Refused {
    pub code: Code,
    /// Empty for a fault.
    pub reason: String,
    /// The first field at fault; empty when there is none.
    pub field: String,
    pub metadata: HashMap<String, String>,
    pub message: String,
    /// When a repeat may succeed.
    pub retry_after: Option<Duration>,
}

impl Refused {
    /// Whether a repeat of the same request may succeed.
    pub fn is_transient(&self) -> bool {
        self.code == Code::Unavailable || self.reason == "OVERLOADED"
    }
}

impl From<Status> for Refused {
    fn from(status: Status) -> Self {
        let details = status.get_error_details();
        let info = details.error_info();
        let fields = details.bad_request().map(|bad| bad.field_violations.as_slice()).unwrap_or_default();
        Refused {
            code: status.code(),
            reason: info.map(|info| info.reason.clone()).unwrap_or_default(),
            field: fields.first().map(|violation| violation.field.clone()).unwrap_or_default(),
            metadata: info.map(|info| info.metadata.clone()).unwrap_or_default(),
            message: status.message().to_owned(),
            retry_after: details.retry_info().and_then(|retry| retry.retry_delay),
        }
    }
}

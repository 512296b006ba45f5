//! Who made a change, and when.

use chrono::{DateTime, Utc};
use uuid::Uuid;

use super::ids::OperatorCode;

/// Who made a change, who approved it, and when.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded {
    pub request_id: Uuid,
    pub operator: OperatorCode,
    pub authoriser: Option<OperatorCode>,
    pub at: DateTime<Utc>,
    pub traceparent: Option<String>,
}

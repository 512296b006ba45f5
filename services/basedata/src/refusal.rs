//! Why a decision that uses base data is refused.

use chrono::{DateTime, Utc};

use crate::ids::{BranchCode, OperatorCode};

/// A refusal by base data: the rule that was broken, and where.
pub type Refusal = ::refusal::Violation<Rule>;

::refusal::rules! {
    /// The rules of base data that all services keep.
    pub enum Rule {
        CalendarMissing { year: i32 } = "no calendar is loaded for {year}" => {
            reason: CALENDAR_MISSING, kind: FailedPrecondition,
            meaning: "No calendar is loaded for the year.",
            remedy: "Load the year's calendar with `ChangeBaseData`.",
        }
        NoBusinessDay = "no business day is open" => {
            reason: NO_BUSINESS_DAY, kind: FailedPrecondition,
            meaning: "No business day is open yet.",
            remedy: "Open one with `OpenBusinessDay`.",
        }
        OperatorUnknown { operator: OperatorCode } = "operator {operator} is unknown" => {
            reason: OPERATOR_UNKNOWN, kind: PermissionDenied,
            meaning: "The caller is no operator of base data.",
            remedy: "Have the operator set up with `ChangeBaseData`.",
        }
        OperatorSuspended { operator: OperatorCode } = "operator {operator} is suspended" => {
            reason: OPERATOR_SUSPENDED, kind: PermissionDenied,
            meaning: "The operator is suspended.",
            remedy: "Ask the operations department.",
        }
        BranchUnknown { branch: BranchCode } = "branch {branch} is unknown" => {
            reason: BRANCH_UNKNOWN, kind: FailedPrecondition,
            meaning: "The branch is unknown on the business date.",
            remedy: "Use a branch of base data.",
        }
        BranchClosed { branch: BranchCode } = "branch {branch} is closed" => {
            reason: BRANCH_CLOSED, kind: FailedPrecondition,
            meaning: "The branch is closed.",
            remedy: "Act in another branch.",
        }
        BaseDataMissing = "base data has not been read yet" => {
            reason: BASE_DATA_BEHIND, kind: Unavailable,
            meaning: "The service's copy of base data is behind by more than is allowed, or has not been read yet, so that nothing is decided by it.",
            remedy: "Repeat the request with the same `request_id`; see to Kafka and to accounting when it lasts.",
        }
        BaseDataBehind { read_at: DateTime<Utc> } = "base data was last read whole at {read_at}" => BASE_DATA_BEHIND;
    }
}

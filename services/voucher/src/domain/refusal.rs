//! Why voucher refuses: each rule with its values, its message, and the reason by which callers know it.

use ::refusal::{Violation, reasons};
use basedata::{
    ids::{BranchCode, OperatorCode},
    refusal::{self as shared},
};
use chrono::NaiveDate;

/// A refusal of voucher: the rule that was broken, and where.
pub type Refusal = Violation<Rule>;

::refusal::rules! {
    /// The rules of vouchers.
    pub enum Rule {
        FieldInvalid(String) = "{0}" => reasons::FIELD_INVALID;
        SecondPersonRequired = "a range changes hands between two persons" => reasons::APPROVAL_REQUIRED;
        OperatorUnknown { operator: OperatorCode } = "operator {operator} is unknown" => shared::OPERATOR_UNKNOWN;
        OperatorOfAnotherBranch { operator: OperatorCode, branch: BranchCode, expected: BranchCode }
            = "operator {operator} is of branch {branch}, not {expected}" => {
            reason: OPERATOR_OF_ANOTHER_BRANCH, kind: PermissionDenied,
            meaning: "Vouchers are received, handed over and taken over by operators of the branch concerned.",
            remedy: "Have an operator of that branch do it.",
        }
        SameBranch { branch: BranchCode } = "branch {branch} holds them already" => {
            reason: SAME_BRANCH, kind: InvalidArgument,
            meaning: "A range is moved to another branch than the one that holds it.",
            remedy: "Name the branch that is to hold it.",
        }
        KindUnknown { kind: String, on: NaiveDate } = "there is no kind {kind} on {on}" => {
            reason: KIND_UNKNOWN, kind: FailedPrecondition,
            meaning: "The kind of voucher is unknown on the business date.",
            remedy: "Use a kind that `ListKinds` shows, or set it with `ChangeKinds`.",
        }
        KindClosed { kind: String } = "kind {kind} is closed" => {
            reason: KIND_CLOSED, kind: FailedPrecondition,
            meaning: "No more of the kind may be printed.",
            remedy: "Use the kind that has taken its place.",
        }
        NumberInvalid { kind: String, prefix: String, digits: u8 }
            = "numbers of kind {kind} are {prefix:?} and {digits} digits" => {
            reason: NUMBER_INVALID, kind: InvalidArgument,
            meaning: "The number does not have the form of its kind's numbers.",
            remedy: "Check prefix and digits, leading zeros included.",
        }
        RangeReversed { first: String, last: String } = "{first} is after {last}" => {
            reason: RANGE_REVERSED, kind: InvalidArgument,
            meaning: "The range ends before it begins.",
            remedy: "Give the first number first.",
        }
        CountWrong { count: i64, expected: i64 } = "the range has {expected} numbers, not {count}" => {
            reason: COUNT_WRONG, kind: InvalidArgument,
            meaning: "The range has another number of pieces than the request says.",
            remedy: "Check both numbers and the count; leave the count 0 to have it counted.",
        }
        RangeTooLarge { count: i64, count_max: i64 } = "{count} numbers are more than {count_max}" => {
            reason: RANGE_TOO_LARGE, kind: InvalidArgument,
            meaning: "The range has more numbers than one batch may have.",
            remedy: "Split it.",
        }
        NumbersReceived { kind: String, first: String, last: String }
            = "some of {first} to {last} were received before" => {
            reason: NUMBERS_RECEIVED, kind: AlreadyExists,
            meaning: "Numbers of the batch were received in another one: a number enters once.",
            remedy: "Check the numbers on the boxes; `ListHoldings` shows what was received.",
        }
        NumbersNotHeld { kind: String, branch: BranchCode, missing: String }
            = "branch {branch} does not hold {missing} of kind {kind}" => {
            reason: NUMBERS_NOT_HELD, kind: FailedPrecondition,
            meaning: "The branch does not hold all numbers of the range.",
            remedy: "Move what it holds; `ListHoldings` shows it.",
        }
    }
}

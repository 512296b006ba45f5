//! Refusals and faults on their way to a caller. A refusal is what the caller can act on: the crate `refusal` has it as a value.
//! We must act on a fault: the caller sees a correlation id and nothing else.

mod failure;

pub use failure::{Failure, code};
pub use refusal::{Kind, Reason, Refusal, Rule, Violation, field_invalid, reasons};

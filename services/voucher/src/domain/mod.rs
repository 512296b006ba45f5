//! What is decided, from values alone.

pub mod batch;
pub mod holding;
pub mod kind;
pub mod number;
pub mod refusal;

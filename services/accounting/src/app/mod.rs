//! Use cases. Everything that changes the books is one use case, run by the one [`writer`] for all commands that wait:
//! load, decide, append, answer. Everything that only reads is an [`enquiry`], on any replica.

pub mod enquiry;
pub mod verify;
pub mod writer;

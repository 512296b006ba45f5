//! The contract's documents, and the check of what is sent against it.

mod asserts;
mod documents;
mod refusals;
mod schemas;

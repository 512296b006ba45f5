//! Decisions of the book, on a small bank.

mod accounts;
pub(crate) mod bank;
mod base_data;
pub(crate) mod batches;
mod business;
mod facts;
mod holds;
mod limits;
mod memory;
mod onboarding;
mod postings;
pub(crate) mod properties;
pub(crate) mod records;
mod repeats;
pub(in crate::domain) mod templates;

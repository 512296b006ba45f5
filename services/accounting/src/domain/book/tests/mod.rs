//! Decisions of the book, on a small bank.

mod accounts;
pub(in crate::domain) mod bank;
mod base_data;
mod batches;
mod business;
mod facts;
mod holds;
mod limits;
mod memory;
mod moving_in;
mod postings;
mod properties;
pub(in crate::domain) mod records;
mod repeats;
pub(in crate::domain) mod templates;

//! The only place with SQL: rows in, rows out, arrays both ways. No decision is made here.

pub mod accounts;
pub mod base_records;
pub mod holds;
pub mod journal;
pub mod leader;
pub mod load;
pub mod opening;
pub mod postings;
pub mod register;
mod rows;
pub mod suspense;
mod text;
pub mod trial_balance;
pub mod verify;

//! The book's decisions, pure: from what is known and what is requested follow the answer and what is to be recorded. No
//! database, no network, no clock, no randomness.

use std::fmt;

use serde::{Deserialize, Serialize};

pub mod account;
pub mod account_number;
pub mod balance;
pub mod base;
pub mod book;
pub mod chain;
pub mod command;
pub mod enquiry;
pub mod hold;
pub mod ids;
pub mod recorded;
pub mod reference;
pub mod refusal;
pub mod side;
pub mod status;
pub mod suspense;
pub mod template;
pub mod transaction;
pub mod trial_balance;

/// BLAKE3 digest.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Digest(pub [u8; 32]);

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&blake3::Hash::from(self.0).to_hex())
    }
}

//! Between the contract and the domain: requests in, answers and facts out. The form of a field is checked here, with the
//! field's path; what it means is for the domain to judge.

pub mod account;
pub mod base_content;
pub mod base_data;
pub mod fact;
pub mod hold;
pub mod ledger;
pub mod line;
pub mod onboarding;
pub mod posting;
pub mod suspense;
pub mod template;

use std::fmt::Display;

use ::refusal::{Refusal, field_invalid};
use form::required_text;
use proto_common::common::v1 as common;

use crate::domain::{
    self,
    ids::{AccountNumber, FormerNumber},
};

/// The account number in `accounts/{number}`.
pub fn account_name(field: impl Display + Copy, value: &str) -> Result<AccountNumber, Refusal> {
    match value.strip_prefix("accounts/") {
        Some(number)
            if !number.is_empty()
                && number.len() <= 32
                && number.bytes().all(|byte| byte.is_ascii_digit()) =>
        {
            Ok(AccountNumber::new(number))
        }
        _ => Err(field_invalid(field, "must be accounts/{number}, with digits")),
    }
}

/// Longest number that an account had before it was moved in, in characters.
const FORMER_NUMBER_CHARS_MAX: usize = 64;

/// A number that an account had before it was moved in.
pub fn former_number(field: impl Display + Copy, value: &str) -> Result<FormerNumber, Refusal> {
    required_text(field, value.to_owned(), FORMER_NUMBER_CHARS_MAX).map(FormerNumber::new)
}

/// A refusal of one item among several, for the contract.
pub fn refusal(violation: &domain::refusal::Refusal) -> common::Refusal {
    let refusal = violation.to_refusal();
    common::Refusal {
        reason: refusal.reason().name.to_owned(),
        message: refusal.message().to_owned(),
        field: violation.field.clone().unwrap_or_default(),
        metadata: refusal.values().iter().map(|(name, value)| (name.to_string(), value.clone())).collect(),
    }
}

//! Between the contract and the domain: requests in, answers and facts out. The form of a field is checked here, with the field's
//! path; what it means is for the domain to judge.

pub mod fact;
pub mod kind;
pub mod stock;

use ::refusal::{Refusal, field_invalid};

use crate::domain::kind::CODE_CHARS_MAX;

/// The code in `kinds/{code}`.
pub fn kind_code(field: &str, name: &str) -> Result<String, Refusal> {
    match name.strip_prefix("kinds/") {
        Some(code) if form::code(field, code.to_owned(), CODE_CHARS_MAX).is_ok() => Ok(code.to_owned()),
        _ => Err(field_invalid(field, "must be kinds/{code}")),
    }
}

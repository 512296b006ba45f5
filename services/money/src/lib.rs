//! Money: exact amounts in a currency of ISO 4217. Pure; knows no account and no bank.
//!
//! `rust_decimal` has traps that this crate keeps away from the books: text of more than 28 digits is rounded silently, sums
//! and products that need more digits than there are lose decimals silently, and zero may have a sign. Here an amount that
//! cannot be held exactly is an error, and zero is zero.

mod amount;
mod currency;
mod money;

pub use amount::{AmountError, DIGITS_MAX, parse_amount};
pub use currency::{Currency, CurrencyError, EXPONENT_MAX};
pub use money::{Money, MoneyError};

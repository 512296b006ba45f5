//! Between the contract and the domain: requests in, answers and facts out. The form of a field is checked here, with the
//! field's path; what it means is for the domain to judge.

pub mod account;
pub mod base_content;
pub mod base_data;
pub mod hold;
pub mod ledger;
pub mod posting;

use chrono::{DateTime, NaiveDate, Utc};
use countinghouse_proto::common::v1 as common;
use money::Currency;
use pbjson_types::Timestamp;
use platform::refusal::Failure;
use rust_decimal::Decimal;
use uuid::Uuid;

use crate::{
    domain::{
        ids::{AccountNumber, CurrencyCode},
        refusal::Refusal,
    },
    error::{self, AMOUNT_MALFORMED, field_invalid},
};

/// A text of at most `max` characters.
pub fn text(field: &str, value: String, max: usize) -> Result<String, Failure> {
    if value.chars().count() > max {
        return Err(field_invalid(field, format!("must have at most {max} characters")));
    }
    if value.chars().any(char::is_control) {
        return Err(field_invalid(field, "must have no control characters"));
    }
    Ok(value)
}

/// A text of 1 to `max` characters.
pub fn required_text(field: &str, value: String, max: usize) -> Result<String, Failure> {
    if value.trim().is_empty() {
        return Err(field_invalid(field, "is required"));
    }
    text(field, value, max)
}

/// A code: 1 to `max` letters, digits and `-_/@.`.
pub fn code(field: &str, value: String, max: usize) -> Result<String, Failure> {
    let is_code_char = |c: char| c.is_ascii_alphanumeric() || "-_/@.".contains(c);
    if value.is_empty() || value.len() > max || !value.chars().all(is_code_char) {
        return Err(field_invalid(field, format!("must have 1 to {max} letters, digits or any of -_/@.")));
    }
    Ok(value)
}

/// A UUID.
pub fn uuid(field: &str, value: &str) -> Result<Uuid, Failure> {
    Uuid::try_parse(value).map_err(|_| field_invalid(field, "must be a UUID"))
}

/// A date as `YYYY-MM-DD`; none when empty.
pub fn date(field: &str, value: &str) -> Result<Option<NaiveDate>, Failure> {
    if value.is_empty() {
        return Ok(None);
    }
    // chrono would take a year of any length, a month of one digit, and spaces.
    let well_formed = value.len() == 10 && value.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    let parsed = well_formed.then(|| value.parse().ok()).flatten();
    parsed.map(Some).ok_or_else(|| field_invalid(field, "must be a date as YYYY-MM-DD"))
}

/// A date that must be there.
pub fn required_date(field: &str, value: &str) -> Result<NaiveDate, Failure> {
    date(field, value)?.ok_or_else(|| field_invalid(field, "is required, as YYYY-MM-DD"))
}

/// A currency code of ISO 4217's form.
pub fn currency_code(field: &str, value: &str) -> Result<CurrencyCode, Failure> {
    if value.len() == 3 && value.bytes().all(|byte| byte.is_ascii_uppercase()) {
        Ok(CurrencyCode::new(value))
    } else {
        Err(field_invalid(field, "must be three capital letters (ISO 4217)"))
    }
}

/// An amount with its currency.
pub fn amount(field: &str, value: Option<common::Money>) -> Result<(CurrencyCode, Decimal), Failure> {
    let value = value.ok_or_else(|| field_invalid(field, "is required"))?;
    let currency = currency_code(&format!("{field}.currency"), &value.currency)?;
    Ok((currency, decimal(&format!("{field}.amount"), &value.amount)?))
}

/// A plain decimal number.
pub fn decimal(field: &str, value: &str) -> Result<Decimal, Failure> {
    money::parse_amount(value).map_err(|error| {
        Failure::from(AMOUNT_MALFORMED.refuse(error.to_string()).field(field, error.to_string()))
    })
}

/// The account number in `accounts/{number}`.
pub fn account_name(field: &str, value: &str) -> Result<AccountNumber, Failure> {
    match value.strip_prefix("accounts/") {
        Some(number) if !number.is_empty() && number.len() <= 32 && number.bytes().all(|byte| byte.is_ascii_digit()) => {
            Ok(AccountNumber::new(number))
        }
        _ => Err(field_invalid(field, "must be accounts/{number}, with digits")),
    }
}

/// The number in a name like `postings/{number}`.
pub fn numbered_name(field: &str, prefix: &str, value: &str) -> Result<i64, Failure> {
    value
        .strip_prefix(prefix)
        .and_then(|rest| rest.strip_prefix('/'))
        .filter(|number| number.bytes().all(|byte| byte.is_ascii_digit()) && !number.starts_with('0'))
        .and_then(|number| number.parse().ok())
        .ok_or_else(|| field_invalid(field, format!("must be {prefix}/{{number}}")))
}

/// A point in time.
pub fn time(field: &str, value: Option<Timestamp>) -> Result<DateTime<Utc>, Failure> {
    let value = value.ok_or_else(|| field_invalid(field, "is required"))?;
    u32::try_from(value.nanos)
        .ok()
        .and_then(|nanos| DateTime::from_timestamp(value.seconds, nanos))
        .ok_or_else(|| field_invalid(field, "must be a time between years 1 and 9999"))
}

/// A point in time, for the contract.
pub fn timestamp(time: DateTime<Utc>) -> Timestamp {
    Timestamp { seconds: time.timestamp(), nanos: i32::try_from(time.timestamp_subsec_nanos()).unwrap_or(0) }
}

/// An amount in a currency, for the contract: always with all decimals of the currency.
pub fn money(currency: Currency, amount: Decimal) -> common::Money {
    common::Money { currency: currency.code().to_owned(), amount: plain(currency, amount) }
}

/// A decimal amount in a currency, for the contract.
pub fn plain(currency: Currency, mut amount: Decimal) -> String {
    amount.rescale(currency.exponent().into());
    amount.to_string()
}

/// A refusal of one item among several, for the contract.
pub fn refusal(refusal: &Refusal) -> common::Refusal {
    let told = refusal.tell();
    common::Refusal {
        reason: told.reason().name.to_owned(),
        message: told.message().to_owned(),
        field: refusal.field.clone().unwrap_or_default(),
        metadata: told.metadata().iter().cloned().collect(),
    }
}

/// A `required` enum value that the contract's number stands for.
pub fn choice<P: TryFrom<i32>, D>(field: &str, value: i32, meaning: impl FnOnce(P) -> Option<D>) -> Result<D, Failure> {
    P::try_from(value)
        .ok()
        .and_then(meaning)
        .ok_or_else(|| error::field_invalid(field, "must be one of the values of its enum, and is required"))
}

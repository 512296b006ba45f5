//! The form of a request's fields, checked with the field's path: texts, codes, names, dates, times, amounts. The domain decides
//! what a field means. A path is anything that can be displayed: it is spelled only when the field is wrong.

use std::fmt::Display;

use basedata::ids::CurrencyCode;
use chrono::{DateTime, NaiveDate, SubsecRound, Utc};
use money::Currency;
use pbjson_types::Timestamp;
use proto_common::common::v1 as common;
use refusal::{Refusal, field_invalid, reasons::AMOUNT_MALFORMED};
use rust_decimal::Decimal;
use uuid::Uuid;

/// Longest text that a list is narrowed to: that of a name.
const FILTER_CHARS_MAX: usize = 120;

/// A text of at most `max` characters.
pub fn text(field: impl Display + Copy, value: String, max: usize) -> Result<String, Refusal> {
    if value.chars().count() > max {
        return Err(field_invalid(field, format!("must have at most {max} characters")));
    }
    if value.chars().any(char::is_control) {
        return Err(field_invalid(field, "must have no control characters"));
    }
    Ok(value)
}

/// A text of 1 to `max` characters.
pub fn required_text(field: impl Display + Copy, value: String, max: usize) -> Result<String, Refusal> {
    if value.trim().is_empty() {
        return Err(field_invalid(field, "is required"));
    }
    text(field, value, max)
}

/// A code: 1 to `max` letters, digits and `-_/@.`.
pub fn code(field: impl Display + Copy, value: String, max: usize) -> Result<String, Refusal> {
    let is_code_char = |c: char| c.is_ascii_alphanumeric() || "-_/@.".contains(c);
    if value.is_empty() || value.len() > max || !value.chars().all(is_code_char) {
        return Err(field_invalid(field, format!("must have 1 to {max} letters, digits or any of -_/@.")));
    }
    Ok(value)
}

/// What a list is narrowed to: none when empty, else a text that can be looked for.
pub fn filter(field: impl Display + Copy, value: &str) -> Result<Option<&str>, Refusal> {
    match value {
        "" => Ok(None),
        value if value.chars().count() > FILTER_CHARS_MAX || value.chars().any(char::is_control) => Err(
            field_invalid(field, format!("must have at most {FILTER_CHARS_MAX} characters, none of control")),
        ),
        value => Ok(Some(value)),
    }
}

/// A UUID.
pub fn uuid(field: impl Display + Copy, value: &str) -> Result<Uuid, Refusal> {
    Uuid::try_parse(value).map_err(|_| field_invalid(field, "must be a UUID"))
}

/// A date as `YYYY-MM-DD`; none when empty.
pub fn date(field: impl Display + Copy, value: &str) -> Result<Option<NaiveDate>, Refusal> {
    if value.is_empty() {
        return Ok(None);
    }
    // chrono would take a sign, a year of any length, a month of one digit, and spaces.
    let is_hyphen = |place: usize| place == 4 || place == 7;
    let well_formed = value.len() == 10
        && value.bytes().enumerate().all(
            |(place, byte)| {
                if is_hyphen(place) { byte == b'-' } else { byte.is_ascii_digit() }
            },
        );
    let parsed = well_formed.then(|| value.parse().ok()).flatten();
    parsed.map(Some).ok_or_else(|| field_invalid(field, "must be a date as YYYY-MM-DD"))
}

/// A date that must be there.
pub fn required_date(field: impl Display + Copy, value: &str) -> Result<NaiveDate, Refusal> {
    date(field, value)?.ok_or_else(|| field_invalid(field, "is required, as YYYY-MM-DD"))
}

/// A currency code of ISO 4217's form.
pub fn currency_code(field: impl Display + Copy, value: &str) -> Result<CurrencyCode, Refusal> {
    if value.len() == 3 && value.bytes().all(|byte| byte.is_ascii_uppercase()) {
        Ok(CurrencyCode::new(value))
    } else {
        Err(field_invalid(field, "must be three capital letters (ISO 4217)"))
    }
}

/// An amount with its currency.
pub fn amount(
    field: impl Display + Copy,
    value: Option<common::Money>,
) -> Result<(CurrencyCode, Decimal), Refusal> {
    let value = value.ok_or_else(|| field_invalid(field, "is required"))?;
    let currency = currency_code(format_args!("{field}.currency"), &value.currency)?;
    Ok((currency, decimal(format_args!("{field}.amount"), &value.amount)?))
}

/// A plain decimal number.
pub fn decimal(field: impl Display + Copy, value: &str) -> Result<Decimal, Refusal> {
    money::parse_amount(value).map_err(|error| {
        AMOUNT_MALFORMED.refuse(error.to_string()).field(field.to_string(), error.to_string())
    })
}

/// The number in a name like `postings/{number}`.
pub fn numbered_name(field: impl Display + Copy, prefix: &str, value: &str) -> Result<i64, Refusal> {
    value
        .strip_prefix(prefix)
        .and_then(|rest| rest.strip_prefix('/'))
        .filter(|number| number.bytes().all(|byte| byte.is_ascii_digit()) && !number.starts_with('0'))
        .and_then(|number| number.parse().ok())
        .ok_or_else(|| field_invalid(field, format!("must be {prefix}/{{number}}")))
}

/// The seconds of years 1 to 9999, as the contract's timestamps have them.
const SECONDS: std::ops::RangeInclusive<i64> = -62_135_596_800..=253_402_300_799;

/// A point in time, to the microsecond.
pub fn time(field: impl Display + Copy, value: Option<Timestamp>) -> Result<DateTime<Utc>, Refusal> {
    let value = value.ok_or_else(|| field_invalid(field, "is required"))?;
    u32::try_from(value.nanos)
        .ok()
        .filter(|_| SECONDS.contains(&value.seconds))
        .and_then(|nanos| DateTime::from_timestamp(value.seconds, nanos))
        .map(|time| time.trunc_subsecs(6))
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

/// A `required` enum value that the contract's number stands for.
pub fn choice<P: TryFrom<i32>, D>(
    field: impl Display + Copy,
    value: i32,
    meaning: impl FnOnce(P) -> Option<D>,
) -> Result<D, Refusal> {
    P::try_from(value)
        .ok()
        .and_then(meaning)
        .ok_or_else(|| field_invalid(field, "must be one of the values of its enum, and is required"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_have_one_form() {
        assert_eq!(date("d", "2026-03-02").unwrap(), NaiveDate::from_ymd_opt(2026, 3, 2));
        assert_eq!(date("d", "").unwrap(), None);
        for wrong in
            ["2026-3-2", "2026-02-30", "+026-03-02", "-026-03-02", "2026/03/02", "02-03-2026", " 2026-03-0"]
        {
            assert!(date("d", wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn times_are_within_the_contracts_years_and_to_the_microsecond() {
        let at = |seconds, nanos| time("t", Some(Timestamp { seconds, nanos }));
        assert_eq!(at(1, 123_456_789).unwrap().timestamp_subsec_nanos(), 123_456_000);
        for (seconds, nanos) in [(i64::MAX, 0), (i64::MIN, 0), (253_402_300_800, 0), (0, -1), (0, i32::MAX)] {
            assert!(at(seconds, nanos).is_err(), "{seconds} {nanos}");
        }
        assert!(time("t", None).is_err());
    }

    #[test]
    fn texts_that_the_database_cannot_hold_are_refused() {
        for nul in ["\0", "a\0b"] {
            assert!(text("f", nul.to_owned(), 10).is_err());
            assert!(code("f", nul.to_owned(), 10).is_err());
            assert!(filter("f", nul).is_err());
        }
        assert_eq!(filter("f", "张").unwrap(), Some("张"));
        assert_eq!(filter("f", "").unwrap(), None);
        assert!(filter("f", &"a".repeat(FILTER_CHARS_MAX + 1)).is_err());
    }

    #[test]
    fn names_have_one_form() {
        assert_eq!(numbered_name("n", "postings", "postings/12").unwrap(), 12);
        for wrong in [
            "postings/",
            "postings/0",
            "postings/012",
            "postings/-1",
            "holds/1",
            "postings/99999999999999999999",
        ] {
            assert!(numbered_name("n", "postings", wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn amounts_have_all_decimals_of_their_currency() {
        let yuan = Currency::new("CNY", 2).unwrap();
        assert_eq!(plain(yuan, Decimal::new(5, 0)), "5.00");
        assert_eq!(plain(Currency::new("JPY", 0).unwrap(), Decimal::new(500, 2)), "5");
    }
}

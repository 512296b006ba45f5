//! Rules of currencies, rates, calendars and parameters.

use chrono::{Datelike, NaiveDate, Weekday};
use money::{Currency, CurrencyError, EXPONENT_MAX};
use rust_decimal::Decimal;

use super::{first_repeated, invalid, known_currency};
use crate::domain::{
    base::{BaseContent, CalendarYear, CurrencyRecord, ExchangeRate, InterestRate, Parameter},
    ids::CurrencyCode,
    reference::{PARAMETERS, ParameterForm, Reference},
    refusal::Refusal,
};

/// Years that a calendar may be of.
const YEARS: std::ops::RangeInclusive<i32> = 1900..=9999;
/// Most units that a rate is quoted for.
const RATE_UNIT_MAX: i32 = 1_000_000;
/// Most decimals of a rate.
const RATE_DECIMALS_MAX: u32 = 8;
/// Highest interest, and lowest below zero, in percent a year.
const PERCENT_MAX: Decimal = Decimal::ONE_HUNDRED;

/// 币种: a code and an exponent of ISO 4217, which never changes.
pub(super) fn currency(reference: &Reference, currency: &CurrencyRecord) -> Result<(), Refusal> {
    match Currency::new(currency.code.as_str(), currency.exponent) {
        Ok(_) => {}
        Err(error @ CurrencyError::Code(_)) => return Err(invalid("currency.code", error.to_string())),
        Err(CurrencyError::Exponent { .. }) => {
            return Err(invalid("currency.exponent", format!("must be between 0 and {EXPONENT_MAX}")));
        }
    }
    if currency.numeric_code.len() != 3 || !currency.numeric_code.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(invalid("currency.numeric_code", "must be three digits"));
    }
    let exponents =
        reference.currencies.of(currency.code.as_str()).filter_map(|version| match &version.content {
            BaseContent::Currency(earlier) => Some(earlier.exponent),
            _ => None,
        });
    match exponents.into_iter().find(|exponent| *exponent != currency.exponent) {
        Some(exponent) => {
            Err(invalid("currency.exponent", format!("is {exponent}, and amounts stand on it for ever")))
        }
        None => Ok(()),
    }
}

/// 参数: one that is known, in its form.
pub(super) fn parameter(reference: &Reference, parameter: &Parameter, on: NaiveDate) -> Result<(), Refusal> {
    let Some(rule) = PARAMETERS.iter().find(|rule| rule.code == parameter.code) else {
        return Err(invalid(
            "parameter.code",
            format!("{} is no parameter that the books know", parameter.code),
        ));
    };
    if !rule.form.admits(&parameter.value) {
        return Err(invalid("parameter.value", format!("must be {}", rule.form)));
    }
    if rule.form == ParameterForm::Currency {
        known_currency(reference, "parameter.value", &CurrencyCode::new(parameter.value.as_str()), on)?;
    }
    let differs = |content: &BaseContent| matches!(content, BaseContent::Parameter(earlier) if earlier.value != parameter.value);
    if rule.fixed && reference.parameters.of(rule.code).any(|version| differs(&version.content)) {
        return Err(invalid(
            "parameter.value",
            format!("{} is set for ever: the books stand on it", rule.code),
        ));
    }
    Ok(())
}

/// 营业日历: holidays on weekdays and working weekends, all in the year, each once.
pub(super) fn calendar_year(calendar: &CalendarYear) -> Result<(), Refusal> {
    if !YEARS.contains(&calendar.year) {
        return Err(invalid(
            "calendar_year.year",
            format!("must be from {} to {}", YEARS.start(), YEARS.end()),
        ));
    }
    calendar_days("holidays", &calendar.holidays, calendar.year, false)?;
    calendar_days("working_weekends", &calendar.working_weekends, calendar.year, true)
}

fn calendar_days(name: &str, dates: &[NaiveDate], year: i32, on_weekends: bool) -> Result<(), Refusal> {
    let at = |place: usize| format!("calendar_year.{name}[{place}]");
    for (place, date) in dates.iter().enumerate() {
        if date.year() != year {
            return Err(invalid(at(place), format!("{date} is not in {year}")));
        }
        if matches!(date.weekday(), Weekday::Sat | Weekday::Sun) != on_weekends {
            let must = if on_weekends { "must be a Saturday or Sunday" } else { "must be a weekday" };
            return Err(invalid(at(place), format!("{date} {must}")));
        }
    }
    match first_repeated(dates) {
        Some(place) => Err(invalid(at(place), format!("{} is given twice", dates[place]))),
        None => Ok(()),
    }
}

/// 汇率: above zero, buying at most the middle and selling at least the middle; not of the base currency.
pub(super) fn exchange_rate(
    reference: &Reference,
    rate: &ExchangeRate,
    on: NaiveDate,
) -> Result<(), Refusal> {
    known_currency(reference, "exchange_rate.currency", &rate.currency, on)?;
    if reference.base_currency(on)? == rate.currency {
        return Err(invalid(
            "exchange_rate.currency",
            "is the base currency, against which rates are quoted",
        ));
    }
    if !(1..=RATE_UNIT_MAX).contains(&rate.unit) {
        return Err(invalid("exchange_rate.unit", format!("must be from 1 to {RATE_UNIT_MAX}")));
    }
    for (name, value) in [("buy", rate.buy), ("middle", rate.middle), ("sell", rate.sell)] {
        if value <= Decimal::ZERO {
            return Err(invalid(format!("exchange_rate.{name}"), "must be above zero"));
        }
        if value.normalize().scale() > RATE_DECIMALS_MAX {
            let message = format!("must have at most {RATE_DECIMALS_MAX} decimals");
            return Err(invalid(format!("exchange_rate.{name}"), message));
        }
    }
    if rate.buy > rate.middle {
        return Err(invalid("exchange_rate.buy", "must not be above the middle rate"));
    }
    if rate.sell < rate.middle {
        return Err(invalid("exchange_rate.sell", "must not be below the middle rate"));
    }
    Ok(())
}

/// 利率: of a known currency, within bounds.
pub(super) fn interest_rate(
    reference: &Reference,
    rate: &InterestRate,
    on: NaiveDate,
) -> Result<(), Refusal> {
    known_currency(reference, "interest_rate.currency", &rate.currency, on)?;
    if rate.annual_percent.abs() > PERCENT_MAX {
        let message = format!("must be from -{PERCENT_MAX} to {PERCENT_MAX}");
        return Err(invalid("interest_rate.annual_percent", message));
    }
    if rate.annual_percent.normalize().scale() > RATE_DECIMALS_MAX {
        let message = format!("must have at most {RATE_DECIMALS_MAX} decimals");
        return Err(invalid("interest_rate.annual_percent", message));
    }
    Ok(())
}

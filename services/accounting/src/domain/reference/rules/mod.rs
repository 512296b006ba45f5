//! The rules that a record of base data keeps, for each kind.

mod chart;
mod market;
mod organisation;
mod template;

use std::fmt::Display;

pub(super) use chart::is_ledger_code;
pub(super) use organisation::rank;

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::Reference;
use crate::domain::{
    base::{BaseContent, BaseKind, BaseVersion, CurrencyRecord},
    ids::CurrencyCode,
    refusal::{Refusal, Rule},
};

/// Checks a record against the state before it. Fields are named from the record on.
pub(super) fn check(reference: &Reference, record: &BaseVersion) -> Result<(), Refusal> {
    let on = record.effective_date;
    match &record.content {
        BaseContent::Currency(currency) => market::currency(reference, currency),
        BaseContent::Parameter(parameter) => market::parameter(reference, parameter, on),
        BaseContent::CalendarYear(calendar) => market::calendar_year(calendar),
        BaseContent::ExchangeRate(rate) => market::exchange_rate(reference, rate, on),
        BaseContent::InterestRate(rate) => market::interest_rate(reference, rate, on),
        BaseContent::LedgerCode(code) => chart::ledger_code(reference, code, on),
        BaseContent::Branch(branch) => organisation::branch(reference, branch, on),
        BaseContent::Operator(operator) => organisation::operator(reference, operator, on),
        BaseContent::PostingTemplate(posting) => template::posting_template(reference, posting, on),
    }
}

/// A broken rule of a record's kind.
fn invalid(field: impl Into<String>, message: impl Into<String>) -> Refusal {
    Rule::BaseRecordInvalid(message.into()).at(field)
}

/// A record that another refers to, and that is not there.
fn unknown(field: impl Into<String>, kind: BaseKind, code: &impl Display, on: NaiveDate) -> Refusal {
    Rule::BaseRecordUnknown { kind: kind.name().into(), code: code.to_string(), on }.at(field)
}

fn known_currency<'a>(
    reference: &'a Reference,
    field: &str,
    code: &CurrencyCode,
    on: NaiveDate,
) -> Result<&'a CurrencyRecord, Refusal> {
    reference.currency(code, on).ok_or_else(|| unknown(field, BaseKind::Currency, code, on))
}

/// An amount of a record that is no less than zero and has no more decimals than its currency.
fn fitting_amount(field: &str, currency: &CurrencyRecord, amount: Decimal) -> Result<(), Refusal> {
    if amount.is_sign_negative() && !amount.is_zero() {
        return Err(invalid(field, "must not be below zero"));
    }
    if amount.normalize().scale() > u32::from(currency.exponent) {
        let (code, decimals_max) = (currency.code.clone(), currency.exponent);
        return Err(Rule::AmountTooPrecise { amount, currency: code, decimals_max }.at(field));
    }
    Ok(())
}

/// The first of `items` that stands among those before it.
fn first_repeated<T: PartialEq>(items: &[T]) -> Option<usize> {
    (1..items.len()).find(|place| items[..*place].contains(&items[*place]))
}

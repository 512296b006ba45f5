//! The dates of a posting: when the customer did it, on which business day it is booked, and from when it bears interest.

use chrono::{Days, NaiveDate};

use crate::domain::{
    book::{acting::Acting, opening::Opening},
    refusal::{Refusal, Rule},
    transaction::Transaction,
};

pub(super) struct Dates {
    pub transaction: NaiveDate,
    pub accounting: NaiveDate,
    pub value: NaiveDate,
}

/// The dates of a transaction. The accounting date is the business date when it names none, and the others are the accounting
/// date.
pub(super) fn of(
    acting: &Acting<'_>,
    transaction: &Transaction,
    opening: Option<Opening>,
) -> Result<Dates, Refusal> {
    let open = acting.on;
    let booked = match (transaction.accounting_date, opening) {
        (Some(date), _) if date > open => {
            return Err(Rule::BusinessDayNotOpen { date, open }.at("accounting_date"));
        }
        (Some(date), Some(opening)) if date < open => {
            opening.admits(acting, date).map_err(|rule| rule.at("accounting_date"))?;
            date
        }
        (Some(date), None) if date < open => {
            return Err(Rule::BusinessDayClosed { date, open }.at("accounting_date"));
        }
        (Some(_) | None, _) => open,
    };
    let earliest = || match opening.and_then(|opening| opening.history_from) {
        Some(from) => Ok(from.min(booked)),
        None => earliest(acting),
    };
    let mut dates = Dates { transaction: booked, accounting: booked, value: booked };
    if let Some(date) = transaction.transaction_date.filter(|date| *date != booked) {
        dates.transaction = within("transaction_date", date, earliest()?, booked)?;
    }
    if let Some(date) = transaction.value_date.filter(|date| *date != booked) {
        let forward = Days::new(acting.reference.value_date_forward_days_max(open)?);
        let latest = booked.checked_add_days(forward).unwrap_or(NaiveDate::MAX);
        dates.value = within("value_date", date, earliest()?, latest)?;
    }
    Ok(dates)
}

fn earliest(acting: &Acting<'_>) -> Result<NaiveDate, Rule> {
    let back = Days::new(acting.reference.value_date_back_days_max(acting.on)?);
    Ok(acting.on.checked_sub_days(back).unwrap_or(NaiveDate::MIN))
}

fn within(
    field: &str,
    date: NaiveDate,
    earliest: NaiveDate,
    latest: NaiveDate,
) -> Result<NaiveDate, Refusal> {
    if (earliest..=latest).contains(&date) {
        Ok(date)
    } else {
        Err(Rule::DateOutOfRange { date, earliest, latest }.at(field))
    }
}

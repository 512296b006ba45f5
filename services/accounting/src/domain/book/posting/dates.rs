//! The dates of a posting: when the customer did it, on which business day it is booked, and from when it bears interest.

use chrono::{Days, NaiveDate};

use crate::domain::{
    book::acting::Acting,
    refusal::{Refusal, Rule},
    transaction::Transaction,
};

pub(super) struct Dates {
    pub transaction: NaiveDate,
    pub accounting: NaiveDate,
    pub value: NaiveDate,
}

/// The dates of a transaction; those that it does not name are the business date.
pub(super) fn of(acting: &Acting<'_>, transaction: &Transaction) -> Result<Dates, Refusal> {
    let open = acting.on;
    match transaction.accounting_date {
        Some(date) if date < open => return Err(Rule::BusinessDayClosed { date, open }.at("accounting_date")),
        Some(date) if date > open => {
            return Err(Rule::BusinessDayNotOpen { date, open }.at("accounting_date"));
        }
        Some(_) | None => {}
    }
    let mut dates = Dates { transaction: open, accounting: open, value: open };
    if let Some(date) = transaction.transaction_date.filter(|date| *date != open) {
        dates.transaction = within("transaction_date", date, earliest(acting)?, open)?;
    }
    if let Some(date) = transaction.value_date.filter(|date| *date != open) {
        let forward = Days::new(acting.reference.value_date_forward_days_max(open)?);
        let latest = open.checked_add_days(forward).unwrap_or(NaiveDate::MAX);
        dates.value = within("value_date", date, earliest(acting)?, latest)?;
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

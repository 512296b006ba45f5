//! What the day asks of the bank's base data.

use anyhow::{Context, Result};
use chrono::{Datelike, NaiveDate, Weekday};
use proto_accounting::v1::{
    Branch, BranchKind, CalendarYear, ExchangeRate, LedgerCode, Operator, base_record::Content,
};

use super::Bank;

/// Longest run of days on which the books stay closed, with room to spare: a search beyond it has met a wrong calendar.
const CLOSED_DAYS_MAX: usize = 31;

/// An iterator over the contents of one kind.
macro_rules! of_kind {
    ($bank:expr, $kind:ident) => {
        $bank.records.iter().filter_map(|record| match &record.content {
            Some(Content::$kind(content)) => Some((record, content)),
            _ => None,
        })
    };
}

impl Bank {
    pub fn branches(&self) -> impl Iterator<Item = &Branch> {
        of_kind!(self, Branch).map(|(_, branch)| branch)
    }

    pub fn operators(&self) -> impl Iterator<Item = &Operator> {
        of_kind!(self, Operator).map(|(_, operator)| operator)
    }

    pub fn ledger_codes(&self) -> impl Iterator<Item = &LedgerCode> {
        of_kind!(self, LedgerCode).map(|(_, code)| code)
    }

    /// The one branch above all.
    pub fn head_office(&self) -> Result<&Branch> {
        self.branches()
            .find(|branch| branch.kind() == BranchKind::HeadOffice)
            .context("branches.csv has no head office")
    }

    /// The value of a parameter.
    pub fn parameter(&self, code: &str) -> Result<&str> {
        of_kind!(self, Parameter)
            .find(|(_, parameter)| parameter.code == code)
            .map(|(_, parameter)| parameter.value.as_str())
            .with_context(|| format!("parameters.csv has no {code}"))
    }

    /// Decimals of a currency.
    pub fn decimals(&self, currency: &str) -> Result<u32> {
        let (_, found) = of_kind!(self, Currency)
            .find(|(_, found)| found.code == currency)
            .with_context(|| format!("currencies.csv has no {currency}"))?;
        Ok(found.exponent.try_into()?)
    }

    /// The rate of a currency that is in force on a date.
    pub fn rate(&self, currency: &str, on: NaiveDate) -> Result<&ExchangeRate> {
        let on = on.to_string();
        of_kind!(self, ExchangeRate)
            .filter(|(record, rate)| rate.currency == currency && record.effective_date <= on)
            .max_by(|(one, _), (other, _)| one.effective_date.cmp(&other.effective_date))
            .map(|(_, rate)| rate)
            .with_context(|| format!("exchange_rates.csv has no {currency} for {on}"))
    }

    /// The calendar of a year.
    pub fn calendar(&self, year: i32) -> Option<&CalendarYear> {
        of_kind!(self, CalendarYear).map(|(_, calendar)| calendar).find(|calendar| calendar.year == year)
    }

    /// The years that have a calendar.
    pub fn calendar_years(&self) -> impl Iterator<Item = i32> {
        of_kind!(self, CalendarYear).map(|(_, calendar)| calendar.year)
    }

    /// Whether the books open on a date.
    pub fn is_business_day(&self, date: NaiveDate) -> Result<bool> {
        let year = date.year();
        let calendar = self
            .calendar(year)
            .with_context(|| format!("calendar_years.csv has no {year}; add it and its days"))?;
        let text = date.to_string();
        let weekend = matches!(date.weekday(), Weekday::Sat | Weekday::Sun);
        Ok(if weekend {
            calendar.working_weekends.contains(&text)
        } else {
            !calendar.holidays.contains(&text)
        })
    }

    /// The first business day after a date.
    pub fn next_business_day(&self, date: NaiveDate) -> Result<NaiveDate> {
        self.first_business_day(date.iter_days().skip(1))
    }

    /// The last business day before a date.
    pub fn previous_business_day(&self, date: NaiveDate) -> Result<NaiveDate> {
        self.first_business_day(date.iter_days().rev().skip(1))
    }

    fn first_business_day(&self, dates: impl Iterator<Item = NaiveDate>) -> Result<NaiveDate> {
        for date in dates.take(CLOSED_DAYS_MAX) {
            if self.is_business_day(date)? {
                return Ok(date);
            }
        }
        anyhow::bail!("the calendar has {CLOSED_DAYS_MAX} closed days in a row")
    }
}

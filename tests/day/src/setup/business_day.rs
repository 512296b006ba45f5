//! The business day: the first, or the one after the day that is open.

use anyhow::{Context, Result};
use chrono::{DateTime, Datelike, NaiveDate, Utc};
use proto_accounting::v1::OpenBusinessDayRequest;

use super::Setup;
use crate::{bank::Bank, report::Report};

impl Setup<'_> {
    /// The first day of a bank that has none yet.
    pub(super) async fn first_day(&self, now: DateTime<Utc>) -> Result<Option<NaiveDate>> {
        match self.open_day().await? {
            Some(_) => Ok(None),
            None => first_day(self.bank, now).map(Some),
        }
    }

    async fn open_day(&self) -> Result<Option<NaiveDate>> {
        let open = self.client.business_day(&self.reader()?).await?;
        Ok(open.map(|day| day.business_date.parse()).transpose()?)
    }

    /// Opens the day, and says which.
    pub(super) async fn open_business_day(
        &self,
        first_day: Option<NaiveDate>,
        same_day: bool,
        report: &mut Report<'_>,
    ) -> Result<NaiveDate> {
        let open = self.open_day().await?;
        if let Some(open) = open.filter(|_| same_day) {
            report.line(format_args!("business day: {open} is open already"))?;
            return Ok(open);
        }
        let date = match open {
            Some(open) => self.bank.next_business_day(open)?,
            None => first_day.context("a first day")?,
        };
        let request = OpenBusinessDayRequest {
            request_id: self.fresh_id(),
            branch: self.office.code.clone(),
            business_date: date.to_string(),
            validate_only: false,
        };
        let (maker, checker) = (&self.office.book_keeper, &self.office.supervisor);
        self.approved(maker, checker, request).await.with_context(|| format!("business day {date}"))?;
        report.line(format_args!("business day: {date} is open"))?;
        Ok(date)
    }
}

/// The first day of a new bank: today by the bank's own clock, or the next day on which the books open. When the sample has
/// no calendar for today, a day in the first year that it has one for.
fn first_day(bank: &Bank, now: DateTime<Utc>) -> Result<NaiveDate> {
    let zone: chrono_tz::Tz = bank.parameter("BANK_ZONE")?.parse().context("BANK_ZONE is no time zone")?;
    let today = now.with_timezone(&zone).date_naive();
    // The day before must have a calendar too, for late slips.
    let usable =
        |date: &NaiveDate| bank.previous_business_day(*date).is_ok() && bank.next_business_day(*date).is_ok();
    let today = match bank.calendar(today.year()) {
        Some(_) if usable(&today) => today,
        _ => fallback(bank)?,
    };
    let before = today.pred_opt().context("a day before today")?;
    bank.next_business_day(before)
}

/// The first of February of the first year that has a calendar.
fn fallback(bank: &Bank) -> Result<NaiveDate> {
    let year = bank.calendar_years().min().context("calendar_years.csv has no rows")?;
    NaiveDate::from_ymd_opt(year, 2, 1).context("a year of the calendar")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn first(now: &str) -> String {
        first_day(&Bank::sample().unwrap(), now.parse().unwrap()).unwrap().to_string()
    }

    #[test]
    fn the_first_day_is_today_where_the_bank_is() {
        assert_eq!(first("2026-11-24T15:59:00Z"), "2026-11-24");
        assert_eq!(first("2026-11-24T16:01:00Z"), "2026-11-25", "past midnight in Shanghai");
    }

    #[test]
    fn on_a_closed_day_it_is_the_next_open_one() {
        assert_eq!(first("2026-10-03T04:00:00Z"), "2026-10-08");
    }

    #[test]
    fn without_a_calendar_for_today_it_is_a_day_of_the_first_year() {
        assert_eq!(first("2031-05-05T04:00:00Z"), "2026-02-02");
        assert_eq!(first("2026-01-01T04:00:00Z"), "2026-02-02", "no calendar for the days before");
    }
}

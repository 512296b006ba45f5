//! Requests to head office that it must refuse: days that cannot be opened, base data that cannot be.

use anyhow::{Context, Result};
use chrono::NaiveDate;

use super::{
    planner::Planner,
    step::{Action, OddRequest},
};
use crate::staff::{Caller, HeadOffice};

impl Planner<'_> {
    /// Business days that cannot be opened.
    pub fn wrong_business_days(&mut self) -> Result<()> {
        let office = HeadOffice::of(self.bank)?;
        let closed = self.closed_day()?.to_string();
        let beyond = self.bank.calendar_years().max().map(|last| last + 1);
        let beyond = format!("{}-03-01", beyond.context("a calendar")?);
        let open = |date: String| Action::Odd(OddRequest::OpenBusinessDay { date });
        self.refuse(office.book_keeper.clone(), &office.code, open(closed), "NOT_BUSINESS_DAY");
        self.refuse(office.book_keeper.clone(), &office.code, open(beyond), "CALENDAR_MISSING");
        let next = self.days.next.to_string();
        self.refuse(office.book_keeper, "110000", open(next), "HEAD_OFFICE_ONLY");
        let desk = self.any_desk();
        let next = self.days.next.to_string();
        self.refuse(Caller::operator(desk.teller()), &desk.branch, open(next), "PERMISSION_DENIED");
        Ok(())
    }

    /// The first day after the business date on which the books stay closed.
    fn closed_day(&self) -> Result<NaiveDate> {
        for date in self.days.business.iter_days().skip(1) {
            if !self.bank.is_business_day(date)? {
                return Ok(date);
            }
        }
        anyhow::bail!("a calendar without a closed day")
    }

    /// Base data from a day on that has begun, and base data that is none.
    pub fn wrong_base_data(&mut self) -> Result<()> {
        let office = HeadOffice::of(self.bank)?;
        let (today, next) = (self.days.business.to_string(), self.days.next.to_string());
        let requests = [
            (
                OddRequest::SetParameter { code: "HOLD_DAYS_MAX", value: "30", effective_date: today },
                "EFFECTIVE_DATE_PAST",
            ),
            (
                OddRequest::SellBelowBuying { currency: "USD", effective_date: next.clone() },
                "BASE_RECORD_INVALID",
            ),
            (
                OddRequest::SetParameter { code: "NO_SUCH_PARAMETER", value: "1", effective_date: next },
                "BASE_RECORD_INVALID",
            ),
        ];
        for (request, reason) in requests {
            self.refuse(office.base_data_maker.clone(), &office.code, Action::Odd(request), reason);
        }
        Ok(())
    }
}

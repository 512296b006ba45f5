//! Requests to head office that it must refuse: days that cannot be opened, base data that cannot be, holds that are not.

use anyhow::{Context, Result};
use chrono::{Datelike, NaiveDate};

use super::{
    codes::TELLERS_CASH,
    planner::Planner,
    step::{Action, OddRequest, Place},
};
use crate::staff::{Caller, HeadOffice};

impl Planner<'_> {
    /// Business days that cannot be opened.
    pub fn wrong_business_days(&mut self) -> Result<()> {
        let office = HeadOffice::of(self.bank)?;
        let closed = self.closed_day()?.to_string();
        let beyond = (self.days.business.year()..).find(|year| self.bank.calendar(*year).is_none());
        let beyond = format!("{}-03-01", beyond.context("a year without a calendar")?);
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
            (OddRequest::SellBelowBuying { currency: "USD", effective_date: next.clone() }, "BASE_RECORD_INVALID"),
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

    /// The bank's own account, once more.
    pub fn opened_twice(&mut self) -> Result<()> {
        let office = HeadOffice::of(self.bank)?;
        let place = Place::of(&office.code, TELLERS_CASH, "CNY");
        let action = Action::Odd(OddRequest::OpenInternalAgain(place));
        self.refuse(office.book_keeper, &office.code, action, "LEDGER_ACCOUNT_EXISTS");
        Ok(())
    }

    /// A hold that nobody placed.
    pub fn unknown_hold(&mut self) -> Result<()> {
        let desk = self.any_desk();
        let action = Action::Odd(OddRequest::ReleaseUnknownHold);
        self.refuse(Caller::operator(desk.teller()), &desk.branch, action, "HOLD_UNKNOWN");
        Ok(())
    }
}

//! Business days (营业日): weekdays that are no holidays, and weekends that are worked (调休). A year whose calendar is not loaded is an
//! error, never a guess.

use chrono::{Datelike, Days, NaiveDate, Weekday};

use crate::{records::CalendarYear, refusal::Rule};

/// How far ahead a business day is looked for: no holidays last so long.
const DAYS_SEARCHED_MAX: u64 = 60;

/// Where the calendars of years are found.
pub trait Calendars {
    /// The calendar of a date's year, as it is in force on that date.
    fn calendar(&self, date: NaiveDate) -> Option<&CalendarYear>;

    /// Whether business is done on a date.
    fn is_business_day(&self, date: NaiveDate) -> Result<bool, Rule> {
        let calendar = self.calendar(date).ok_or(Rule::CalendarMissing { year: date.year() })?;
        Ok(match date.weekday() {
            Weekday::Sat | Weekday::Sun => calendar.working_weekends.contains(&date),
            _ => !calendar.holidays.contains(&date),
        })
    }

    /// The first business day after a date.
    fn next_business_day(&self, date: NaiveDate) -> Result<NaiveDate, Rule> {
        self.first_business_day(date.checked_add_days(Days::new(1)).unwrap_or(NaiveDate::MAX))
    }

    /// The first business day from a date on.
    fn first_business_day(&self, from: NaiveDate) -> Result<NaiveDate, Rule> {
        for date in from.iter_days().take(usize::try_from(DAYS_SEARCHED_MAX).unwrap_or(usize::MAX)) {
            if self.is_business_day(date)? {
                return Ok(date);
            }
        }
        Err(Rule::CalendarMissing { year: from.year() })
    }

    /// The date that is so many business days after a date; 0 for the first business day from it on.
    fn after_business_days(&self, date: NaiveDate, days: u32) -> Result<NaiveDate, Rule> {
        (0..days).try_fold(self.first_business_day(date)?, |date, _| self.next_business_day(date))
    }

    /// The business days after one date up to another, that one included.
    fn business_days_between(&self, after: NaiveDate, to: NaiveDate) -> Result<u32, Rule> {
        let mut days = 0;
        for date in after.iter_days().skip(1).take_while(|date| *date <= to) {
            days += u32::from(self.is_business_day(date)?);
        }
        Ok(days)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    struct Year(CalendarYear);

    impl Calendars for Year {
        fn calendar(&self, date: NaiveDate) -> Option<&CalendarYear> {
            (date.year() == self.0.year).then_some(&self.0)
        }
    }

    fn day(month: u32, day: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, month, day).unwrap()
    }

    /// The week of National Day with its worked weekends.
    fn year() -> Year {
        Year(CalendarYear {
            year: 2026,
            holidays: (1..=7)
                .map(|d| day(10, d))
                .filter(|d| d.weekday().num_days_from_monday() < 5)
                .collect(),
            working_weekends: vec![day(9, 20), day(10, 10)],
            source: String::new(),
        })
    }

    #[test]
    fn holidays_and_worked_weekends_count_as_the_calendar_says() {
        let year = year();
        assert_eq!(year.next_business_day(day(9, 30)), Ok(day(10, 8)));
        assert_eq!(year.next_business_day(day(9, 19)), Ok(day(9, 20)), "a worked Sunday");
        assert_eq!(year.after_business_days(day(9, 30), 3), Ok(day(10, 10)), "a worked Saturday");
        assert_eq!(year.business_days_between(day(9, 30), day(10, 10)), Ok(3));
        assert_eq!(year.after_business_days(day(10, 1), 0), Ok(day(10, 8)));
    }

    #[test]
    fn a_year_that_is_not_loaded_is_no_guess() {
        let missing = Err(Rule::CalendarMissing { year: 2027 });
        assert_eq!(year().next_business_day(day(12, 31)), missing);
        assert_eq!(year().is_business_day(day(12, 31)), Ok(true));
    }

    proptest! {
        #[test]
        fn counting_forward_and_back_agree(from in 0_u64..200, days in 0_u32..60) {
            let year = year();
            let from = year.first_business_day(day(1, 1) + Days::new(from)).unwrap();
            let to = year.after_business_days(from, days).unwrap();
            prop_assert_eq!(year.business_days_between(from, to), Ok(days));
            prop_assert_eq!(year.is_business_day(to), Ok(true));
        }
    }
}

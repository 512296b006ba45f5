//! The opening period (建账期): from when to when history may be imported.

use chrono::{Days, NaiveDate};

use super::acting::Acting;
use crate::domain::refusal::Rule;

/// The opening period, while it lasts.
#[derive(Clone, Copy, Debug)]
pub(super) struct Opening {
    /// The bank's first business day in these books.
    pub first_day: NaiveDate,
    /// The earliest date of imported history; none while it is not set.
    pub history_from: Option<NaiveDate>,
}

impl Opening {
    /// Checks that history may be imported on a date before the open day: it must lie before the bank's first business day in these
    /// books, whose closed days do not change.
    pub fn admits(self, acting: &Acting<'_>, date: NaiveDate) -> Result<(), Rule> {
        if date >= self.first_day {
            return Err(Rule::BusinessDayClosed { date, open: acting.on });
        }
        let earliest = acting.reference.opening_history_from(acting.on)?;
        if date < earliest {
            let latest = self.first_day.checked_sub_days(Days::new(1)).unwrap_or(earliest);
            return Err(Rule::DateOutOfRange { date, earliest, latest });
        }
        Ok(())
    }
}

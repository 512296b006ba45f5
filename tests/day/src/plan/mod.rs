//! The plan of a banking day, made from a seed: steps, what must come of each, and the books as they must stand after all of
//! them.

mod accounts;
mod batches;
mod books;
mod codes;
mod desk;
mod holds;
mod mistakes;
mod people;
mod planner;
mod postings;
mod refusals;
mod step;

use std::collections::BTreeMap;

use anyhow::Result;
use rand::seq::SliceRandom;

pub use books::{Books, Customer, Held, Movements, Totals};
pub use planner::Days;
pub use step::{
    Action, Again, CustomerId, Deal, Expected, HoldId, Line, OddRequest, Party, Place, Standing, Step,
};

use crate::bank::Bank;
use planner::Planner;

/// A customer's account for so many postings.
const POSTINGS_AN_ACCOUNT: usize = 25;

/// Enough accounts for any work of a day to find one that fits.
const ACCOUNTS_MIN: usize = 120;

/// How large a day is, and which.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Scale {
    /// The same seed makes the same day.
    pub seed: u64,
    /// How many postings it makes, at least.
    pub postings: usize,
}

/// A banking day, planned.
#[derive(Debug, Clone)]
pub struct Plan {
    pub days: Days,
    pub steps: Vec<Step>,
    /// The books after the last step.
    pub books: Books,
    /// How many postings the steps make.
    pub postings: usize,
}

/// A part of the day.
type Work<'a> = fn(&mut Planner<'a>) -> Result<()>;

/// The ordinary work of a day, and how often it comes.
fn ordinary<'a>() -> Vec<(Work<'a>, u32)> {
    vec![
        (Planner::deposit, 24),
        (Planner::withdrawal, 20),
        (Planner::transfer, 26),
        (Planner::exchange, 6),
        (Planner::fee, 5),
        (Planner::expense, 3),
        (Planner::register, 4),
        (Planner::cheque_book, 3),
        (Planner::payroll, 1),
        (Planner::above_limit, 1),
        (Planner::dry_run, 1),
        (Planner::hold, 3),
        (Planner::settle_hold, 3),
    ]
}

/// What happens once, somewhere in the day.
fn incidents<'a>() -> Vec<Work<'a>> {
    vec![
        Planner::pending_account,
        Planner::dormant_account,
        Planner::debit_frozen_account,
        Planner::fully_frozen_account,
        Planner::partly_frozen_account,
        Planner::renamed_account,
        Planner::closed_account,
        Planner::overdrawn_account,
        Planner::above_limit_approved,
        Planner::above_limit_rejected,
        Planner::payroll_by_item,
        Planner::payroll_refused,
        Planner::mistaken_captures,
        Planner::mistaken_holds,
        Planner::held_account,
        Planner::wrong_amounts,
        Planner::unbalanced,
        Planner::mixed_currencies,
        Planner::wrong_currency,
        Planner::wrong_number_of_lines,
        Planner::wrong_dates,
        Planner::unknown_accounts,
        Planner::short_of_funds,
        Planner::short_register,
        Planner::by_hand_to_a_system_code,
        Planner::without_request_id,
        Planner::wrong_callers,
        Planner::wrong_approvers,
        Planner::wrong_openings,
        Planner::wrong_business_days,
        Planner::wrong_base_data,
    ]
}

/// Holds that are left to expire.
const LAPSING_HOLDS: usize = 3;

impl Plan {
    /// Plans the day of `bank` whose own accounts stand as `own` says.
    pub fn of(bank: &Bank, own: BTreeMap<Place, Totals>, days: Days, scale: Scale) -> Result<Self> {
        let books = Books::new(own, bank.parameter("INTER_BRANCH_CODE")?);
        let mut planner = Planner::new(bank, books, days, scale.seed)?;
        for _ in 0..LAPSING_HOLDS {
            planner.lapsing_hold()?;
        }
        planner.open_customers((scale.postings / POSTINGS_AN_ACCOUNT).max(ACCOUNTS_MIN))?;
        let ordinary = ordinary();
        let mut incidents = incidents();
        incidents.shuffle(&mut planner.rng);
        let every = (scale.postings.saturating_sub(planner.postings) / incidents.len()).max(1);
        let mut due = planner.postings;
        while planner.postings < scale.postings || !incidents.is_empty() {
            if planner.postings >= due || planner.postings >= scale.postings {
                due += every;
                if let Some(incident) = incidents.pop() {
                    incident(&mut planner)?;
                }
            }
            let (work, _) = planner.weighted(&ordinary, |(_, often)| *often);
            work(&mut planner)?;
        }
        let Planner { steps, books, postings, .. } = planner;
        Ok(Self { days, steps, books, postings })
    }
}

#[cfg(test)]
mod tests;

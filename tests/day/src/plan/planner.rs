//! What every part of the plan is made with: chance, people, amounts, and the books as they stand after each step.

use anyhow::{Context, Result};
use chrono::NaiveDate;
use proto_accounting::v1::TransactionKind;
use rand::{Rng, SeedableRng, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;
use rust_decimal::{Decimal, RoundingStrategy};

use super::{
    books::{Books, Customer},
    desk::{Desk, desks, limit},
    step::{Action, Again, CustomerId, Deal, Expected, HoldId, Line, Party, Place, Step},
};
use crate::{bank::Bank, staff::Caller};

/// An ordinary amount is at most this part of a teller's limit for cash, so that no ordinary step needs a second person,
/// not even when both sides of an inter-branch transaction count.
const ORDINARY_PART: u32 = 6;

/// The business days around the one that is planned.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Days {
    pub business: NaiveDate,
    pub previous: NaiveDate,
    pub next: NaiveDate,
}

impl Days {
    /// The days around `business`.
    pub fn around(business: NaiveDate, bank: &Bank) -> Result<Self> {
        Ok(Self {
            business,
            previous: bank.previous_business_day(business)?,
            next: bank.next_business_day(business)?,
        })
    }
}

/// Makes the plan, step by step.
#[derive(Debug)]
pub(super) struct Planner<'a> {
    pub bank: &'a Bank,
    pub days: Days,
    pub rng: ChaCha8Rng,
    pub desks: Vec<Desk>,
    pub books: Books,
    pub steps: Vec<Step>,
    /// Holds with something set aside that are not left to expire.
    pub open_holds: Vec<HoldId>,
    /// How many postings the steps make.
    pub postings: usize,
}

impl<'a> Planner<'a> {
    pub fn new(bank: &'a Bank, books: Books, days: Days, seed: u64) -> Result<Self> {
        Ok(Self {
            bank,
            days,
            rng: ChaCha8Rng::seed_from_u64(seed),
            desks: desks(bank)?,
            books,
            steps: Vec::new(),
            open_holds: Vec::new(),
            postings: 0,
        })
    }

    pub fn push(&mut self, step: Step) {
        self.postings += step.postings();
        self.steps.push(step);
    }

    /// A deal that is posted.
    pub fn post(&mut self, label: &'static str, desk: &Desk, deal: Deal) -> Result<()> {
        let teller = desk.tellers.choose(&mut self.rng).context("a desk has a teller")?.clone();
        self.post_as(label, Caller::Operator(teller), &desk.branch, deal, Expected::Done)
    }

    /// A deal that is posted by someone, at once or with a second person's approval.
    pub fn post_as(
        &mut self,
        label: &'static str,
        caller: Caller,
        branch: &str,
        deal: Deal,
        expected: Expected,
    ) -> Result<()> {
        self.books.book(&deal)?;
        let after = self.books.standings([&deal]);
        let again = match self.rng.random_range(0..40) {
            0 => Again::Same,
            1 => Again::Other,
            _ => Again::No,
        };
        let action = Action::Post { deal, dry_run: false };
        self.push(Step { label, caller, branch: branch.to_owned(), action, expected, after, again });
        Ok(())
    }

    /// A step that does something else than posting.
    pub fn act(
        &mut self,
        label: &'static str,
        caller: &str,
        branch: &str,
        action: Action,
        expected: Expected,
    ) {
        self.push(Step {
            label,
            caller: Caller::operator(caller),
            branch: branch.to_owned(),
            action,
            expected,
            after: Vec::new(),
            again: Again::No,
        });
    }

    /// A step that is refused.
    pub fn refuse(&mut self, caller: Caller, branch: &str, action: Action, reason: &'static str) {
        self.push(Step {
            label: "refused on purpose",
            caller,
            branch: branch.to_owned(),
            action,
            expected: Expected::Refused(reason),
            after: Vec::new(),
            again: Again::No,
        });
    }

    /// Any desk.
    pub fn any_desk(&mut self) -> Desk {
        self.desks.choose(&mut self.rng).expect("invariant: the sample bank has desks").clone()
    }

    /// The desk of a branch.
    pub fn desk_at(&self, branch: &str) -> Result<Desk> {
        self.desks
            .iter()
            .find(|desk| desk.branch == branch)
            .cloned()
            .with_context(|| format!("no desk at {branch}"))
    }

    /// The desk that serves a customer: mostly that of the branch that keeps the account, sometimes any other (通存通兑).
    pub fn serving(&mut self, account: CustomerId) -> Result<Desk> {
        if self.rng.random_ratio(1, 5) {
            return Ok(self.any_desk());
        }
        let branch = self.books.customer(account).branch.clone();
        self.desk_at(&branch)
    }

    /// Any customer's account that fits.
    pub fn any(&mut self, fits: impl Fn(CustomerId, &Customer) -> bool) -> Option<CustomerId> {
        let count = self.books.customers.len();
        let first = if count == 0 { return None } else { self.rng.random_range(0..count) };
        (first..count).chain(0..first).map(CustomerId).find(|&id| fits(id, self.books.customer(id)))
    }

    /// Any active account that has at least `part` of an ordinary amount to spend.
    pub fn any_funded(&mut self, fits: impl Fn(&Customer) -> bool) -> Option<CustomerId> {
        self.any(|_, customer| customer.is_active() && customer.available() > Decimal::TEN && fits(customer))
    }

    /// The largest ordinary amount in a currency.
    pub fn ordinary_max(&self, currency: &str) -> Result<Decimal> {
        let mut lowest = None;
        for desk in &self.desks {
            let limit = limit(self.bank, desk.teller(), TransactionKind::Cash, currency)?;
            lowest = Some(lowest.map_or(limit, |lowest: Decimal| lowest.min(limit)));
        }
        let lowest = lowest.context("the bank has a teller")?;
        Ok((lowest / Decimal::from(ORDINARY_PART)).trunc())
    }

    /// An amount above nothing and up to `max`, small ones more often than large ones.
    pub fn amount(&mut self, currency: &str, max: Decimal) -> Result<Decimal> {
        let scale = self.bank.decimals(currency)?;
        let unit = Decimal::new(1, scale);
        let share = Decimal::new(self.rng.random_range(1..=1_000), 3);
        let amount = (max * share * share).round_dp_with_strategy(scale, RoundingStrategy::ToZero);
        let mut amount = amount.max(unit);
        amount.rescale(scale);
        Ok(amount)
    }

    /// An ordinary amount that an account can spend.
    pub fn spendable(&mut self, account: CustomerId) -> Result<Decimal> {
        let customer = self.books.customer(account);
        let (currency, available) = (customer.currency.clone(), customer.available());
        let max = self.ordinary_max(&currency)?.min(available);
        self.amount(&currency, max)
    }

    /// An amount with the decimals of its currency.
    pub fn exact(&self, currency: &str, amount: impl Into<Decimal>) -> Result<Decimal> {
        let scale = self.bank.decimals(currency)?;
        let mut amount = amount.into().round_dp_with_strategy(scale, RoundingStrategy::MidpointAwayFromZero);
        amount.rescale(scale);
        Ok(amount)
    }

    /// A deal that pays from one account to another.
    pub fn payment(code: &'static str, from: Party, to: Party, currency: &str, amount: Decimal) -> Deal {
        let lines = vec![Line::debit(from, currency, amount), Line::credit(to, currency, amount)];
        Deal { code, narrative: narrative(code).to_owned(), lines, ..Deal::default() }
    }

    /// The account that a desk's branch has on a code.
    pub fn own(desk: &Desk, ledger_code: &str, currency: &str) -> Party {
        Party::Own(Place::of(&desk.branch, ledger_code, currency))
    }
}

/// What the statement says of a transaction.
fn narrative(code: &str) -> &'static str {
    match code {
        "CASH_DEPOSIT" => "现金存入",
        "CASH_WITHDRAWAL" => "现金支取",
        "TRANSFER" => "转账",
        "PAYROLL" => "代发工资",
        "FEE" => "手续费",
        "EXPENSE" => "办公费用",
        "PREAUTH_CAPTURE" => "预授权完成",
        _ => "",
    }
}

//! A step of the day: who asks what of the bank, and what must come of it.

use std::{fmt, time::Duration};

use proto_accounting::v1::{AccountKind, BatchMode, FreezeKind, Side};
use rust_decimal::Decimal;

use super::books::Customer;
use crate::staff::Caller;

/// A customer's account of this day, by its place in the plan. It has its number when it has been opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CustomerId(pub usize);

/// A hold of this day, by its place in the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct HoldId(pub usize);

/// Where the bank has an account of its own: a branch, a code and a currency.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    pub branch: String,
    pub ledger_code: String,
    pub currency: String,
}

impl Place {
    pub fn of(branch: &str, ledger_code: &str, currency: &str) -> Self {
        Self { branch: branch.to_owned(), ledger_code: ledger_code.to_owned(), currency: currency.to_owned() }
    }

    /// Whether it is off balance (表外).
    pub fn is_off_balance(&self) -> bool {
        self.ledger_code.starts_with(['7', '8'])
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.branch, self.ledger_code, self.currency)
    }
}

/// Whose account a line means.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Party {
    Customer(CustomerId),
    Own(Place),
    /// A name that stands as it is: for accounts that do not exist.
    Named(String),
}

/// A line of a transaction. The amount is a text, so that it can be wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    pub party: Party,
    pub side: Side,
    pub currency: String,
    pub amount: String,
}

impl Line {
    pub fn debit(party: Party, currency: &str, amount: Decimal) -> Self {
        Self { party, side: Side::Debit, currency: currency.to_owned(), amount: amount.to_string() }
    }

    pub fn credit(party: Party, currency: &str, amount: Decimal) -> Self {
        Self { party, side: Side::Credit, currency: currency.to_owned(), amount: amount.to_string() }
    }
}

/// A transaction.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Deal {
    pub code: &'static str,
    pub narrative: String,
    pub voucher: Option<(&'static str, String)>,
    pub transaction_date: String,
    pub accounting_date: String,
    pub value_date: String,
    pub lines: Vec<Line>,
    /// Whether the template of its code makes the lines, which are as they stand here.
    pub by_template: bool,
}

/// What a step asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Opens a customer's account with these terms.
    Open {
        customer: CustomerId,
        terms: Box<Customer>,
    },
    Activate {
        account: CustomerId,
    },
    MarkDormant {
        account: CustomerId,
    },
    Freeze {
        account: CustomerId,
        freeze: FreezeKind,
        amount: Option<Decimal>,
    },
    Unfreeze {
        account: CustomerId,
    },
    Retitle {
        account: CustomerId,
        title: String,
        version: i32,
    },
    Close {
        account: CustomerId,
    },
    Post {
        deal: Deal,
        dry_run: bool,
    },
    Batch {
        mode: BatchMode,
        deals: Vec<Deal>,
    },
    Hold {
        hold: HoldId,
        account: CustomerId,
        amount: String,
        life: Duration,
    },
    Capture {
        hold: HoldId,
        account: CustomerId,
        deal: Deal,
        keep_rest: bool,
    },
    Release {
        hold: HoldId,
        account: CustomerId,
    },
    /// Waits until the service has written down that the hold has lapsed.
    AwaitExpiry {
        hold: HoldId,
        account: CustomerId,
    },
    /// A request that names things which do not exist.
    Odd(OddRequest),
}

/// Requests that only a mistaken caller makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OddRequest {
    MalformedRequestId(Deal),
    ReleaseUnknownHold,
    OpenOnCode {
        kind: AccountKind,
        ledger_code: &'static str,
        currency: &'static str,
    },
    OpenInternalAgain(Place),
    OpenBusinessDay {
        date: String,
    },
    /// A parameter, from this date on.
    SetParameter {
        code: &'static str,
        value: &'static str,
        effective_date: String,
    },
    /// A rate at which the bank would sell below what it pays, from this date on.
    SellBelowBuying {
        currency: &'static str,
        effective_date: String,
    },
}

/// What must come of a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expected {
    /// It is done.
    Done,
    /// It is refused to its maker, approved by a second person, and then done.
    Approved { by: Caller },
    /// It is refused to its maker, rejected by a second person, and never done.
    Rejected { by: Caller },
    /// It is refused to its maker, and the approval is refused to this second person.
    NotApproved { by: Caller, reason: &'static str },
    /// Each item of the batch is posted (`None`) or refused.
    Verdicts(Vec<Option<&'static str>>),
    /// It is refused.
    Refused(&'static str),
}

/// What an account must be after a step, as its last entry tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    pub account: CustomerId,
    pub entries: i64,
    pub ledger: Decimal,
    pub available: Decimal,
}

/// What is sent once more after the step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Again {
    No,
    /// The same request, which must get the same answer.
    Same,
    /// Another request under the same id, which must be refused.
    Other,
}

/// A step of the day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What it is called in the summary.
    pub label: &'static str,
    pub caller: Caller,
    /// The branch acted in.
    pub branch: String,
    pub action: Action,
    pub expected: Expected,
    /// How accounts must stand after it.
    pub after: Vec<Standing>,
    pub again: Again,
}

impl Step {
    /// What the step needs to itself: no two steps that share one of these run at the same time, and they run in the order
    /// of the plan.
    pub fn touches(&self) -> Vec<Party> {
        let mut touches = Vec::new();
        match &self.action {
            Action::Open { customer: account, .. }
            | Action::Activate { account }
            | Action::MarkDormant { account }
            | Action::Freeze { account, .. }
            | Action::Unfreeze { account }
            | Action::Retitle { account, .. }
            | Action::Close { account }
            | Action::Hold { account, .. }
            | Action::Release { account, .. }
            | Action::AwaitExpiry { account, .. } => touches.push(Party::Customer(*account)),
            Action::Capture { account, deal, .. } => {
                touches.push(Party::Customer(*account));
                touches.extend(of_deal(deal));
            }
            Action::Post { deal, .. } | Action::Odd(OddRequest::MalformedRequestId(deal)) => {
                touches.extend(of_deal(deal));
            }
            Action::Batch { deals, .. } => touches.extend(deals.iter().flat_map(of_deal)),
            Action::Odd(_) => {}
        }
        touches.sort();
        touches.dedup();
        touches
    }

    /// How many postings it makes.
    pub fn postings(&self) -> usize {
        match (&self.action, &self.expected) {
            (
                Action::Post { dry_run: false, .. } | Action::Capture { .. },
                Expected::Done | Expected::Approved { .. },
            ) => 1,
            (Action::Batch { deals, .. }, Expected::Done | Expected::Approved { .. }) => deals.len(),
            (Action::Batch { .. }, Expected::Verdicts(verdicts)) => {
                verdicts.iter().filter(|verdict| verdict.is_none()).count()
            }
            _ => 0,
        }
    }
}

/// Customers' accounts, whose balances are foreseen one by one, and registers, which are never to go below zero. The other
/// accounts of the bank only add up.
fn of_deal(deal: &Deal) -> impl Iterator<Item = Party> {
    deal.lines.iter().map(|line| line.party.clone()).filter(|party| match party {
        Party::Customer(_) => true,
        Party::Own(place) => place.is_off_balance(),
        Party::Named(_) => false,
    })
}

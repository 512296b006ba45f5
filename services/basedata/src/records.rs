//! What each record of base data says.

use std::fmt;

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::ids::{BranchCode, CurrencyCode, OperatorCode};

/// What a branch is in the bank's tree.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BranchKind {
    HeadOffice,
    Branch,
    SubBranch,
    Counter,
}

/// A branch (机构).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Branch {
    pub code: BranchCode,
    pub title: String,
    pub kind: BranchKind,
    pub parent: Option<BranchCode>,
    pub closed: bool,
}

/// What an operator does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OperatorKind {
    Teller,
    Supervisor,
    BookKeeper,
    System,
}

/// What a transaction moves; derived from its lines, so that a wrong label cannot avoid a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum TransactionKind {
    Cash,
    Transfer,
    Internal,
}

impl fmt::Display for TransactionKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Cash => "CASH",
            Self::Transfer => "TRANSFER",
            Self::Internal => "INTERNAL",
        })
    }
}

/// How much an operator may post, or authorise, in one transaction (柜员限额).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OperatorLimit {
    pub kind: TransactionKind,
    pub currency: CurrencyCode,
    pub single_max: Decimal,
}

/// An operator (柜员): one person, one code.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Operator {
    pub code: OperatorCode,
    pub title: String,
    pub branch: BranchCode,
    pub kind: OperatorKind,
    pub suspended: bool,
    pub limits: Vec<OperatorLimit>,
}

/// A currency (币种).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CurrencyRecord {
    pub code: CurrencyCode,
    pub numeric_code: String,
    pub exponent: u8,
    pub title: String,
}

/// Exchange rate (汇率) of a currency against the base currency.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExchangeRate {
    pub currency: CurrencyCode,
    /// Units quoted, usually 100.
    pub unit: i32,
    pub buy: Decimal,
    pub sell: Decimal,
    pub middle: Decimal,
}

/// Business calendar (营业日历) of a year.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CalendarYear {
    pub year: i32,
    pub holidays: Vec<NaiveDate>,
    /// Saturdays and Sundays that are worked (调休).
    pub working_weekends: Vec<NaiveDate>,
    pub source: String,
}

/// Interest rate (利率).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InterestRate {
    pub code: String,
    pub title: String,
    pub currency: CurrencyCode,
    pub annual_percent: Decimal,
}

/// Parameter (参数).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Parameter {
    pub code: String,
    pub value: String,
}

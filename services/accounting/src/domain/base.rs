//! Base data (核心系统基础数据): what each record says. Effective dates and look-ups are in [`super::reference`].

use dated::Content;
use serde::{Deserialize, Serialize};

use super::{
    ids::{CurrencyCode, LedgerCodeNumber},
    side::NormalSide,
    template::PostingTemplate,
};

pub use basedata::records::{
    Branch, BranchKind, CalendarYear, CurrencyRecord, ExchangeRate, InterestRate, Operator, OperatorKind,
    OperatorLimit, Parameter, TransactionKind,
};

/// What one record of base data says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BaseContent {
    Branch(Branch),
    Operator(Operator),
    Currency(CurrencyRecord),
    ExchangeRate(ExchangeRate),
    CalendarYear(CalendarYear),
    InterestRate(InterestRate),
    Parameter(Parameter),
    LedgerCode(LedgerCode),
    PostingTemplate(PostingTemplate),
}

impl BaseContent {
    /// Which kind of base data it is.
    pub fn kind(&self) -> BaseKind {
        match self {
            Self::Branch(_) => BaseKind::Branch,
            Self::Operator(_) => BaseKind::Operator,
            Self::Currency(_) => BaseKind::Currency,
            Self::ExchangeRate(_) => BaseKind::ExchangeRate,
            Self::CalendarYear(_) => BaseKind::CalendarYear,
            Self::InterestRate(_) => BaseKind::InterestRate,
            Self::Parameter(_) => BaseKind::Parameter,
            Self::LedgerCode(_) => BaseKind::LedgerCode,
            Self::PostingTemplate(_) => BaseKind::PostingTemplate,
        }
    }
}

impl Content for BaseContent {
    fn code(&self) -> String {
        match self {
            Self::Branch(branch) => branch.code.to_string(),
            Self::Operator(operator) => operator.code.to_string(),
            Self::Currency(currency) => currency.code.to_string(),
            Self::ExchangeRate(rate) => rate.currency.to_string(),
            Self::CalendarYear(calendar) => calendar.year.to_string(),
            Self::InterestRate(rate) => rate.code.clone(),
            Self::Parameter(parameter) => parameter.code.clone(),
            Self::LedgerCode(code) => code.code.to_string(),
            Self::PostingTemplate(template) => template.code.clone(),
        }
    }
}

/// The kinds of base data. The order is that in which a change that holds several kinds is checked and applied: each kind
/// only refers to those before it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BaseKind {
    Currency,
    Parameter,
    CalendarYear,
    LedgerCode,
    Branch,
    Operator,
    ExchangeRate,
    InterestRate,
    PostingTemplate,
}

impl BaseKind {
    /// The first part of its records' names, as in `branches/110100`.
    pub const fn collection(self) -> &'static str {
        match self {
            Self::Currency => "currencies",
            Self::Parameter => "parameters",
            Self::CalendarYear => "calendarYears",
            Self::LedgerCode => "ledgerCodes",
            Self::Branch => "branches",
            Self::Operator => "operators",
            Self::ExchangeRate => "exchangeRates",
            Self::InterestRate => "interestRates",
            Self::PostingTemplate => "postingTemplates",
        }
    }

    /// The name of its record with a code.
    pub fn record_name(self, code: &str) -> String {
        format!("{}/{code}", self.collection())
    }

    /// All of them, in their order.
    pub const ALL: [Self; 9] = [
        Self::Currency,
        Self::Parameter,
        Self::CalendarYear,
        Self::LedgerCode,
        Self::Branch,
        Self::Operator,
        Self::ExchangeRate,
        Self::InterestRate,
        Self::PostingTemplate,
    ];

    /// What one record of the kind is called.
    pub fn name(self) -> &'static str {
        match self {
            Self::Currency => "currency",
            Self::Parameter => "parameter",
            Self::CalendarYear => "calendar year",
            Self::LedgerCode => "ledger code",
            Self::Branch => "branch",
            Self::Operator => "operator",
            Self::ExchangeRate => "exchange rate",
            Self::InterestRate => "interest rate",
            Self::PostingTemplate => "posting template",
        }
    }
}

/// One record in one version; dates are business dates.
pub type BaseVersion = dated::Version<BaseContent>;

/// A record before and after a change (前后对照).
pub type BaseChange = dated::Change<BaseContent>;

/// Class of a ledger code (科目类别).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LedgerClass {
    Asset,
    Liability,
    Common,
    Equity,
    Cost,
    ProfitAndLoss,
    /// Off-balance, contingent items (或有事项).
    Contingent,
    /// Off-balance, register (备查登记).
    Register,
}

impl LedgerClass {
    /// The class of a code, which is its first digit.
    pub fn of(code: &LedgerCodeNumber) -> Option<Self> {
        Some(match code.as_str().as_bytes().first()? {
            b'1' => Self::Asset,
            b'2' => Self::Liability,
            b'3' => Self::Common,
            b'4' => Self::Equity,
            b'5' => Self::Cost,
            b'6' => Self::ProfitAndLoss,
            b'7' => Self::Contingent,
            b'8' => Self::Register,
            _ => return None,
        })
    }

    /// Whether it stands outside the balance sheet (表外): single entry, no part of any proof.
    pub fn is_off_balance(self) -> bool {
        matches!(self, Self::Contingent | Self::Register)
    }
}

/// A ledger code (会计科目).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(clippy::struct_excessive_bools, reason = "each is a property of its own, in the contract too")]
pub struct LedgerCode {
    pub code: LedgerCodeNumber,
    pub title: String,
    pub title_en: String,
    pub class: LedgerClass,
    pub normal_side: NormalSide,
    /// Empty for all.
    pub currencies: Vec<CurrencyCode>,
    pub has_accounts: bool,
    pub manual_posting: bool,
    pub cash: bool,
    pub closed: bool,
    pub replaces: Vec<LedgerCodeNumber>,
}

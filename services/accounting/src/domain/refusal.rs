//! Why the book refuses a command: one rule broken, and the field that broke it. The names by which callers know the rules
//! are in `error.rs`.

use std::{borrow::Cow, fmt};

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{
    base::{Side, TransactionKind},
    ids::{
        AccountNumber, BranchCode, CurrencyCode, FormerNumber, HoldNumber, LedgerCodeNumber, OperatorCode,
    },
};

/// A refusal: the rule that was broken, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    /// Path of the field in the request, as `transaction.lines[1].amount`; `None` when no one field broke the rule.
    pub field: Option<String>,
    pub rule: Rule,
}

impl From<Rule> for Refusal {
    fn from(rule: Rule) -> Self {
        Self { field: None, rule }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.field {
            Some(field) => write!(f, "{field}: {}", self.rule),
            None => self.rule.fmt(f),
        }
    }
}

impl std::error::Error for Refusal {}

impl Refusal {
    /// The same refusal, of a part of the request: its field lies below that part.
    #[must_use]
    pub fn within(mut self, part: &str) -> Self {
        self.field = self.field.map(|field| format!("{part}.{field}"));
        self
    }

    /// The same refusal, of an item of several: the item is named even when no one field of it broke the rule.
    #[must_use]
    pub fn of_item(mut self, item: &str) -> Self {
        self.field = Some(match self.field {
            Some(field) => format!("{item}.{field}"),
            None => item.to_owned(),
        });
        self
    }
}

impl Rule {
    /// This rule, broken by that field.
    pub fn at(self, field: impl Into<String>) -> Refusal {
        Refusal { field: Some(field.into()), rule: self }
    }
}

/// The rules of the book, each with the values it speaks of.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    #[error("this request id was used for another request")]
    RequestIdReused,
    #[error("{0}")]
    FieldInvalid(String),

    // Base data and the business day.
    #[error("base data has no {kind} {code} on {on}")]
    BaseRecordUnknown { kind: Cow<'static, str>, code: String, on: NaiveDate },
    #[error(
        "base data cannot change from {effective_date} on: business date {business_date} is not after it"
    )]
    EffectiveDatePast { effective_date: NaiveDate, business_date: NaiveDate },
    #[error("{0}")]
    BaseRecordInvalid(String),
    #[error("no posting template {code} is in force on {on}")]
    TemplateUnknown { code: String, on: NaiveDate },
    #[error("no posting template that is in force on {on} books {kind}")]
    FactUnknown { kind: String, on: NaiveDate },
    #[error("posting template {code} is closed")]
    TemplateClosed { code: String },
    #[error("field {name} is required")]
    FieldMissing { name: String },
    #[error("the template declares no field {name}")]
    FieldUnknown { name: String },
    #[error("the template's expression {message}")]
    ExpressionFailed { message: String },
    #[error("no calendar is loaded for {year}")]
    CalendarMissing { year: i32 },
    #[error("{date} is no business day")]
    NotBusinessDay { date: NaiveDate },
    #[error("no business day is open")]
    NoBusinessDay,
    #[error("business day {date} is closed; {open} is open")]
    BusinessDayClosed { date: NaiveDate, open: NaiveDate },
    #[error("business day {date} is not open yet; {open} is open")]
    BusinessDayNotOpen { date: NaiveDate, open: NaiveDate },
    #[error("{date} is outside the allowed range from {earliest} to {latest}")]
    DateOutOfRange { date: NaiveDate, earliest: NaiveDate, latest: NaiveDate },

    #[error("the opening period ended with {until}; {open} is open")]
    OpeningPeriodOver { until: NaiveDate, open: NaiveDate },

    // Who acts, and where.
    #[error("operator {operator} is unknown")]
    OperatorUnknown { operator: OperatorCode },
    #[error("operator {operator} is suspended")]
    OperatorSuspended { operator: OperatorCode },
    #[error("operator {operator} authorises and does not post")]
    OperatorMayNotPost { operator: OperatorCode },
    #[error(
        "{limit} is the limit of {operator} for {kind:?} in {currency}, and {amount} is above it: a second person must agree"
    )]
    ApprovalRequired {
        operator: OperatorCode,
        kind: TransactionKind,
        currency: CurrencyCode,
        amount: Decimal,
        limit: Decimal,
    },
    #[error("{what} needs a second person")]
    SecondPersonRequired { what: Cow<'static, str> },
    #[error("{limit} is the limit of {operator} for {kind:?} in {currency}, and {amount} is above it")]
    OperatorLimitExceeded {
        operator: OperatorCode,
        kind: TransactionKind,
        currency: CurrencyCode,
        amount: Decimal,
        limit: Decimal,
    },
    #[error("branch {branch} is unknown")]
    BranchUnknown { branch: BranchCode },
    #[error("branch {branch} is closed")]
    BranchClosed { branch: BranchCode },
    #[error("branch {branch} does not keep account {account}; branch {keeper} does")]
    AccountOfAnotherBranch { account: AccountNumber, branch: BranchCode, keeper: BranchCode },
    #[error("only head office may do this, not branch {branch}")]
    HeadOfficeOnly { branch: BranchCode },

    // Accounts.
    #[error("account {account} is unknown")]
    AccountUnknown { account: AccountNumber },
    #[error("no account has the former number {former_number}")]
    FormerNumberUnknown { former_number: FormerNumber },
    #[error("former number {former_number} is that of account {account} already")]
    FormerNumberTaken { former_number: FormerNumber, account: AccountNumber },
    #[error("branch {branch} has no account on {ledger_code} in {currency}")]
    LedgerAccountMissing { branch: BranchCode, ledger_code: LedgerCodeNumber, currency: CurrencyCode },
    #[error("branch {branch} has an account on {ledger_code} in {currency} already: {account}")]
    LedgerAccountExists {
        branch: BranchCode,
        ledger_code: LedgerCodeNumber,
        currency: CurrencyCode,
        account: AccountNumber,
    },
    #[error("account {account} is pending: activate it first")]
    AccountPending { account: AccountNumber },
    #[error("account {account} is dormant: activate it first")]
    AccountDormant { account: AccountNumber },
    #[error("account {account} is frozen against this")]
    AccountFrozen { account: AccountNumber },
    #[error("account {account} is closed")]
    AccountClosed { account: AccountNumber },
    #[error("an account that is {from} cannot be made {to}")]
    TransitionNotAllowed { from: Cow<'static, str>, to: Cow<'static, str> },
    #[error("account {account} still has a balance of {balance}")]
    AccountNotEmpty { account: AccountNumber, balance: Decimal },
    #[error("account {account} still has {holds} open holds")]
    AccountHeld { account: AccountNumber, holds: usize },
    #[error("account {account} has version {version}, not {expected}")]
    AccountChanged { account: AccountNumber, version: i32, expected: i32 },
    #[error("ledger code {ledger_code} has no accounts of this kind")]
    LedgerCodeNotAllowed { ledger_code: LedgerCodeNumber },
    #[error("ledger code {ledger_code} is unknown")]
    LedgerCodeUnknown { ledger_code: LedgerCodeNumber },
    #[error("ledger code {ledger_code} is closed")]
    LedgerCodeClosed { ledger_code: LedgerCodeNumber },
    #[error("operators do not post by hand to ledger code {ledger_code}")]
    ManualPostingNotAllowed { ledger_code: LedgerCodeNumber },
    #[error("ledger code {ledger_code} does not take {currency}")]
    CurrencyNotAllowed { ledger_code: LedgerCodeNumber, currency: CurrencyCode },

    // Amounts.
    #[error("currency {currency} is unknown")]
    CurrencyUnknown { currency: CurrencyCode },
    #[error("account {account} is in {expected}, not {currency}")]
    CurrencyMismatch { account: AccountNumber, currency: CurrencyCode, expected: CurrencyCode },
    #[error("{amount} is not above zero")]
    AmountNotPositive { amount: Decimal },
    #[error("{amount} has more decimals than {currency} has: {decimals_max}")]
    AmountTooPrecise { amount: Decimal, currency: CurrencyCode, decimals_max: u8 },
    #[error("{amount} is above the largest amount: {amount_max}")]
    AmountTooLarge { amount: Decimal, amount_max: Decimal },

    // Postings and holds.
    #[error("{currency} does not balance: debits less credits are {difference}")]
    NotBalanced { currency: CurrencyCode, difference: Decimal },
    #[error("several currencies meet without ledger code {exchange_code}")]
    CurrenciesMixed { exchange_code: LedgerCodeNumber },
    #[error("branch {branch} has no inter-branch account in {currency}")]
    InterBranchAccountMissing { branch: BranchCode, currency: CurrencyCode },
    #[error("account {account} is short of {shortage}: {available} is available")]
    FundsInsufficient { account: AccountNumber, available: Decimal, shortage: Decimal },
    #[error(
        "account {account} is on an off-balance code and does not take {side:?} {amount}: {balance} is registered"
    )]
    RegisterShort { account: AccountNumber, side: Side, amount: Decimal, balance: Decimal },
    #[error("{what} has none, and needs at least one")]
    Empty { what: Cow<'static, str> },
    #[error("{what} has {count}, and at most {max} are allowed")]
    TooMany { what: Cow<'static, str>, count: usize, max: usize },
    #[error("another transaction of the batch was refused: {0}")]
    BatchRefused(String),
    #[error("hold {hold} is unknown")]
    HoldUnknown { hold: HoldNumber },
    #[error("hold {hold} is no longer open")]
    HoldNotOpen { hold: HoldNumber },
    #[error("hold {hold} expired at {expired_at}")]
    HoldExpired { hold: HoldNumber, expired_at: DateTime<Utc> },
    #[error("hold {hold} has {remaining} set aside, and {amount} was to be captured")]
    HoldExceeded { hold: HoldNumber, remaining: Decimal, amount: Decimal },
    #[error("the transaction does not debit the held account {account}")]
    HoldNotDebited { account: AccountNumber },
    #[error("account {account} has {holds} open holds, and at most {holds_max} are allowed")]
    OpenHoldsTooMany { account: AccountNumber, holds: usize, holds_max: u64 },
    #[error("{expires_at} is not between now and {latest}")]
    HoldExpiryInvalid { expires_at: DateTime<Utc>, latest: DateTime<Utc> },
}

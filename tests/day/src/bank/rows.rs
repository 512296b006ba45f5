//! What the columns of each file are.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Deserializer};

/// A row of `currencies.csv`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CurrencyRow {
    pub effective_date: NaiveDate,
    pub code: String,
    pub numeric_code: String,
    pub exponent: u8,
    pub title: String,
}

/// A row of `parameters.csv`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ParameterRow {
    pub effective_date: NaiveDate,
    pub code: String,
    pub value: String,
}

/// A row of `calendar_years.csv`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CalendarYearRow {
    pub effective_date: NaiveDate,
    pub year: i32,
    pub source: String,
}

/// A row of `calendar_days.csv`: a day on which the calendar differs from the week.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CalendarDayRow {
    pub date: NaiveDate,
    pub kind: CalendarDayKind,
    #[serde(rename = "title")]
    _title: String,
}

/// How a day differs from the week.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum CalendarDayKind {
    /// A weekday off.
    Holiday,
    /// A Saturday or Sunday worked (调休).
    WorkingWeekend,
}

/// A row of `chart.csv`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LedgerCodeRow {
    pub code: String,
    pub title: String,
    pub title_en: String,
    pub class: String,
    pub normal_side: String,
    #[serde(deserialize_with = "words")]
    pub currencies: Vec<String>,
    pub has_accounts: bool,
    pub manual_posting: bool,
    pub cash: bool,
    #[serde(deserialize_with = "words")]
    pub replaces: Vec<String>,
}

/// A row of `branches.csv`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct BranchRow {
    pub effective_date: NaiveDate,
    pub code: String,
    pub title: String,
    pub kind: String,
    pub parent: String,
    pub closed: bool,
}

/// A row of `operators.csv`. `limits` names a set in `operator_limits.csv`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OperatorRow {
    pub effective_date: NaiveDate,
    pub code: String,
    pub title: String,
    pub branch: String,
    pub kind: String,
    pub limits: String,
    pub suspended: bool,
}

/// A row of `operator_limits.csv`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct OperatorLimitRow {
    pub limits: String,
    pub kind: String,
    pub currency: String,
    #[serde(with = "rust_decimal::serde::str")]
    pub single_max: Decimal,
}

/// A row of `exchange_rates.csv`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExchangeRateRow {
    pub effective_date: NaiveDate,
    pub currency: String,
    pub unit: i32,
    #[serde(with = "rust_decimal::serde::str")]
    pub buy: Decimal,
    #[serde(with = "rust_decimal::serde::str")]
    pub sell: Decimal,
    #[serde(with = "rust_decimal::serde::str")]
    pub middle: Decimal,
    #[serde(rename = "source")]
    _source: String,
}

/// A row of `interest_rates.csv`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct InterestRateRow {
    pub effective_date: NaiveDate,
    pub code: String,
    pub title: String,
    pub currency: String,
    #[serde(with = "rust_decimal::serde::str")]
    pub annual_percent: Decimal,
    #[serde(rename = "source")]
    _source: String,
}

/// A row of `voucher_kinds.csv`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct VoucherKindRow {
    pub code: String,
    pub title: String,
    pub category: String,
    pub prefix: String,
    pub digits: i32,
    pub unit_value: String,
    pub ledger_code: String,
}

/// A row of `internal_accounts.csv`: the branches of these kinds have an account on this code in each of these currencies.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct InternalAccountRow {
    /// Kinds of branches.
    #[serde(deserialize_with = "words")]
    pub branches: Vec<String>,
    pub ledger_code: String,
    #[serde(deserialize_with = "words")]
    pub currencies: Vec<String>,
    pub kind: String,
    pub title: String,
}

/// A row of `founding.csv`: what the bank has in a currency when it opens.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FoundingRow {
    pub currency: String,
    #[serde(with = "rust_decimal::serde::str")]
    pub funds: Decimal,
    #[serde(with = "rust_decimal::serde::str")]
    pub vault_cash: Decimal,
    #[serde(with = "rust_decimal::serde::str")]
    pub branch_cash: Decimal,
}

/// A list whose items are parted by spaces.
fn words<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    Ok(String::deserialize(deserializer)?.split_whitespace().map(str::to_owned).collect())
}

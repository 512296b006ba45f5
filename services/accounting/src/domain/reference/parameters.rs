//! The parameters (参数) that the books know, each with the form of its value. Others are refused.

use std::{fmt, str::FromStr};

use chrono_tz::Tz;
use rust_decimal::Decimal;

use super::rules::is_ledger_code;

pub(super) const BASE_CURRENCY: &str = "BASE_CURRENCY";
pub(super) const BANK_ZONE: &str = "BANK_ZONE";
pub(super) const INTER_BRANCH_CODE: &str = "INTER_BRANCH_CODE";
pub(super) const EXCHANGE_CODE: &str = "EXCHANGE_CODE";
pub(super) const VALUE_DATE_BACK_DAYS_MAX: &str = "VALUE_DATE_BACK_DAYS_MAX";
pub(super) const VALUE_DATE_FORWARD_DAYS_MAX: &str = "VALUE_DATE_FORWARD_DAYS_MAX";
pub(super) const HOLD_DAYS_MAX: &str = "HOLD_DAYS_MAX";
pub(super) const AMOUNT_MAX: &str = "AMOUNT_MAX";

/// Most days that a parameter may say: ten years.
const DAYS_MAX: u64 = 3_653;
/// Most that `AMOUNT_MAX` may say: a billion such entries still add up exactly.
const AMOUNT_MAX_MAX: i64 = 1_000_000_000_000_000;

/// A parameter that the books know.
#[derive(Clone, Copy, Debug)]
pub struct ParameterRule {
    pub code: &'static str,
    pub meaning: &'static str,
    pub form: ParameterForm,
    /// Once set, for ever: accounts and rates stand on it.
    pub fixed: bool,
}

/// The form of a parameter's value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParameterForm {
    /// A currency of base data.
    Currency,
    /// A time zone of the IANA database.
    Zone,
    /// Digits in the form of a ledger code.
    LedgerCode,
    /// A whole number of days.
    Days,
    /// An amount above zero.
    Amount,
}

/// Every parameter. Postings, holds and accounts need all of them.
pub const PARAMETERS: &[ParameterRule] = &[
    ParameterRule {
        code: BASE_CURRENCY,
        meaning: "The bank's own currency, against which exchange rates are quoted.",
        form: ParameterForm::Currency,
        fixed: true,
    },
    ParameterRule {
        code: BANK_ZONE,
        meaning: "The time zone of business dates.",
        form: ParameterForm::Zone,
        fixed: false,
    },
    ParameterRule {
        code: INTER_BRANCH_CODE,
        meaning: "The ledger code on which, or below which, inter-branch accounts stand.",
        form: ParameterForm::LedgerCode,
        fixed: true,
    },
    ParameterRule {
        code: EXCHANGE_CODE,
        meaning: "The ledger code on which, or below which, currencies meet in one transaction.",
        form: ParameterForm::LedgerCode,
        fixed: false,
    },
    ParameterRule {
        code: VALUE_DATE_BACK_DAYS_MAX,
        meaning: "How many days before the business date a value date or transaction date may lie.",
        form: ParameterForm::Days,
        fixed: false,
    },
    ParameterRule {
        code: VALUE_DATE_FORWARD_DAYS_MAX,
        meaning: "How many days after the business date a value date may lie.",
        form: ParameterForm::Days,
        fixed: false,
    },
    ParameterRule {
        code: HOLD_DAYS_MAX,
        meaning: "For how many days money may be set aside by a hold.",
        form: ParameterForm::Days,
        fixed: false,
    },
    ParameterRule {
        code: AMOUNT_MAX,
        meaning: "The largest amount of a line, of an overdraft line or of a freeze, in any currency.",
        form: ParameterForm::Amount,
        fixed: false,
    },
];

impl ParameterForm {
    /// Whether a value has the form.
    pub fn admits(self, value: &str) -> bool {
        match self {
            Self::Currency => value.len() == 3 && value.bytes().all(|byte| byte.is_ascii_uppercase()),
            Self::Zone => Tz::from_str(value).is_ok(),
            Self::LedgerCode => is_ledger_code(value),
            Self::Days => {
                value.bytes().all(|byte| byte.is_ascii_digit())
                    && value.parse().is_ok_and(|days: u64| days <= DAYS_MAX)
            }
            Self::Amount => money::parse_amount(value)
                .is_ok_and(|amount| amount > Decimal::ZERO && amount <= AMOUNT_MAX_MAX.into()),
        }
    }
}

impl fmt::Display for ParameterForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Currency => f.write_str("a currency of base data"),
            Self::Zone => f.write_str("a time zone of the IANA database, for example Asia/Shanghai"),
            Self::LedgerCode => f.write_str("a ledger code: four digits, then two a level"),
            Self::Days => write!(f, "a number of days from 0 to {DAYS_MAX}"),
            Self::Amount => write!(f, "an amount above 0 and up to {AMOUNT_MAX_MAX}"),
        }
    }
}

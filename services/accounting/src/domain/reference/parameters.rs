//! The parameters (参数) that the books know, each with the form of its value. Others are refused.

use std::{fmt, str::FromStr};

use chrono::NaiveDate;
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
pub(super) const SUSPENSE_RECEIVABLE_CODE: &str = "SUSPENSE_RECEIVABLE_CODE";
pub(super) const SUSPENSE_PAYABLE_CODE: &str = "SUSPENSE_PAYABLE_CODE";
pub(super) const OPEN_HOLDS_MAX: &str = "OPEN_HOLDS_MAX";
pub(super) const AMOUNT_MAX: &str = "AMOUNT_MAX";
pub(super) const OPENING_PERIOD_UNTIL: &str = "OPENING_PERIOD_UNTIL";
pub(super) const OPENING_HISTORY_FROM: &str = "OPENING_HISTORY_FROM";

/// Most days that a parameter may say: ten years.
const DAYS_MAX: u64 = 3_653;
/// Most that `OPEN_HOLDS_MAX` may say: each is in memory with its account, and is looked at by whatever takes from it.
const HOLDS_MAX: u64 = 10_000;
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
    /// Whether a business day opens only when it is set.
    pub needed: bool,
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
    /// A whole number of holds.
    Holds,
    /// An amount above zero.
    Amount,
    /// A date.
    Date,
}

/// Every parameter. Postings, holds and accounts need those that are marked so.
pub const PARAMETERS: &[ParameterRule] = &[
    ParameterRule {
        code: BASE_CURRENCY,
        meaning: "The bank's own currency, against which exchange rates are quoted.",
        form: ParameterForm::Currency,
        fixed: true,
        needed: true,
    },
    ParameterRule {
        code: BANK_ZONE,
        meaning: "The time zone of business dates.",
        form: ParameterForm::Zone,
        fixed: false,
        needed: true,
    },
    ParameterRule {
        code: INTER_BRANCH_CODE,
        meaning: "The ledger code on which, or below which, inter-branch accounts stand.",
        form: ParameterForm::LedgerCode,
        fixed: true,
        needed: true,
    },
    ParameterRule {
        code: EXCHANGE_CODE,
        meaning: "The ledger code on which, or below which, currencies meet in one transaction.",
        form: ParameterForm::LedgerCode,
        fixed: false,
        needed: true,
    },
    ParameterRule {
        code: SUSPENSE_RECEIVABLE_CODE,
        meaning: "The ledger code of the accounts to which debits go that facts bring and their own accounts do not take.",
        form: ParameterForm::LedgerCode,
        fixed: false,
        needed: true,
    },
    ParameterRule {
        code: SUSPENSE_PAYABLE_CODE,
        meaning: "The ledger code of the accounts to which such credits go.",
        form: ParameterForm::LedgerCode,
        fixed: false,
        needed: true,
    },
    ParameterRule {
        code: VALUE_DATE_BACK_DAYS_MAX,
        meaning: "How many days before the business date a value date or transaction date may lie.",
        form: ParameterForm::Days,
        fixed: false,
        needed: true,
    },
    ParameterRule {
        code: VALUE_DATE_FORWARD_DAYS_MAX,
        meaning: "How many days after the business date a value date may lie.",
        form: ParameterForm::Days,
        fixed: false,
        needed: true,
    },
    ParameterRule {
        code: HOLD_DAYS_MAX,
        meaning: "For how many days money may be set aside by a hold.",
        form: ParameterForm::Days,
        fixed: false,
        needed: true,
    },
    ParameterRule {
        code: OPEN_HOLDS_MAX,
        meaning: "How many holds an account may have open.",
        form: ParameterForm::Holds,
        fixed: false,
        needed: true,
    },
    ParameterRule {
        code: AMOUNT_MAX,
        meaning: "The largest amount of a line, of an overdraft line or of a freeze, in any currency.",
        form: ParameterForm::Amount,
        fixed: false,
        needed: true,
    },
    ParameterRule {
        code: OPENING_PERIOD_UNTIL,
        meaning: "The last business date of the opening period, in which accounts and postings are moved in.",
        form: ParameterForm::Date,
        fixed: false,
        needed: false,
    },
    ParameterRule {
        code: OPENING_HISTORY_FROM,
        meaning: "The earliest accounting date of postings that are moved in. Without it none is before the open day.",
        form: ParameterForm::Date,
        fixed: false,
        needed: false,
    },
];

impl ParameterForm {
    /// Whether a value has the form.
    pub fn admits(self, value: &str) -> bool {
        match self {
            Self::Currency => value.len() == 3 && value.bytes().all(|byte| byte.is_ascii_uppercase()),
            Self::Zone => Tz::from_str(value).is_ok(),
            Self::LedgerCode => is_ledger_code(value),
            Self::Days => is_number(value, DAYS_MAX),
            Self::Holds => is_number(value, HOLDS_MAX),
            Self::Amount => money::parse_amount(value)
                .is_ok_and(|amount| amount > Decimal::ZERO && amount <= AMOUNT_MAX_MAX.into()),
            // In one form only, which is also how it is written.
            Self::Date => value.parse().is_ok_and(|date: NaiveDate| date.to_string() == value),
        }
    }
}

/// Whether a value is a whole number from 0 to `max`, and nothing besides digits.
fn is_number(value: &str, max: u64) -> bool {
    value.bytes().all(|byte| byte.is_ascii_digit()) && value.parse().is_ok_and(|number: u64| number <= max)
}

impl fmt::Display for ParameterForm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Currency => f.write_str("a currency of base data"),
            Self::Zone => f.write_str("a time zone of the IANA database, for example Asia/Shanghai"),
            Self::LedgerCode => f.write_str("a ledger code: four digits, then two a level"),
            Self::Days => write!(f, "a number of days from 0 to {DAYS_MAX}"),
            Self::Holds => write!(f, "a number of holds from 0 to {HOLDS_MAX}"),
            Self::Amount => write!(f, "an amount above 0 and up to {AMOUNT_MAX_MAX}"),
            Self::Date => f.write_str("a date as YYYY-MM-DD"),
        }
    }
}

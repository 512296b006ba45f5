//! Kinds of vouchers (凭证种类).

use basedata::{BaseData, ids::CurrencyCode};
use chrono::NaiveDate;
use dated::{Content, Register};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::refusal::{Refusal, Rule};

/// Most digits of a number: what fits 64 bits.
pub const DIGITS_MAX: u8 = 18;
/// Longest prefix.
pub const PREFIX_CHARS_MAX: usize = 8;
/// Longest code.
pub const CODE_CHARS_MAX: usize = 16;

/// What a kind is (凭证类别).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// 一类重要空白凭证: issued by the bank.
    BankIssued,
    /// 二类重要空白凭证: sold to customers.
    Sold,
    /// 有价单证: with a face value.
    Valuable,
}

/// A kind of voucher (凭证种类).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Kind {
    pub code: String,
    pub title: String,
    pub category: Category,
    pub prefix: String,
    pub digits: u8,
    /// What a piece counts for in the off-balance register (假定价格); its face value for a valuable document.
    pub unit_value: Decimal,
    pub currency: CurrencyCode,
    pub closed: bool,
}

impl Content for Kind {
    fn code(&self) -> String {
        self.code.clone()
    }
}

impl Kind {
    /// Checks a kind that is to be set. Fields are named from the kind on.
    pub fn check(&self, kinds: &Register<Kind>, bank: &BaseData, on: NaiveDate) -> Result<(), Refusal> {
        let invalid = |field: &str, rule: String| Err(Rule::FieldInvalid(rule).at(format!("kind.{field}")));
        let is_capital = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit();
        if !self.code.starts_with(|c: char| c.is_ascii_uppercase())
            || self.code.len() > CODE_CHARS_MAX
            || !self.code.chars().all(|c| is_capital(c) || c == '_')
        {
            let rule = format!(
                "must have 1 to {CODE_CHARS_MAX} capital letters, digits or _, and begin with a letter"
            );
            return invalid("code", rule);
        }
        if self.prefix.len() > PREFIX_CHARS_MAX || !self.prefix.chars().all(is_capital) {
            return invalid(
                "prefix",
                format!("must have at most {PREFIX_CHARS_MAX} capital letters or digits"),
            );
        }
        if !(1..=DIGITS_MAX).contains(&self.digits) {
            return invalid("digits", format!("must be from 1 to {DIGITS_MAX}"));
        }
        let Some(currency) = bank.currency(&self.currency, on) else {
            return invalid("unit_value.currency", format!("is no currency of base data on {on}"));
        };
        if self.unit_value <= Decimal::ZERO {
            return invalid("unit_value.amount", "must be above zero".to_owned());
        }
        if self.unit_value.scale() > u32::from(currency.exponent) {
            return invalid("unit_value.amount", format!("must have at most {} decimals", currency.exponent));
        }
        // Numbers stand on it (VOU-6).
        match kinds
            .of(&self.code)
            .map(|earlier| &earlier.content)
            .find(|earlier| earlier.form() != self.form())
        {
            Some(earlier) if earlier.prefix != self.prefix => {
                invalid("prefix", format!("is {:?} for ever: numbers stand on it", earlier.prefix))
            }
            Some(earlier) => {
                invalid("digits", format!("are {} for ever: numbers stand on them", earlier.digits))
            }
            None => Ok(()),
        }
    }

    fn form(&self) -> (&str, u8) {
        (&self.prefix, self.digits)
    }
}

//! Numbers of vouchers (凭证号码), and ranges of them (号段).

use serde::{Deserialize, Serialize};

use super::{
    kind::Kind,
    refusal::{Refusal, Rule},
};

/// Most numbers of one batch.
pub const RANGE_COUNT_MAX: i64 = 100_000_000;

/// A range as a request names it, both ends included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedRange {
    pub kind: String,
    pub first: String,
    pub last: String,
    /// How many there should be; 0 when the request does not say.
    pub count: i64,
}

/// A range of numbers of one kind without their prefix, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Range {
    pub first: i64,
    pub last: i64,
}

impl Range {
    pub fn count(self) -> i64 {
        self.last - self.first + 1
    }

    /// The numbers that two ranges share.
    pub fn shared(self, other: Self) -> Option<Self> {
        let shared = Self { first: self.first.max(other.first), last: self.last.min(other.last) };
        (shared.first <= shared.last).then_some(shared)
    }
}

impl Kind {
    /// The range that a request names, in the form of this kind's numbers.
    pub fn range(&self, named: &NamedRange) -> Result<Range, Refusal> {
        let first = self.number(&named.first).map_err(|rule| rule.at("range.first_number"))?;
        let last = self.number(&named.last).map_err(|rule| rule.at("range.last_number"))?;
        let range = Range { first, last };
        if first > last {
            let (first, last) = (named.first.clone(), named.last.clone());
            return Err(Rule::RangeReversed { first, last }.at("range"));
        }
        if range.count() > RANGE_COUNT_MAX {
            return Err(Rule::RangeTooLarge { count: range.count(), count_max: RANGE_COUNT_MAX }.at("range"));
        }
        if named.count != 0 && named.count != range.count() {
            let (count, expected) = (named.count, range.count());
            return Err(Rule::CountWrong { count, expected }.at("range.count"));
        }
        Ok(range)
    }

    /// A number with prefix and leading zeros.
    pub fn text(&self, number: i64) -> String {
        format!("{}{number:0width$}", self.prefix, width = usize::from(self.digits))
    }

    fn number(&self, text: &str) -> Result<i64, Rule> {
        let digits = text.strip_prefix(&self.prefix).filter(|digits| {
            digits.len() == usize::from(self.digits) && digits.bytes().all(|byte| byte.is_ascii_digit())
        });
        digits.and_then(|digits| digits.parse().ok()).ok_or_else(|| Rule::NumberInvalid {
            kind: self.code.clone(),
            prefix: self.prefix.clone(),
            digits: self.digits,
        })
    }
}

#[cfg(test)]
mod tests {
    use basedata::ids::CurrencyCode;
    use proptest::prelude::*;
    use rust_decimal::Decimal;

    use super::*;
    use crate::domain::kind::Category;

    fn cheque() -> Kind {
        Kind {
            code: "CHQ".to_owned(),
            title: "转账支票".to_owned(),
            category: Category::Sold,
            prefix: "GB".to_owned(),
            digits: 8,
            unit_value: Decimal::ONE,
            currency: CurrencyCode::new("CNY"),
            closed: false,
        }
    }

    fn named(first: &str, last: &str, count: i64) -> NamedRange {
        NamedRange { kind: "CHQ".to_owned(), first: first.to_owned(), last: last.to_owned(), count }
    }

    proptest! {
        #[test]
        fn a_number_is_read_as_it_is_written(first in 0_i64..99_999_999, more in 0_i64..1_000) {
            let (kind, last) = (cheque(), (first + more).min(99_999_999));
            let named = named(&kind.text(first), &kind.text(last), last - first + 1);
            prop_assert_eq!(kind.range(&named), Ok(Range { first, last }));
        }

        #[test]
        fn no_other_text_is_a_number(text in "[A-Z]{0,3}[0-9]{0,10}|.{0,12}") {
            if let Ok(number) = cheque().number(&text) {
                prop_assert_eq!(cheque().text(number), text);
            }
        }
    }

    #[test]
    fn wrong_numbers_are_refused_by_field() {
        let refused = |named: NamedRange| {
            let refusal = cheque().range(&named).unwrap_err().to_refusal();
            (refusal.reason().name, refusal.field_violations()[0].field.clone())
        };
        let first = "range.first_number".to_owned();
        for wrong in ["00000001", "GB0000001", "GB000000001", "GB0000000A", "gb00000001", "GB-0000001", ""] {
            assert_eq!(refused(named(wrong, "GB00000009", 0)), ("NUMBER_INVALID", first.clone()), "{wrong}");
        }
        let reversed = refused(named("GB00000009", "GB00000001", 0));
        assert_eq!(reversed, ("RANGE_REVERSED", "range".to_owned()));
        let miscounted = refused(named("GB00000001", "GB00000009", 8));
        assert_eq!(miscounted, ("COUNT_WRONG", "range.count".to_owned()));
    }
}

//! An amount in a currency.

use std::{cmp::Ordering, fmt, ops::Neg};

use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};

use crate::Currency;

/// An exact amount in a currency, always with as many decimals as its minor unit has.
///
/// Amounts compare in one currency only: in two, none is less, greater or equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Money {
    currency: Currency,
    amount: Decimal,
}

/// Why there is no such amount.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum MoneyError {
    #[error("{amount} has more decimals than {currency} has: {}", currency.exponent())]
    TooPrecise { amount: Decimal, currency: Currency },
    #[error("{left} and {right} do not add up")]
    CurrencyMismatch { left: Currency, right: Currency },
    #[error("the amount in {currency} has more digits than can be held")]
    Overflow { currency: Currency },
}

impl Money {
    /// An amount that fits the currency; zeros at the end do not count.
    pub fn new(currency: Currency, amount: Decimal) -> Result<Self, MoneyError> {
        let scale = u32::from(currency.exponent());
        let exact = amount.normalize();
        if exact.scale() > scale {
            return Err(MoneyError::TooPrecise { amount, currency });
        }
        exact
            .mantissa()
            .checked_mul(10_i128.pow(scale - exact.scale()))
            .and_then(|minor| Self::of_minor_units(currency, minor))
            .ok_or(MoneyError::Overflow { currency })
    }

    /// An amount rounded half-up (四舍五入) to the currency's decimals: halves go away from zero.
    pub fn rounded(currency: Currency, amount: Decimal) -> Result<Self, MoneyError> {
        let scale = u32::from(currency.exponent());
        Self::new(currency, amount.round_dp_with_strategy(scale, RoundingStrategy::MidpointAwayFromZero))
    }

    /// Nothing.
    pub fn zero(currency: Currency) -> Self {
        Self { currency, amount: Decimal::new(0, currency.exponent().into()) }
    }

    pub fn currency(self) -> Currency {
        self.currency
    }

    /// The amount, with the currency's decimals.
    pub fn amount(self) -> Decimal {
        self.amount
    }

    pub fn is_zero(self) -> bool {
        self.amount.is_zero()
    }

    pub fn checked_add(self, other: Self) -> Result<Self, MoneyError> {
        if self.currency != other.currency {
            return Err(MoneyError::CurrencyMismatch { left: self.currency, right: other.currency });
        }
        // Mantissas of one scale, so that the sum is exact or an error.
        self.amount
            .mantissa()
            .checked_add(other.amount.mantissa())
            .and_then(|minor| Self::of_minor_units(self.currency, minor))
            .ok_or(MoneyError::Overflow { currency: self.currency })
    }

    pub fn checked_sub(self, other: Self) -> Result<Self, MoneyError> {
        self.checked_add(-other)
    }

    fn of_minor_units(currency: Currency, minor: i128) -> Option<Self> {
        let amount = Decimal::try_from_i128_with_scale(minor, currency.exponent().into()).ok()?;
        Some(Self { currency, amount })
    }
}

/// Never fails: what can be held can be held with the other sign.
impl Neg for Money {
    type Output = Self;

    fn neg(self) -> Self {
        let amount = if self.amount.is_zero() { self.amount } else { -self.amount };
        Self { amount, ..self }
    }
}

impl PartialOrd for Money {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        (self.currency == other.currency).then(|| self.amount.cmp(&other.amount))
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.currency, self.amount)
    }
}

/// Money as it is written down.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    currency: Currency,
    amount: Decimal,
}

impl TryFrom<Written> for Money {
    type Error = MoneyError;

    fn try_from(written: Written) -> Result<Self, MoneyError> {
        Self::new(written.currency, written.amount)
    }
}

impl From<Money> for Written {
    fn from(money: Money) -> Self {
        Self { currency: money.currency, amount: money.amount }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn currency(exponent: u8) -> Currency {
        Currency::new("XTS", exponent).unwrap()
    }

    fn yuan(text: &str) -> Money {
        Money::new(currency(2), text.parse().unwrap()).unwrap()
    }

    /// Any amount of money in one of five currencies.
    fn money() -> impl Strategy<Value = Money> {
        (0_u8..=4, -(1_i128 << 95)..(1_i128 << 95))
            .prop_map(|(exponent, minor)| Money::of_minor_units(currency(exponent), minor).unwrap())
    }

    #[test]
    fn decimals_fit_the_currency_or_are_refused() {
        assert_eq!(yuan("1.5").to_string(), "XTS 1.50");
        assert_eq!(yuan("1.5000").to_string(), "XTS 1.50");
        let amount = "1.005".parse().unwrap();
        assert_eq!(
            Money::new(currency(2), amount),
            Err(MoneyError::TooPrecise { amount, currency: currency(2) })
        );
        assert_eq!(
            Money::new(currency(2), Decimal::MAX),
            Err(MoneyError::Overflow { currency: currency(2) })
        );
        assert!(Money::new(currency(0), Decimal::MAX).is_ok());
    }

    #[test]
    fn halves_are_rounded_away_from_zero() {
        for (amount, rounded) in
            [("1.005", "1.01"), ("1.0049", "1.00"), ("-1.005", "-1.01"), ("2.675", "2.68"), ("0.004", "0")]
        {
            assert_eq!(Money::rounded(currency(2), amount.parse().unwrap()), Ok(yuan(rounded)), "{amount}");
        }
    }

    #[test]
    fn currencies_do_not_mix() {
        let (two, none) = (yuan("1"), Money::new(currency(0), Decimal::ONE).unwrap());
        assert!(matches!(two.checked_add(none), Err(MoneyError::CurrencyMismatch { .. })));
        assert!(matches!(two.checked_sub(none), Err(MoneyError::CurrencyMismatch { .. })));
        assert_eq!(two.partial_cmp(&none), None);
        assert_ne!(two, none);
        assert!(yuan("1") < yuan("1.01"));
    }

    #[test]
    fn zero_has_no_sign() {
        assert!((-Money::zero(currency(2))).amount().is_sign_positive());
        assert!(yuan("-0.00").amount().is_sign_positive());
        assert!(Money::rounded(currency(2), "-0.004".parse().unwrap()).unwrap().amount().is_sign_positive());
    }

    proptest! {
        #[test]
        fn sums_are_exact_or_refused(left in money(), minor in -(1_i128 << 95)..(1_i128 << 95)) {
            let right = Money::of_minor_units(left.currency(), minor).unwrap();
            let exact = left.amount().mantissa() + minor;
            match left.checked_add(right) {
                Ok(sum) => {
                    prop_assert_eq!(sum.amount().mantissa(), exact);
                    prop_assert_eq!(sum.amount().scale(), u32::from(left.currency().exponent()));
                    prop_assert_eq!(sum.checked_sub(right), Ok(left));
                    prop_assert_eq!(right.checked_add(left), Ok(sum));
                }
                Err(error) => {
                    prop_assert_eq!(error, MoneyError::Overflow { currency: left.currency() });
                    prop_assert!(exact.abs() >= 1 << 96);
                }
            }
            prop_assert_eq!(left.partial_cmp(&right), Some(left.amount().mantissa().cmp(&minor)));
        }

        #[test]
        fn rounding_moves_by_half_a_unit_at_most(mantissa in -(1_i128 << 80)..(1_i128 << 80), scale in 0_u32..=12, exponent in 0_u8..=4) {
            let amount = Decimal::from_i128_with_scale(mantissa, scale);
            let rounded = Money::rounded(currency(exponent), amount).unwrap().amount();
            prop_assert!((rounded - amount).abs() <= Decimal::new(5, u32::from(exponent) + 1));
        }
    }
}

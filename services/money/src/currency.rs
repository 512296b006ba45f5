//! Currencies.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Most decimals of a minor unit: no currency of ISO 4217 has more.
pub const EXPONENT_MAX: u8 = 4;

/// A currency (币种): its code and the decimals of its minor unit, by ISO 4217.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "Written")]
pub struct Currency {
    code: [u8; 3],
    exponent: u8,
}

/// Why something is not a currency.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CurrencyError {
    #[error("{0:?} is no currency code: three capital letters (ISO 4217)")]
    Code(String),
    #[error("{exponent} decimals are more than a currency has: {EXPONENT_MAX} at most")]
    Exponent { exponent: u8 },
}

impl Currency {
    pub fn new(code: &str, exponent: u8) -> Result<Self, CurrencyError> {
        let letters = <[u8; 3]>::try_from(code.as_bytes())
            .ok()
            .filter(|letters| letters.iter().all(u8::is_ascii_uppercase));
        let code = letters.ok_or_else(|| CurrencyError::Code(code.to_owned()))?;
        if exponent > EXPONENT_MAX {
            return Err(CurrencyError::Exponent { exponent });
        }
        Ok(Self { code, exponent })
    }

    /// Three capital letters.
    pub fn code(&self) -> &str {
        std::str::from_utf8(&self.code).expect("invariant: a code is three capital letters")
    }

    /// Decimals of the minor unit: 2 for CNY, 0 for JPY.
    pub fn exponent(self) -> u8 {
        self.exponent
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.code())
    }
}

impl fmt::Debug for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.code(), self.exponent)
    }
}

/// A currency as it is written down.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    code: String,
    exponent: u8,
}

impl TryFrom<Written> for Currency {
    type Error = CurrencyError;

    fn try_from(written: Written) -> Result<Self, CurrencyError> {
        Self::new(&written.code, written.exponent)
    }
}

impl From<Currency> for Written {
    fn from(currency: Currency) -> Self {
        Self { code: currency.code().to_owned(), exponent: currency.exponent }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_currency_has_three_capital_letters_and_few_decimals() {
        let yuan = Currency::new("CNY", 2).unwrap();
        assert_eq!(
            (yuan.code(), yuan.exponent(), format!("{yuan} {yuan:?}").as_str()),
            ("CNY", 2, "CNY CNY/2")
        );
        for code in ["", "CN", "CNYY", "cny", "CN1", "元"] {
            assert_eq!(Currency::new(code, 2), Err(CurrencyError::Code(code.to_owned())));
        }
        assert_eq!(Currency::new("CNY", 5), Err(CurrencyError::Exponent { exponent: 5 }));
    }
}

//! Amounts as text.

use rust_decimal::Decimal;

/// Most digits of an amount. Every number of so many digits is held exactly; one more and some are not.
pub const DIGITS_MAX: usize = 28;

/// Why a text is not an amount.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AmountError {
    #[error("must be plain decimal digits, with one point at most and a leading minus at most")]
    Malformed,
    #[error("must have at most {DIGITS_MAX} digits")]
    TooLong,
}

/// Reads plain decimal digits with one point at most, between digits, and a leading minus at most: no plus, no exponent, no
/// grouping, no blanks. The decimals written are kept: `1.50` has two.
pub fn parse_amount(text: &str) -> Result<Decimal, AmountError> {
    let unsigned = text.strip_prefix('-').unwrap_or(text);
    let (whole, decimals) = match unsigned.split_once('.') {
        Some((whole, decimals)) => (whole, Some(decimals)),
        None => (unsigned, None),
    };
    let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !is_digits(whole) || !decimals.is_none_or(is_digits) {
        return Err(AmountError::Malformed);
    }
    if whole.len() + decimals.map_or(0, str::len) > DIGITS_MAX {
        return Err(AmountError::TooLong);
    }
    let amount = Decimal::from_str_exact(text).map_err(|_| AmountError::Malformed)?;
    Ok(if amount.is_zero() { amount.abs() } else { amount })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn plain_numbers_are_read_as_they_stand() {
        for text in ["0", "7", "-7", "1.50", "0.00", "007", "-0.01", "1234567890123456789012345678"] {
            let amount = parse_amount(text).unwrap();
            let plain = text.trim_start_matches("00");
            assert_eq!(amount.to_string(), plain, "{text}");
        }
        assert!(parse_amount("-0.00").unwrap().is_sign_positive(), "zero has no sign");
    }

    #[test]
    fn anything_else_is_refused() {
        let malformed = [
            "", "-", ".", "1.", ".5", "-.5", "+1", "--1", "1e3", "1E3", " 1", "1 ", "1,000", "1_000",
            "1.2.3", "0x1F", "NaN", "inf", "１", "١", "1.-2",
        ];
        for text in malformed {
            assert_eq!(parse_amount(text), Err(AmountError::Malformed), "{text:?}");
        }
        assert_eq!(parse_amount("12345678901234567890123456789"), Err(AmountError::TooLong));
        assert_eq!(parse_amount("0.12345678901234567890123456789"), Err(AmountError::TooLong));
        assert_eq!(parse_amount(&"0".repeat(1_000_000)), Err(AmountError::TooLong));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(mantissa in -9_999_999_999_999_999_999_999_999_999_i128..=9_999_999_999_999_999_999_999_999_999, scale in 0_u32..=27) {
            let amount = Decimal::from_i128_with_scale(mantissa, scale);
            let read = parse_amount(&amount.to_string());
            if amount.to_string().bytes().filter(u8::is_ascii_digit).count() <= DIGITS_MAX {
                prop_assert_eq!(read.unwrap().mantissa(), mantissa);
            } else {
                prop_assert_eq!(read, Err(AmountError::TooLong));
            }
        }

        #[test]
        fn no_text_panics(text in ".{0,40}") {
            if let Ok(amount) = parse_amount(&text) {
                prop_assert!(text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.' || byte == b'-'));
                prop_assert!(amount.scale() <= 28);
            }
        }
    }
}

//! Account numbers (账号): branch (6 digits), kind (2), serial (10), and a check digit by ISO 7064 MOD 11,10, which finds any
//! one wrong digit and nearly all swaps of neighbours.

use super::{
    account::AccountKind,
    ids::{AccountId, AccountNumber, BranchCode},
};

/// The number of a new account. `branch` has six digits; `id` is the account's own, and so the serial.
pub fn make(branch: &BranchCode, kind: AccountKind, id: AccountId) -> AccountNumber {
    let digits = format!("{branch}{:02}{:010}", kind_digits(kind), id.0);
    let check = check_digit(&digits).expect("invariant: branch codes and serials are digits");
    AccountNumber::new(format!("{digits}{check}"))
}

/// Whether a number ends in its check digit; no account has one that does not.
pub fn is_well_formed(number: &AccountNumber) -> bool {
    number.as_str().char_indices().next_back().is_some_and(|(end, check)| {
        let digit = check.to_digit(10);
        end > 0 && digit.is_some() && check_digit(&number.as_str()[..end]) == digit
    })
}

/// The check digit of `digits`; `None` when they are not all digits.
fn check_digit(digits: &str) -> Option<u32> {
    let mut product = 10;
    for digit in digits.chars() {
        let sum = (product + digit.to_digit(10)?) % 10;
        product = if sum == 0 { 10 } else { sum } * 2 % 11;
    }
    Some((11 - product) % 10)
}

/// The digits that stand for a kind, for ever.
fn kind_digits(kind: AccountKind) -> u8 {
    match kind {
        AccountKind::PersonalDemand => 1,
        AccountKind::PersonalTerm => 2,
        AccountKind::PersonalMargin => 3,
        AccountKind::CorporateDemand => 4,
        AccountKind::CorporateTerm => 5,
        AccountKind::CorporateMargin => 6,
        AccountKind::Internal => 7,
        AccountKind::Nostro => 8,
        AccountKind::Vostro => 9,
        AccountKind::InterBranch => 10,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_check_digit_is_that_of_the_standard() {
        // The worked example of ISO/IEC 7064 for MOD 11,10.
        assert_eq!(check_digit("0794"), Some(5));
        assert_eq!(check_digit("07x4"), None);
    }

    #[test]
    fn what_is_no_number_is_not_well_formed() {
        for text in ["", "5", "07940", "07945x", "0794５", "账号"] {
            assert!(!is_well_formed(&AccountNumber::new(text)), "{text}");
        }
        assert!(is_well_formed(&AccountNumber::new("07945")));
    }

    proptest! {
        #[test]
        fn one_wrong_digit_is_found(branch in "[0-9]{6}", id in 1_i64..10_000_000_000, place in 0_usize..19, by in 1_u8..10) {
            let number = make(&BranchCode::new(branch), AccountKind::InterBranch, AccountId(id));
            prop_assert_eq!(number.as_str().len(), 19);
            prop_assert!(is_well_formed(&number));
            let mut wrong = number.as_str().as_bytes().to_vec();
            wrong[place] = b'0' + (wrong[place] - b'0' + by) % 10;
            prop_assert!(!is_well_formed(&AccountNumber::new(String::from_utf8(wrong).unwrap())));
        }
    }
}

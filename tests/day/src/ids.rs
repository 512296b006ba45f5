//! Names that the day makes up: request ids, which are the same whenever the same request is made, and account numbers that
//! nobody has.

use uuid::Uuid;

/// The id of a request, from what makes the request the one it is.
pub fn request_id(parts: &[&str]) -> Uuid {
    let mut hasher = blake3::Hasher::new();
    for part in parts {
        // Each part with its end marked, so that `ab, c` and `a, bc` differ.
        hasher.update(part.as_bytes()).update(&[0]);
    }
    let mut bytes = [0; 16];
    hasher.finalize_xof().fill(&mut bytes);
    Uuid::new_v8(bytes)
}

/// The check digit of an account number, by ISO 7064 MOD 11,10; `None` when `digits` are not all digits.
pub fn check_digit(digits: &str) -> Option<char> {
    let mut product = 10;
    for character in digits.chars() {
        let sum = (product + character.to_digit(10)?) % 10;
        product = if sum == 0 { 10 } else { sum } * 2 % 11;
    }
    char::from_digit((11 - product) % 10, 10)
}

/// A well-formed account number.
pub fn account_number(branch: &str, kind: u8, serial: u64) -> String {
    let digits = format!("{branch}{kind:02}{serial:010}");
    let check = check_digit(&digits).expect("invariant: branches are digits");
    format!("{digits}{check}")
}

/// Whether an account number ends in its check digit.
pub fn is_account_number(number: &str) -> bool {
    number.len() == 19 && number.is_ascii() && check_digit(&number[..18]) == number.chars().last()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn check_digits_follow_the_standard() {
        // The worked example of ISO/IEC 7064 for MOD 11,10.
        assert_eq!(check_digit("0794"), Some('5'));
        assert_eq!(check_digit("07x4"), None);
    }

    #[test]
    fn a_wrong_digit_is_found() {
        let number = account_number("110100", 1, 42);
        assert!(is_account_number(&number));
        for place in 0..number.len() {
            let mut wrong = number.clone().into_bytes();
            wrong[place] = b'0' + (wrong[place] - b'0' + 1) % 10;
            assert!(!is_account_number(&String::from_utf8(wrong).unwrap()), "place {place}");
        }
    }

    #[test]
    fn request_ids_follow_from_their_parts() {
        assert_eq!(request_id(&["a", "b"]), request_id(&["a", "b"]));
        assert_ne!(request_id(&["ab", ""]), request_id(&["a", "b"]));
        assert_eq!(request_id(&["a"]).get_version_num(), 8);
    }
}

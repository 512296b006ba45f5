//! Page tokens: only those that were given are taken, and only for the list that they were given for.

use platform::{
    config::Secret,
    pages::{PageTokens, page_size},
    refusal::Refusal,
};
use proptest::prelude::*;

fn tokens() -> PageTokens {
    PageTokens::new(&Secret::new("the service's key"))
}

type Cursor = (String, i64);

fn assert_refused(read: Result<Option<Cursor>, Refusal>) {
    let refusal = read.expect_err("a refusal");
    assert_eq!(refusal.reason().name, "PAGE_TOKEN_INVALID");
    assert_eq!(refusal.field_violations()[0].field, "page_token");
}

proptest! {
    #[test]
    fn a_token_gives_its_cursor_back(filter in ".*", key in ".{0,100}", number: i64) {
        let cursor: Cursor = (key, number);
        let token = tokens().encode(&filter, &cursor);
        prop_assert_eq!(tokens().decode::<Cursor>(&filter, &token).unwrap(), Some(cursor));
        prop_assert!(token.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_'));
    }

    #[test]
    fn a_token_with_any_character_changed_is_refused(place: prop::sample::Index, by in 1_u8..64) {
        const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
        let cursor: Cursor = ("drawers/17".to_owned(), 17);
        let mut token = tokens().encode(&"all", &cursor).into_bytes();
        let place = place.index(token.len());
        let digit = DIGITS.iter().position(|digit| *digit == token[place]).unwrap();
        token[place] = DIGITS[(digit + usize::from(by)) % 64];
        assert_refused(tokens().decode(&"all", std::str::from_utf8(&token).unwrap()));
    }

    #[test]
    fn what_is_no_token_is_refused(text in ".{1,2000}") {
        assert_refused(tokens().decode(&"all", &text));
    }
}

#[test]
fn an_empty_token_asks_for_the_first_page() {
    assert_eq!(tokens().decode::<Cursor>(&"all", "").unwrap(), None);
}

#[test]
fn a_token_of_another_filter_key_or_shape_is_refused() {
    let cursor: Cursor = ("drawers/17".to_owned(), 17);
    let token = tokens().encode(&("branch", 1), &cursor);
    assert_refused(tokens().decode(&("branch", 2), &token));
    assert_refused(PageTokens::new(&Secret::new("another key")).decode(&("branch", 1), &token));
    let other_shape = tokens().encode(&("branch", 1), &17);
    assert_refused(tokens().decode(&("branch", 1), &other_shape));
    for shorter in 1..token.len() {
        assert_refused(tokens().decode(&("branch", 1), &token[..shorter]));
    }
}

#[test]
fn a_page_has_the_requested_size_within_its_bounds() {
    assert_eq!(page_size(0, 50, 200).unwrap(), 50);
    assert_eq!(page_size(1, 50, 200).unwrap(), 1);
    assert_eq!(page_size(200, 50, 200).unwrap(), 200);
    for size in [-1, 201, i32::MIN, i32::MAX] {
        let refusal = page_size(size, 50, 200).unwrap_err();
        assert_eq!(refusal.reason().name, "PAGE_SIZE_INVALID");
        assert_eq!(refusal.field_violations()[0].field, "page_size");
        assert!(refusal.field_violations()[0].rule.contains("200"));
    }
}

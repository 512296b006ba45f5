use std::time::Duration;

use chrono::{TimeZone, Utc};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, jwk::JwkSet};
use serde_json::Value;
use testkit::keys::{AUDIENCE, Authority, Claims, ISSUER, Issuer};

/// The claims of `token`, as a service that knows only the published keys reads them.
fn read(issuer: &Issuer, token: &str) -> Option<Value> {
    let keys: JwkSet = serde_json::from_value(issuer.jwks()).unwrap();
    let kid = jsonwebtoken::decode_header(token).unwrap().kid.unwrap();
    let mut validation = Validation::new(Algorithm::ES256);
    validation.set_audience(&[AUDIENCE]);
    validation.set_issuer(&[ISSUER]);
    let key = DecodingKey::from_jwk(keys.find(&kid)?).unwrap();
    decode(token, &key, &validation).ok().map(|token| token.claims)
}

#[test]
fn a_token_is_verified_by_the_published_keys() {
    let issuer = Issuer::generate();
    let claims = Claims::of("T110101", &["teller"]).within(&["110100"]);
    let seen = read(&issuer, &issuer.sign(&claims)).unwrap();

    assert_eq!(seen["sub"], "T110101");
    assert_eq!(seen["roles"], serde_json::json!(["teller"]));
    assert_eq!(seen["scopes"], serde_json::json!(["110100"]));
}

#[test]
fn a_token_of_yesterday_has_expired() {
    let issuer = Issuer::generate();
    let yesterday = Utc.with_ymd_and_hms(2020, 1, 1, 0, 0, 0).unwrap();
    let claims = Claims::of("T110101", &["teller"]).issued(yesterday, Duration::from_mins(1));
    assert!(read(&issuer, &issuer.sign(&claims)).is_none());
}

#[test]
fn after_a_rotation_old_tokens_are_good_until_the_old_key_is_withdrawn() {
    let mut issuer = Issuer::generate();
    let old = issuer.token("T110101", &["teller"]);
    issuer.rotate();
    let new = issuer.token("T110101", &["teller"]);
    assert!(read(&issuer, &old).is_some());
    assert!(read(&issuer, &new).is_some());

    issuer.withdraw_retired();
    assert!(read(&issuer, &old).is_none());
    assert!(read(&issuer, &new).is_some());
}

#[test]
fn a_kept_issuer_and_a_kept_authority_are_the_same_again() {
    let folder = testkit::folder::local().join("keys-test");
    let first = Issuer::kept_in(&folder).unwrap();
    let token = first.token("T110101", &["teller"]);
    assert!(read(&Issuer::kept_in(&folder).unwrap(), &token).is_some());

    let authority = Authority::kept_in(&folder).unwrap();
    assert_eq!(Authority::kept_in(&folder).unwrap().certificate(), authority.certificate());
    std::fs::remove_dir_all(folder).unwrap();
}

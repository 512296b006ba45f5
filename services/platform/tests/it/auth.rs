//! Who a token is good for, and for how long.

use std::{path::PathBuf, sync::Arc, time::Duration};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderMap, header::AUTHORIZATION};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use platform::{
    auth::{Actor, ActorKind, AuthConfig, Authenticator, KeyError, Scopes, actor_of_certificate},
    clock::{Clock, ManualClock, SystemClock},
    refusal::Refusal,
};
use serde_json::{Value, json};
use testkit::{
    keys::{Claims, Issuer},
    wait_for,
};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
    sync::watch,
};
use tokio_util::sync::CancellationToken;

use crate::support::server::{BOUND, Folder, auth_config};

/// An issuer whose keys are in a file, and a service that reads them.
struct Bench {
    issuer: Issuer,
    authenticator: Arc<Authenticator>,
    clock: Arc<ManualClock>,
    jwks_file: PathBuf,
    _folder: Folder,
}

impl Bench {
    async fn new() -> Bench {
        Bench::with(|_| {}).await
    }

    async fn with(change: impl FnOnce(&mut AuthConfig)) -> Bench {
        let folder = Folder::new();
        let jwks_file = folder.path().join("jwks.json");
        let issuer = Issuer::generate();
        issuer.write_jwks(&jwks_file).unwrap();
        let clock = Arc::new(ManualClock::new(SystemClock.now()));
        let mut config = auth_config(&jwks_file);
        change(&mut config);
        let authenticator = Arc::new(Authenticator::open(&config, clock.clone()).await.unwrap());
        Bench { issuer, authenticator, clock, jwks_file, _folder: folder }
    }

    fn show(&self, token: &str) -> Result<Arc<Actor>, Refusal> {
        show(&self.authenticator, token)
    }
}

fn show(authenticator: &Authenticator, token: &str) -> Result<Arc<Actor>, Refusal> {
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, format!("Bearer {token}").parse().unwrap());
    authenticator.operator(&headers).map(|actor| actor.expect("a token was shown"))
}

fn reason<T: std::fmt::Debug>(shown: Result<T, Refusal>) -> &'static str {
    shown.unwrap_err().reason().name
}

#[tokio::test]
async fn a_token_says_who_calls_where_and_with_which_permissions() {
    let bench = Bench::new().await;
    let claims = Claims::of("T110101", &["maker", "unheard-of"]).within(&["110101", "110102"]);
    let actor = bench.show(&bench.issuer.sign(&claims)).unwrap();
    assert_eq!(actor.id, "T110101");
    assert_eq!(actor.kind, ActorKind::Operator);
    assert_eq!(actor.scopes, Scopes::Only(vec!["110101".to_owned(), "110102".to_owned()]));
    assert!(actor.may("test.notes.write") && !actor.may("test.notes.check"));
    assert!(actor.covers("110102") && !actor.covers("310101") && !actor.covers(""));

    let everywhere = bench.show(&bench.issuer.token("T000001", &["checker"])).unwrap();
    assert_eq!(everywhere.scopes, Scopes::All);
    assert!(everywhere.may("approval.approvals.decide") && !everywhere.may("approvals.read"));
    assert!(bench.authenticator.operator(&HeaderMap::new()).unwrap().is_none());
}

#[tokio::test]
async fn a_token_that_is_not_the_issuers_is_trusted_by_nobody() {
    let bench = Bench::new().await;
    let good = bench.issuer.token("T110101", &["maker"]);
    let claims = serde_json::to_value(Claims::of("T110101", &["maker"])).unwrap();
    let signed = |change: &dyn Fn(&mut Value)| {
        let mut claims = claims.clone();
        change(&mut claims);
        bench.issuer.sign_value(&claims)
    };
    for (what, token) in [
        ("nothing", String::new()),
        ("no token", "abc".to_owned()),
        ("a broken token", good[..good.len() - 40].to_owned()),
        ("another issuer's key", Issuer::generate().token("T110101", &["maker"])),
        ("other claims under the signature", with_claims(&good, &claims, "S000000")),
        ("no algorithm", with_header(&good, &json!({"alg": "none", "kid": bench.issuer.kid()}), Some(""))),
        ("no key's id", with_header(&good, &json!({"alg": "ES256"}), None)),
        ("the public key as a secret", hmac(&bench.issuer, &claims)),
        ("another issuer's name", signed(&|claims| claims["iss"] = json!("https://elsewhere.test"))),
        ("another audience", signed(&|claims| claims["aud"] = json!("elsewhere"))),
        ("no subject", signed(&|claims| drop(claims.as_object_mut().unwrap().remove("sub")))),
        ("an empty subject", signed(&|claims| claims["sub"] = json!(""))),
        ("a service's name", signed(&|claims| claims["sub"] = json!("service/settlement"))),
        ("a line break in the name", signed(&|claims| claims["sub"] = json!("T1\nT2"))),
        ("no end", signed(&|claims| drop(claims.as_object_mut().unwrap().remove("exp")))),
        ("a beginning to come", signed(&|claims| claims["nbf"] = json!(claims["exp"]))),
        ("a token beyond any length", "x".repeat(9_000)),
    ] {
        assert_eq!(reason(bench.show(&token)), "UNAUTHENTICATED", "{what}");
    }
    let mut headers = HeaderMap::new();
    headers.insert(AUTHORIZATION, "Basic dXNlcjpwYXNzd29yZA==".parse().unwrap());
    assert_eq!(reason(bench.authenticator.operator(&headers)), "UNAUTHENTICATED");
    assert_eq!(bench.authenticator.remembered_tokens(), 0);
    bench.show(&good).unwrap();
}

/// The same token with another subject under the old signature.
fn with_claims(token: &str, claims: &Value, subject: &str) -> String {
    let mut claims = claims.clone();
    claims["sub"] = json!(subject);
    let parts: Vec<&str> = token.split('.').collect();
    format!("{}.{}.{}", parts[0], URL_SAFE_NO_PAD.encode(claims.to_string()), parts[2])
}

/// The same token with another header, and another signature if one is given.
fn with_header(token: &str, header: &Value, signature: Option<&str>) -> String {
    let parts: Vec<&str> = token.split('.').collect();
    let signature = signature.unwrap_or(parts[2]);
    format!("{}.{}.{signature}", URL_SAFE_NO_PAD.encode(header.to_string()), parts[1])
}

/// A token signed with what everyone can read: the issuer's public key.
fn hmac(issuer: &Issuer, claims: &Value) -> String {
    let mut header = Header::new(Algorithm::HS256);
    header.kid = Some(issuer.kid().to_owned());
    let public = issuer.jwks()["keys"][0].to_string();
    jsonwebtoken::encode(&header, claims, &EncodingKey::from_secret(public.as_bytes())).unwrap()
}

#[tokio::test]
async fn a_token_is_good_until_it_expires_and_a_little_longer_for_clocks_that_differ() {
    let bench = Bench::new().await;
    let token = bench
        .issuer
        .sign(&Claims::of("T110101", &["maker"]).issued(bench.clock.now(), Duration::from_mins(1)));
    bench.show(&token).unwrap();
    bench.clock.advance(Duration::from_secs(80));
    bench.show(&token).unwrap();
    bench.clock.advance(Duration::from_secs(20));
    assert_eq!(reason(bench.show(&token)), "TOKEN_EXPIRED");
    assert_eq!(bench.authenticator.remembered_tokens(), 0);
    assert_eq!(reason(bench.show(&token)), "TOKEN_EXPIRED");
}

#[tokio::test]
async fn no_more_tokens_are_remembered_than_configured() {
    let bench = Bench::with(|config| config.tokens_max = 3).await;
    let tokens: Vec<String> = (0..5).map(|n| bench.issuer.token(&format!("T11010{n}"), &["maker"])).collect();
    for token in tokens.iter().chain(&tokens) {
        bench.show(token).unwrap();
        assert!(bench.authenticator.remembered_tokens() <= 3);
    }
}

#[tokio::test]
async fn keys_in_a_file_rotate_and_a_token_goes_with_its_key() {
    let mut bench = Bench::new().await;
    let stop = CancellationToken::new();
    let (authenticator, stopped) = (bench.authenticator.clone(), stop.clone());
    let fresh = tokio::spawn(async move { authenticator.keep_fresh(stopped).await });
    let old = bench.issuer.token("T110101", &["maker"]);
    bench.show(&old).unwrap();

    bench.issuer.rotate();
    let new = bench.issuer.token("T110101", &["maker"]);
    assert_eq!(reason(bench.show(&new)), "UNAUTHENTICATED");
    bench.issuer.write_jwks(&bench.jwks_file).unwrap();
    wait_for(BOUND, "the new key to be trusted", || async { bench.show(&new).ok() }).await;
    bench.show(&old).unwrap();

    std::fs::write(&bench.jwks_file, "no keys at all").unwrap();
    assert!(matches!(bench.authenticator.refresh_keys().await, Err(KeyError::Form(_))));
    bench.show(&new).unwrap();

    bench.issuer.withdraw_retired();
    bench.issuer.write_jwks(&bench.jwks_file).unwrap();
    wait_for(BOUND, "the old key to be forgotten", || async { bench.show(&old).err() }).await;
    bench.show(&new).unwrap();
    assert_eq!(bench.authenticator.remembered_tokens(), 1, "the old token is forgotten");
    stop.cancel();
    fresh.await.unwrap().unwrap();
}

#[tokio::test]
async fn another_key_of_the_same_id_is_another_key() {
    let bench = Bench::new().await;
    let token = bench.issuer.token("T110101", &["maker"]);
    bench.show(&token).unwrap();
    let mut jwks = Issuer::generate().jwks();
    jwks["keys"][0]["kid"] = json!(bench.issuer.kid());
    std::fs::write(&bench.jwks_file, jwks.to_string()).unwrap();
    bench.authenticator.refresh_keys().await.unwrap();
    assert_eq!(reason(bench.show(&token)), "UNAUTHENTICATED");
}

#[tokio::test]
async fn keys_that_are_not_for_signatures_of_a_kind_we_trust_are_passed_over() {
    let bench = Bench::new().await;
    let token = bench.issuer.token("T110101", &["maker"]);
    let mut for_encryption = bench.issuer.jwks();
    for_encryption["keys"][0]["use"] = json!("enc");
    let secret =
        json!({"keys": [{"kty": "oct", "kid": bench.issuer.kid(), "k": "c2VjcmV0", "alg": "HS256"}]});
    for jwks in [for_encryption, secret, json!({"keys": []})] {
        std::fs::write(&bench.jwks_file, jwks.to_string()).unwrap();
        bench.authenticator.refresh_keys().await.unwrap();
        assert_eq!(reason(bench.show(&token)), "UNAUTHENTICATED", "{jwks}");
    }
}

#[tokio::test]
async fn keys_behind_a_url_rotate_and_stay_in_force_while_it_is_away() {
    let mut issuer = Issuer::generate();
    let (published, shown) = watch::channel(Some(issuer.jwks().to_string()));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut config = auth_config(&PathBuf::new());
    config.jwks_url = format!("http://{}/jwks.json", listener.local_addr().unwrap());
    let server = tokio::spawn(publish(listener, shown));
    let authenticator = Authenticator::open(&config, Arc::new(SystemClock)).await.unwrap();
    let old = issuer.token("T110101", &["maker"]);
    show(&authenticator, &old).unwrap();

    issuer.rotate();
    issuer.withdraw_retired();
    let new = issuer.token("T110101", &["maker"]);
    published.send_replace(None);
    assert!(matches!(authenticator.refresh_keys().await, Err(KeyError::Url(_))));
    show(&authenticator, &old).unwrap();
    assert_eq!(reason(show(&authenticator, &new)), "UNAUTHENTICATED");

    published.send_replace(Some(issuer.jwks().to_string()));
    authenticator.refresh_keys().await.unwrap();
    show(&authenticator, &new).unwrap();
    assert_eq!(reason(show(&authenticator, &old)), "UNAUTHENTICATED");

    published.send_replace(Some("x".repeat(2 * 1024 * 1024)));
    assert!(matches!(authenticator.refresh_keys().await, Err(KeyError::TooLarge)));
    show(&authenticator, &new).unwrap();
    server.abort();
}

/// Answers every request with what is published; with an error when nothing is.
async fn publish(listener: TcpListener, shown: watch::Receiver<Option<String>>) {
    while let Ok((mut connection, _)) = listener.accept().await {
        let mut request = [0; 4096];
        drop(connection.read(&mut request).await);
        let answer = match shown.borrow().as_ref() {
            Some(keys) => format!(
                "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{keys}",
                keys.len()
            ),
            None => {
                "HTTP/1.1 503 Gone For Lunch\r\ncontent-length: 0\r\nconnection: close\r\n\r\n".to_owned()
            }
        };
        drop(connection.write_all(answer.as_bytes()).await);
    }
}

#[tokio::test]
async fn keys_come_from_one_place_that_can_be_read() {
    let folder = Folder::new();
    let file = folder.path().join("jwks.json");
    let open = async |config: &AuthConfig| Authenticator::open(config, Arc::new(SystemClock)).await.err();
    assert!(matches!(open(&auth_config(&file)).await, Some(KeyError::File { .. })));
    let mut both = auth_config(&file);
    both.jwks_url = "http://127.0.0.1:1/jwks.json".to_owned();
    assert!(matches!(open(&both).await, Some(KeyError::TwoSources)));
    let mut away = auth_config(&PathBuf::new());
    away.jwks_url = both.jwks_url;
    assert!(matches!(open(&away).await, Some(KeyError::Url(_))));
}

#[tokio::test]
async fn without_keys_no_token_is_taken() {
    let bench = Bench::with(|config| config.jwks_file = PathBuf::new()).await;
    let token = bench.issuer.token("T110101", &["maker"]);
    assert_eq!(reason(bench.show(&token)), "UNAUTHENTICATED");
    bench.authenticator.refresh_keys().await.unwrap();
    assert_eq!(reason(bench.show(&token)), "UNAUTHENTICATED");
}

#[test]
fn a_service_is_no_operator() {
    let actor = actor_of_certificate("settlement", vec!["accounting.postings.post".to_owned()]);
    assert_eq!(actor.id, "service/settlement");
    assert_eq!(actor.kind, ActorKind::Service);
    assert!(actor.may("accounting.postings.post") && actor.covers("110101"));
}

//! Tokens: verified once, then remembered by their digest until they expire or their key is gone.

use std::{
    collections::HashMap,
    num::NonZeroUsize,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use chrono::DateTime;
use http::{HeaderMap, header::AUTHORIZATION};
use jsonwebtoken::{Validation, decode, decode_header};
use lru::LruCache;
use opentelemetry::global;
use serde::Deserialize;
use tokio::time;
use tokio_util::sync::CancellationToken;

use super::{
    Actor, ActorKind, AuthConfig, Scopes, is_operator_id,
    keys::{KeyError, Keys, Thumbprint},
    permissions,
};
use crate::{
    clock::SharedClock,
    refusal::{Refusal, reasons},
};

/// The longest token that is read.
const TOKEN_BYTES_MAX: usize = 8 * 1024;

/// Certificates remembered at most: each service has a few, one for each replica, and both the old and the new during a renewal.
const CERTIFICATES_MAX: NonZeroUsize = NonZeroUsize::new(256).expect("invariant: it is not zero");

/// The claims that we read.
#[derive(Debug, Deserialize)]
struct Claims {
    sub: String,
    exp: i64,
    #[serde(default)]
    nbf: i64,
    #[serde(default)]
    roles: Vec<String>,
    #[serde(default)]
    scopes: Vec<String>,
}

/// A token that was verified.
struct Verified {
    actor: Arc<Actor>,
    key_id: String,
    /// The key itself: a key can be replaced under the same id.
    key: Thumbprint,
    expires_s: i64,
}

/// Authenticates operators by their tokens, and services by their certificates.
pub struct Authenticator {
    keys: Keys,
    verified: Mutex<LruCache<[u8; 32], Verified>>,
    pub(super) certificates: Mutex<LruCache<[u8; 32], Arc<Actor>>>,
    clock: SharedClock,
    issuer: String,
    audience: String,
    leeway_s: i64,
    roles: HashMap<String, Vec<String>>,
    pub(super) services: HashMap<String, Vec<String>>,
    refresh_every: Duration,
}

impl Authenticator {
    /// Reads the issuer's keys.
    pub async fn open(config: &AuthConfig, clock: SharedClock) -> Result<Self, KeyError> {
        let size = NonZeroUsize::new(config.tokens_max).unwrap_or(NonZeroUsize::MIN);
        Ok(Self {
            keys: Keys::open(config).await?,
            verified: Mutex::new(LruCache::new(size)),
            certificates: Mutex::new(LruCache::new(CERTIFICATES_MAX)),
            clock,
            issuer: config.issuer.clone(),
            audience: config.audience.clone(),
            leeway_s: config.leeway_s.into(),
            roles: config.roles.clone(),
            services: config.services.clone(),
            refresh_every: Duration::from_millis(config.jwks_refresh_ms.max(100)),
        })
    }

    /// Keeps the keys fresh until stopped. When they cannot be read, the last ones stay in force.
    pub async fn keep_fresh(&self, stop: CancellationToken) -> Result<(), std::convert::Infallible> {
        let failures = global::meter("countinghouse.auth")
            .u64_counter("countinghouse.auth.key_failures")
            .with_description("times that the issuer's keys could not be read")
            .build();
        failures.add(0, &[]);
        while stop.run_until_cancelled(time::sleep(self.refresh_every)).await.is_some() {
            if let Err(error) = self.refresh_keys().await {
                failures.add(1, &[]);
                tracing::warn!(%error, "the issuer's keys cannot be read; the last ones stay in force");
            }
        }
        Ok(())
    }

    /// How many tokens are remembered.
    pub fn remembered_tokens(&self) -> usize {
        self.verified.lock().unwrap_or_else(PoisonError::into_inner).len()
    }

    /// Reads the issuer's keys again, now.
    pub async fn refresh_keys(&self) -> Result<(), KeyError> {
        self.keys.refresh().await
    }

    /// The operator whose token is in these headers; none when there is no token.
    pub fn operator(&self, headers: &HeaderMap) -> Result<Option<Arc<Actor>>, Refusal> {
        let Some(header) = headers.get(AUTHORIZATION) else { return Ok(None) };
        let token = header
            .as_bytes()
            .split_at_checked("Bearer ".len())
            .filter(|(scheme, token)| {
                scheme.eq_ignore_ascii_case(b"Bearer ") && token.len() <= TOKEN_BYTES_MAX
            })
            .map(|(_, token)| token)
            .ok_or_else(|| untrusted("the authorization header is not `Bearer <token>`"))?;
        let digest = *blake3::hash(token).as_bytes();
        match self.remembered(&digest)? {
            Some(actor) => Ok(Some(actor)),
            None => self.verify(token, digest).map(Some),
        }
    }

    fn remembered(&self, digest: &[u8; 32]) -> Result<Option<Arc<Actor>>, Refusal> {
        let mut verified = self.verified.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(token) = verified.get(digest) else { return Ok(None) };
        if self.keys.current().get(&token.key_id).map(|key| key.thumbprint) != Some(token.key) {
            verified.pop(digest);
            return Ok(None);
        }
        if let Err(expired) = self.in_time(0, token.expires_s) {
            verified.pop(digest);
            return Err(expired);
        }
        Ok(Some(token.actor.clone()))
    }

    fn verify(&self, token: &[u8], digest: [u8; 32]) -> Result<Arc<Actor>, Refusal> {
        let header = decode_header(token).map_err(|_| untrusted("the token is malformed"))?;
        let key_id = header.kid.ok_or_else(|| untrusted("the token names no key"))?;
        let keys = self.keys.current();
        let key = keys.get(&key_id).ok_or_else(|| untrusted("the token's key is not one of the issuer's"))?;
        let mut validation = Validation::new(key.algorithm);
        validation.set_issuer(&[&self.issuer]);
        validation.set_audience(&[&self.audience]);
        validation.set_required_spec_claims(&["exp", "iss", "aud", "sub"]);
        // Times are checked below, by our own clock.
        validation.validate_exp = false;
        let claims = decode::<Claims>(token, &key.decoding, &validation)
            .map_err(|error| untrusted(&format!("the token is not valid: {error}")))?
            .claims;
        self.in_time(claims.nbf, claims.exp)?;
        if !is_operator_id(&claims.sub) {
            return Err(untrusted("the token's subject is no operator's code"));
        }
        let actor = Arc::new(self.actor(claims.sub, claims.roles, claims.scopes));
        let verified = Verified { actor: actor.clone(), key_id, key: key.thumbprint, expires_s: claims.exp };
        self.verified.lock().unwrap_or_else(PoisonError::into_inner).put(digest, verified);
        Ok(actor)
    }

    fn in_time(&self, not_before_s: i64, expires_s: i64) -> Result<(), Refusal> {
        let now_s = self.clock.now().timestamp();
        if now_s.saturating_sub(self.leeway_s) >= expires_s {
            let at = DateTime::from_timestamp(expires_s, 0).map(|at| at.to_rfc3339()).unwrap_or_default();
            return Err(reasons::TOKEN_EXPIRED.refuse("the token has expired").with("expired_at", at));
        }
        if now_s.saturating_add(self.leeway_s) < not_before_s {
            return Err(untrusted("the token is not valid yet"));
        }
        Ok(())
    }

    fn actor(&self, id: String, roles: Vec<String>, scopes: Vec<String>) -> Actor {
        let permissions = permissions(&roles, &self.roles);
        let scopes = if scopes.iter().any(|scope| scope == "*") { Scopes::All } else { Scopes::Only(scopes) };
        Actor { id, kind: ActorKind::Operator, scopes, roles, permissions }
    }
}

fn untrusted(message: &str) -> Refusal {
    reasons::UNAUTHENTICATED.refuse(message)
}

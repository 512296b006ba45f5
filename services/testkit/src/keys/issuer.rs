use std::{fs, os::unix::fs::PermissionsExt, path::Path, time::Duration};

use anyhow::{Context, Result};
use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use chrono::{DateTime, TimeDelta, Utc};
use jsonwebtoken::{Algorithm, EncodingKey, Header};
use rcgen::{KeyPair, PKCS_ECDSA_P256_SHA256, PublicKeyData};
use serde::Serialize;
use serde_json::{Value, json};

use crate::names;

/// What a service is configured to expect in `iss`.
pub const ISSUER: &str = "https://countinghouse.test";

/// What a service is configured to expect in `aud`.
pub const AUDIENCE: &str = "countinghouse";

/// A working day's session.
const TOKEN_LIFE: TimeDelta = TimeDelta::hours(8);

/// An operator's token, before it is signed.
#[derive(Debug, Clone, Serialize)]
pub struct Claims {
    pub iss: String,
    pub aud: String,
    /// The operator's code.
    pub sub: String,
    pub roles: Vec<String>,
    /// Branches, or `*` for all.
    pub scopes: Vec<String>,
    /// Seconds since 1970.
    pub iat: i64,
    /// Seconds since 1970.
    pub exp: i64,
}

impl Claims {
    /// A token of `operator` for all branches, good for eight hours from now.
    pub fn of(operator: &str, roles: &[&str]) -> Self {
        let now = now();
        Self {
            iss: ISSUER.to_owned(),
            aud: AUDIENCE.to_owned(),
            sub: operator.to_owned(),
            roles: roles.iter().map(|&role| role.to_owned()).collect(),
            scopes: vec!["*".to_owned()],
            iat: now.timestamp(),
            exp: (now + TOKEN_LIFE).timestamp(),
        }
    }

    /// The same, for these branches only.
    #[must_use]
    pub fn within(mut self, scopes: &[&str]) -> Self {
        self.scopes = scopes.iter().map(|&scope| scope.to_owned()).collect();
        self
    }

    /// The same, issued at `at` and good for `life`.
    #[must_use]
    pub fn issued(mut self, at: DateTime<Utc>, life: Duration) -> Self {
        self.iat = at.timestamp();
        self.exp = at.timestamp().saturating_add_unsigned(life.as_secs());
        self
    }
}

/// Signs operators' tokens (ES256), and publishes its keys as a JWKS.
pub struct Issuer {
    kid: String,
    key: KeyPair,
    /// Public keys of earlier days that are still published, as JWKs.
    retired: Vec<Value>,
}

impl std::fmt::Debug for Issuer {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Issuer").field("kid", &self.kid).finish_non_exhaustive()
    }
}

impl Issuer {
    /// An issuer with a new key.
    pub fn generate() -> Self {
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256).expect("invariant: P-256 keys can be made");
        Self { kid: names::unique(), key, retired: Vec::new() }
    }

    /// The issuer whose key is in `folder`, which is made when it is not there, with its JWKS in `jwks.json` beside it.
    pub fn kept_in(folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder)?;
        let (key_file, kid_file) = (folder.join("issuer.key.pem"), folder.join("issuer.kid"));
        let issuer = match (fs::read_to_string(&key_file), fs::read_to_string(&kid_file)) {
            (Ok(pem), Ok(kid)) => Self {
                kid,
                key: KeyPair::from_pem(&pem).context("read the issuer's key")?,
                retired: Vec::new(),
            },
            _ => Self::generate(),
        };
        write_secret(&key_file, &issuer.key.serialize_pem())?;
        fs::write(&kid_file, &issuer.kid)?;
        issuer.write_jwks(&folder.join("jwks.json"))?;
        Ok(issuer)
    }

    /// Signs `claims`.
    pub fn sign(&self, claims: &Claims) -> String {
        self.sign_value(&serde_json::to_value(claims).expect("invariant: claims are JSON"))
    }

    /// Signs any claims, also ones that no service should accept.
    pub fn sign_value(&self, claims: &Value) -> String {
        let mut header = Header::new(Algorithm::ES256);
        header.kid = Some(self.kid.clone());
        let key = EncodingKey::from_ec_der(self.key.serialized_der());
        jsonwebtoken::encode(&header, claims, &key).expect("invariant: the key is one for ES256")
    }

    /// A token of `operator` for all branches, good for eight hours.
    pub fn token(&self, operator: &str, roles: &[&str]) -> String {
        self.sign(&Claims::of(operator, roles))
    }

    /// The `kid` of the key that signs now.
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// Takes a new key. The old one stays published until [`Self::withdraw_retired`].
    pub fn rotate(&mut self) {
        let old = std::mem::replace(self, Self::generate());
        self.retired = old.published();
    }

    /// Publishes the present key only: tokens signed with earlier ones are no longer good.
    pub fn withdraw_retired(&mut self) {
        self.retired.clear();
    }

    /// The published keys.
    pub fn jwks(&self) -> Value {
        json!({ "keys": self.published() })
    }

    /// Writes the published keys to `path`, at once and whole.
    pub fn write_jwks(&self, path: &Path) -> Result<()> {
        let draft = path.with_extension("part");
        fs::write(&draft, self.jwks().to_string()).with_context(|| format!("write {}", draft.display()))?;
        fs::rename(&draft, path).with_context(|| format!("write {}", path.display()))
    }

    fn published(&self) -> Vec<Value> {
        // An uncompressed point: 4, then x and y of 32 bytes each.
        let point = self.key.der_bytes();
        let coordinate = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let present = json!({
            "kty": "EC", "crv": "P-256", "alg": "ES256", "use": "sig", "kid": self.kid,
            "x": coordinate(&point[1..33]), "y": coordinate(&point[33..]),
        });
        std::iter::once(present).chain(self.retired.iter().cloned()).collect()
    }
}

/// Writes what only we may read.
pub(super) fn write_secret(path: &Path, text: &str) -> Result<()> {
    fs::write(path, text).with_context(|| format!("write {}", path.display()))?;
    Ok(fs::set_permissions(path, fs::Permissions::from_mode(0o600))?)
}

#[expect(
    clippy::disallowed_methods,
    reason = "a token is good from now, by the clock of the server that will read it"
)]
fn now() -> DateTime<Utc> {
    Utc::now()
}

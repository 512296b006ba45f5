//! The issuer's public keys (JWKS), from a file or a URL, kept fresh.

use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet},
};

use super::AuthConfig;

/// How long fetching the keys from a URL may take.
const FETCH_MAX: Duration = Duration::from_secs(5);

/// Keys that cannot be had.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("set one of auth.jwks_file and auth.jwks_url")]
    NoSource,
    #[error("the file of auth.jwks_file cannot be read")]
    File(#[from] std::io::Error),
    #[error("auth.jwks_url cannot be fetched")]
    Url(#[from] reqwest::Error),
    #[error("the keys are no JWKS")]
    Form(#[from] serde_json::Error),
}

/// A key and the one algorithm that it is used with. HMAC is never among them: whoever can verify it can also sign.
pub(super) struct Key {
    pub algorithm: Algorithm,
    pub decoding: DecodingKey,
}

/// The keys by their ids.
pub(super) type KeySet = HashMap<String, Key>;

/// Where the keys come from, and the keys as last seen.
pub(super) struct Keys {
    source: Source,
    current: Mutex<Arc<KeySet>>,
}

enum Source {
    File(Box<Path>),
    Url { url: String, client: reqwest::Client },
}

impl Keys {
    pub async fn open(config: &AuthConfig) -> Result<Self, KeyError> {
        let source = match (config.jwks_file.as_os_str().is_empty(), config.jwks_url.is_empty()) {
            (false, true) => Source::File(config.jwks_file.clone().into_boxed_path()),
            (true, false) => {
                let client = reqwest::Client::builder().timeout(FETCH_MAX).build()?;
                Source::Url { url: config.jwks_url.clone(), client }
            }
            _ => return Err(KeyError::NoSource),
        };
        let keys = Self { source, current: Mutex::default() };
        keys.refresh().await?;
        Ok(keys)
    }

    pub fn current(&self) -> Arc<KeySet> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads the keys again. Those that are gone are trusted no more, nor are tokens that they signed.
    pub async fn refresh(&self) -> Result<(), KeyError> {
        let text = match &self.source {
            Source::File(path) => tokio::fs::read(path).await?,
            Source::Url { url, client } => {
                client.get(url).send().await?.error_for_status()?.bytes().await?.to_vec()
            }
        };
        let set: JwkSet = serde_json::from_slice(&text)?;
        let keys: KeySet = set.keys.iter().filter_map(key).collect();
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
        Ok(())
    }
}

/// A key with its id, when it is of a kind that we trust.
fn key(jwk: &Jwk) -> Option<(String, Key)> {
    let algorithm = match &jwk.algorithm {
        AlgorithmParameters::EllipticCurve(parameters) if parameters.curve == EllipticCurve::P256 => {
            Algorithm::ES256
        }
        AlgorithmParameters::OctetKeyPair(_) => Algorithm::EdDSA,
        AlgorithmParameters::RSA(_) => Algorithm::RS256,
        _ => return None,
    };
    let decoding = DecodingKey::from_jwk(jwk).ok()?;
    Some((jwk.common.key_id.clone()?, Key { algorithm, decoding }))
}

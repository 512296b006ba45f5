//! The issuer's public keys (JWKS), from a file or a URL, kept fresh.

use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use jsonwebtoken::{
    Algorithm, DecodingKey,
    jwk::{AlgorithmParameters, EllipticCurve, Jwk, JwkSet, PublicKeyUse},
};

use super::AuthConfig;

/// How long fetching the keys from a URL may take.
const FETCH_MAX: Duration = Duration::from_secs(5);

/// The largest answer that is read as keys.
const JWKS_BYTES_MAX: usize = 1024 * 1024;

/// Why the keys could not be loaded.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("set auth.jwks_file or auth.jwks_url, not both")]
    TwoSources,
    #[error("{file} cannot be read")]
    File { file: String, source: std::io::Error },
    #[error("auth.jwks_url cannot be fetched")]
    Url(#[from] reqwest::Error),
    #[error("auth.jwks_url answers with more than {JWKS_BYTES_MAX} bytes")]
    TooLarge,
    #[error("the keys are not a JWKS")]
    Form(#[from] serde_json::Error),
}

/// A key and the one algorithm that it is used with. HMAC is never among them: whoever can verify it can also sign.
pub(super) struct Key {
    pub thumbprint: Thumbprint,
    pub algorithm: Algorithm,
    pub decoding: DecodingKey,
}

/// Distinguishes two keys with one id.
pub(super) type Thumbprint = [u8; 32];

/// The keys by their ids.
pub(super) type KeySet = HashMap<String, Key>;

/// Where the keys come from, and the keys as last seen.
pub(super) struct Keys {
    source: Source,
    current: Mutex<Arc<KeySet>>,
}

enum Source {
    /// No token is taken.
    Nowhere,
    File(Box<Path>),
    Url {
        url: String,
        client: reqwest::Client,
    },
}

impl Keys {
    pub async fn open(config: &AuthConfig) -> Result<Self, KeyError> {
        let source = match (config.jwks_file.as_os_str().is_empty(), config.jwks_url.is_empty()) {
            (false, true) => Source::File(config.jwks_file.clone().into_boxed_path()),
            (true, false) => Source::Url { url: config.jwks_url.clone(), client: client(config).await? },
            (true, true) => {
                tracing::warn!("no token is taken: neither auth.jwks_file nor auth.jwks_url is set");
                Source::Nowhere
            }
            (false, false) => return Err(KeyError::TwoSources),
        };
        let keys = Self { source, current: Mutex::default() };
        keys.refresh().await?;
        Ok(keys)
    }

    pub fn current(&self) -> Arc<KeySet> {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads the keys again. Keys that were removed are no longer trusted, and neither are the tokens that they signed.
    pub async fn refresh(&self) -> Result<(), KeyError> {
        let text = match &self.source {
            Source::Nowhere => return Ok(()),
            Source::File(path) => read(path).await?,
            Source::Url { url, client } => fetch(client, url).await?,
        };
        let set: JwkSet = serde_json::from_slice(&text)?;
        let keys: KeySet = set.keys.iter().filter_map(key).collect();
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = Arc::new(keys);
        Ok(())
    }
}

async fn read(path: &Path) -> Result<Vec<u8>, KeyError> {
    tokio::fs::read(path).await.map_err(|source| KeyError::File { file: path.display().to_string(), source })
}

async fn client(config: &AuthConfig) -> Result<reqwest::Client, KeyError> {
    // The first caller in the process chooses; any provider will do.
    drop(rustls::crypto::ring::default_provider().install_default());
    let builder = reqwest::Client::builder().timeout(FETCH_MAX);
    let builder = if !config.jwks_ca_file.as_os_str().is_empty() {
        let authorities = read(&config.jwks_ca_file).await?;
        builder.tls_certs_only(reqwest::Certificate::from_pem_bundle(&authorities)?)
    } else if config.jwks_url.starts_with("http://") {
        // A system without certificate authorities is no problem for a URL without TLS.
        builder.tls_certs_only([])
    } else {
        builder
    };
    Ok(builder.build()?)
}

async fn fetch(client: &reqwest::Client, url: &str) -> Result<Vec<u8>, KeyError> {
    let mut response = client.get(url).send().await?.error_for_status()?;
    let mut text = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        text.extend_from_slice(&chunk);
        if text.len() > JWKS_BYTES_MAX {
            return Err(KeyError::TooLarge);
        }
    }
    Ok(text)
}

/// A key with its id, when it is of a kind that we trust.
fn key(jwk: &Jwk) -> Option<(String, Key)> {
    if matches!(jwk.common.public_key_use, Some(PublicKeyUse::Encryption)) {
        return None;
    }
    let algorithm = match &jwk.algorithm {
        AlgorithmParameters::EllipticCurve(parameters) if parameters.curve == EllipticCurve::P256 => {
            Algorithm::ES256
        }
        AlgorithmParameters::OctetKeyPair(parameters) if parameters.curve == EllipticCurve::Ed25519 => {
            Algorithm::EdDSA
        }
        AlgorithmParameters::RSA(_) => Algorithm::RS256,
        _ => return None,
    };
    let decoding = DecodingKey::from_jwk(jwk).ok()?;
    let thumbprint = *blake3::hash(&serde_json::to_vec(jwk).ok()?).as_bytes();
    Some((jwk.common.key_id.clone()?, Key { thumbprint, algorithm, decoding }))
}

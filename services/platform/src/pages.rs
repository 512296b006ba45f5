//! Keyset pages. A page token holds the end of the previous page. It is signed and bound to its filter, so that a client cannot
//! make or change one, or use it with another filter.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::{Serialize, de::DeserializeOwned};

use crate::{
    config::Secret,
    refusal::{Refusal, reasons},
};

/// Bytes of the signature: 128 bits cannot be guessed.
const SIGNATURE_BYTES: usize = 16;

/// The longest token that is read. Cursors are a few keys.
const TOKEN_CHARS_MAX: usize = 1024;

/// Rows on a page when the request does not say.
pub const PAGE_SIZE_DEFAULT: i64 = 50;
/// Rows on a page at most: a few hundred kilobytes.
pub const PAGE_SIZE_MAX: i64 = 500;

/// Makes and reads page tokens.
#[derive(Clone)]
pub struct PageTokens {
    key: [u8; 32],
}

impl PageTokens {
    /// All replicas of a service have the same key, so that any of them reads any page.
    pub fn new(key: &Secret) -> Self {
        Self { key: blake3::derive_key("countinghouse page tokens v1", key.expose().as_bytes()) }
    }

    /// The token of the page after `cursor`, for this filter.
    pub fn encode(&self, filter: &impl Serialize, cursor: &impl Serialize) -> String {
        let cursor = serde_json::to_vec(cursor).expect("invariant: cursors are plain keys, which serialize");
        let mut token = self.sign(filter, &cursor).to_vec();
        token.extend_from_slice(&cursor);
        URL_SAFE_NO_PAD.encode(token)
    }

    /// The cursor in a token; none in an empty one, which means the first page.
    pub fn decode<C: DeserializeOwned>(
        &self,
        filter: &impl Serialize,
        token: &str,
    ) -> Result<Option<C>, Refusal> {
        if token.is_empty() {
            return Ok(None);
        }
        self.read(filter, token).map(Some).ok_or_else(|| {
            reasons::PAGE_TOKEN_INVALID
                .refuse("the page token was not given for this list and filter")
                .field("page_token", "must be the next_page_token of the page before, with the same filter")
        })
    }

    /// Where a page begins and how long it is; `first` begins the first page.
    pub fn begin<C: DeserializeOwned>(
        &self,
        filter: &impl Serialize,
        size: i32,
        token: &str,
        first: C,
    ) -> Result<(C, i64), Refusal> {
        let size = page_size(size, PAGE_SIZE_DEFAULT, PAGE_SIZE_MAX)?;
        Ok((self.decode(filter, token)?.unwrap_or(first), size))
    }

    /// The token of the next page: none when this one was not full.
    pub fn next<T, C: Serialize>(
        &self,
        filter: &impl Serialize,
        rows: &[T],
        size: i64,
        cursor: impl FnOnce(&T) -> C,
    ) -> String {
        match rows.last() {
            Some(last) if i64::try_from(rows.len()) == Ok(size) => self.encode(filter, &cursor(last)),
            _ => String::new(),
        }
    }

    fn read<C: DeserializeOwned>(&self, filter: &impl Serialize, token: &str) -> Option<C> {
        if token.len() > TOKEN_CHARS_MAX {
            return None;
        }
        let bytes = URL_SAFE_NO_PAD.decode(token).ok()?;
        let (signature, cursor) = bytes.split_first_chunk::<SIGNATURE_BYTES>()?;
        // Comparing hashes of both takes the same time wherever they differ.
        (blake3::hash(signature) == blake3::hash(&self.sign(filter, cursor))).then_some(())?;
        serde_json::from_slice(cursor).ok()
    }

    fn sign(&self, filter: &impl Serialize, cursor: &[u8]) -> [u8; SIGNATURE_BYTES] {
        let filter =
            serde_json::to_vec(filter).expect("invariant: filters are plain values, which serialize");
        let mut hasher = blake3::Hasher::new_keyed(&self.key);
        hasher.update(&u64::try_from(filter.len()).unwrap_or(u64::MAX).to_le_bytes());
        hasher.update(&filter);
        hasher.update(cursor);
        let mut signature = [0; SIGNATURE_BYTES];
        hasher.finalize_xof().fill(&mut signature);
        signature
    }
}

/// The size of the page that was requested: `default` for 0, refused when negative or above `max`.
pub fn page_size(requested: i32, default: i64, max: i64) -> Result<i64, Refusal> {
    match i64::from(requested) {
        0 => Ok(default),
        size if (1..=max).contains(&size) => Ok(size),
        _ => Err(reasons::PAGE_SIZE_INVALID
            .refuse(format!("page size {requested} is not between 0 and {max}"))
            .field("page_size", format!("must be between 0 and {max}"))),
    }
}

//! A seal: the hash of its records and of the seal before. The canonical form of a record is in one place, here; a change of
//! it needs a new context string, and a chain that knows from which seal on the new one holds.

use chrono::{DateTime, Utc};
use uuid::Uuid;

/// Distinguishes these hashes from others of the same bytes.
const CONTEXT: &str = "countinghouse 2026 audit seal v1";

/// Records in a seal at most. `CHECK audit_seal_not_empty` repeats it.
pub const ROWS_MAX: usize = 1_000;

/// How far a chain reaches: its last seal. With it noted elsewhere, the chain up to it cannot be rewritten unseen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// 0 before the first seal.
    pub number: i64,
    pub hash: blake3::Hash,
}

impl Head {
    /// From the columns of a seal.
    pub(super) fn new(number: i64, hash: &[u8]) -> Result<Head, sqlx::Error> {
        let hash = blake3::Hash::from_slice(hash).map_err(|error| sqlx::Error::Decode(error.into()))?;
        Ok(Head { number, hash })
    }
}

/// A record as it stands in the table.
#[derive(Debug)]
pub struct Row {
    pub position: i64,
    pub at: DateTime<Utc>,
    pub actor: String,
    pub approver: Option<String>,
    pub method: String,
    pub resource: String,
    pub scope: String,
    pub outcome: String,
    pub reason: Option<String>,
    pub request_id: Option<Uuid>,
    pub correlation_id: Uuid,
    /// As Postgres writes `jsonb`: keys in its order, numbers with all their digits.
    pub detail: String,
}

/// A seal that is being built.
pub struct Seal {
    number: i64,
    hasher: blake3::Hasher,
}

impl Seal {
    /// The seal that follows on `head`, with `rows` records.
    pub fn begin(head: &Head, sealed_at: DateTime<Utc>, rows: usize) -> Seal {
        let mut seal = Seal { number: head.number + 1, hasher: blake3::Hasher::new_derive_key(CONTEXT) };
        seal.hasher.update(head.hash.as_bytes());
        seal.number(seal.number);
        seal.number(sealed_at.timestamp_micros());
        seal.length(rows);
        seal
    }

    /// Adds the next record, in the order of their positions.
    pub fn add(&mut self, row: &Row) {
        self.number(row.position);
        self.number(row.at.timestamp_micros());
        self.text(&row.actor);
        self.optional(row.approver.as_ref().map(String::as_bytes));
        self.text(&row.method);
        self.text(&row.resource);
        self.text(&row.scope);
        self.text(&row.outcome);
        self.optional(row.reason.as_ref().map(String::as_bytes));
        self.optional(row.request_id.as_ref().map(|id| id.as_bytes().as_slice()));
        self.hasher.update(row.correlation_id.as_bytes());
        self.text(&row.detail);
    }

    /// The chain with this seal at its end.
    pub fn finish(&self) -> Head {
        Head { number: self.number, hash: self.hasher.finalize() }
    }

    fn number(&mut self, number: i64) {
        self.hasher.update(&number.to_le_bytes());
    }

    fn length(&mut self, length: usize) {
        self.number(i64::try_from(length).expect("invariant: lengths in memory fit 63 bits"));
    }

    /// The length goes first, so that no two records share a form.
    fn bytes(&mut self, bytes: &[u8]) {
        self.length(bytes.len());
        self.hasher.update(bytes);
    }

    fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }

    fn optional(&mut self, bytes: Option<&[u8]>) {
        match bytes {
            Some(bytes) => self.bytes(bytes),
            None => self.number(-1),
        }
    }
}

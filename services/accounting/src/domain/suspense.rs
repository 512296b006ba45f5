//! Suspense items (挂账): what a fact of another service left open, with the reason, until somebody clears it.

use chrono::{DateTime, NaiveDate, Utc};
use money::Currency;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::{
    ids::{AccountNumber, BranchCode, PostingNumber, SuspenseNumber},
    recorded::Recorded,
    refusal::Refusal,
    side::Side,
    transaction::AccountRef,
};

/// A fact of another service, as it was received.
#[derive(Clone, Debug, PartialEq)]
pub struct ReceivedFact {
    pub identity: FactIdentity,
    /// The fact's message, as JSON.
    pub payload: Value,
}

/// Which fact it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FactIdentity {
    /// The service that published it, for example `vault`.
    pub service: String,
    pub topic: String,
    /// Its type, for example `countinghouse.vault.delivery.v1.CashDelivered`.
    pub kind: String,
    pub id: Uuid,
    pub key: String,
    pub time: DateTime<Utc>,
}

/// The state of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SuspenseState {
    Open,
}

/// An item (挂账): a line that could not be booked where it belongs, or a fact of which nothing could be.
#[derive(Clone, Debug, PartialEq)]
pub struct SuspenseItem {
    pub number: SuspenseNumber,
    /// The branch that has to clear it.
    pub branch: BranchCode,
    pub state: SuspenseState,
    /// The line that stands on the suspense account; none when nothing was booked.
    pub line: Option<SuspenseLine>,
    /// Why it is open.
    pub refusal: Refusal,
    /// The business transaction code of its template; empty when none books such facts.
    pub code: String,
    pub fact: FactIdentity,
    pub opened_on: NaiveDate,
    pub opened: Recorded,
}

/// A line on a suspense account.
#[derive(Clone, Debug, PartialEq)]
pub struct SuspenseLine {
    pub posting: PostingNumber,
    /// The entry's place in the posting, from 0.
    pub line: usize,
    /// The suspense account.
    pub account: AccountNumber,
    pub side: Side,
    pub currency: Currency,
    pub amount: Decimal,
    /// The account that was meant.
    pub meant: AccountRef,
}

/// An item with what is kept of its fact.
#[derive(Clone, Debug, PartialEq)]
pub struct SuspenseRecord {
    pub item: SuspenseItem,
    /// The fact's message, when nothing of it was booked.
    pub payload: Option<Value>,
}

/// The request id under which a fact is booked: the same however often it is delivered.
pub fn request_id(service: &str, fact: Uuid) -> Uuid {
    let mut hasher = blake3::Hasher::new_derive_key("countinghouse.accounting.v1 request id of a fact");
    hasher.update(service.as_bytes()).update(&[0]).update(fact.as_bytes());
    let mut bytes = [0; 16];
    hasher.finalize_xof().fill(&mut bytes);
    Uuid::new_v8(bytes)
}

//! Holds (资金冻结/预授权): money set aside on an account. A hold is only ever the last of its events.

use chrono::{DateTime, Utc};
use money::Currency;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    Digest,
    ids::{AccountId, AccountNumber, BranchCode, HoldNumber, OperatorCode, PostingNumber},
};

/// The state of a hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HoldState {
    Open,
    Captured,
    Released,
    Expired,
}

/// A hold (资金冻结/预授权), as it stands after its last event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    pub number: HoldNumber,
    pub account_id: AccountId,
    pub account: AccountNumber,
    pub currency: Currency,
    pub state: HoldState,
    pub amount: Decimal,
    pub captured: Decimal,
    /// Still set aside; zero unless open.
    pub remaining: Decimal,
    pub purpose: String,
    pub reference: String,
    pub branch: BranchCode,
    pub operator: OperatorCode,
    pub placed_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    /// 1, 2, 3 ... with each event.
    pub version: i32,
}

/// What happened to a hold: the hold after it, and what caused it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HoldEvent {
    /// 1, 2, 3 ... over all holds of the book, without a gap.
    pub number: i64,
    pub hold: Hold,
    /// Nil for expiry, which has no request.
    pub request_id: Uuid,
    pub digest: Digest,
    /// Who caused it: an operator, or the service itself for expiry.
    pub operator: OperatorCode,
    /// The posting that captured it.
    pub posting: Option<PostingNumber>,
    pub recorded_at: DateTime<Utc>,
    pub traceparent: Option<String>,
}

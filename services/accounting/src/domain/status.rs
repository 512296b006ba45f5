//! The status machine of an account (账户状态). Each transition consumes a status and returns the next, or says why not.

use chrono::NaiveDate;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

/// Where an account stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountStatus {
    /// Opened, not yet active (待激活).
    Pending,
    /// Active (正常).
    Active,
    /// Dormant (不动户).
    Dormant,
    /// Frozen (冻结), from the status to which lifting returns it.
    Frozen { freeze: Freeze, from: Unfrozen },
    /// Closed (销户).
    Closed { on: NaiveDate },
}

/// How an account is frozen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Freeze {
    /// No debits (只收不付).
    Debit,
    /// Nothing (不收不付).
    Full,
    /// An amount cannot be used (部分冻结).
    Amount(Decimal),
}

/// The statuses that can be frozen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Unfrozen {
    Active,
    Dormant,
}

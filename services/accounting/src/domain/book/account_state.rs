//! An account with what moves: its balance and its open holds.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;

use crate::domain::{account::Account, balance::RunningBalance, hold::Hold, side::NormalSide};

/// An account with its balance and its open holds.
#[derive(Clone, Debug)]
pub struct AccountState {
    pub account: Arc<Account>,
    pub balance: RunningBalance,
    /// Open ones, by number; those that have lapsed stand here until that is written down.
    pub holds: Vec<Hold>,
}

impl AccountState {
    pub fn new(account: Arc<Account>, balance: RunningBalance, holds: Vec<Hold>) -> Self {
        Self { account, balance, holds }
    }

    /// What is set aside by holds that have not lapsed.
    pub fn held(&self, now: DateTime<Utc>) -> Decimal {
        self.holds.iter().filter(|hold| hold.expires_at > now).map(|hold| hold.remaining).sum()
    }

    /// Available balance (可用余额): ledger balance less holds and frozen amount, plus overdraft line. `None` on accounts that
    /// have no limit: those of either side, and off-balance ones, which are limited by what is registered.
    pub fn available(&self, now: DateTime<Utc>) -> Option<Decimal> {
        Some(self.balance.ledger(self.account.normal_side) + self.allowance(now)?)
    }

    /// What is available besides the ledger balance: the overdraft line less holds and frozen amount.
    pub fn allowance(&self, now: DateTime<Utc>) -> Option<Decimal> {
        let account = &self.account;
        if account.normal_side == NormalSide::Either || account.off_balance {
            return None;
        }
        Some(account.overdraft_limit - self.held(now) - account.status.frozen_amount())
    }
}

//! Accounts (账户): what an account is. Its status machine is in [`super::status`], its balance in [`super::balance`].

use chrono::NaiveDate;
use money::Currency;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::{
    ids::{AccountId, AccountNumber, BranchCode, FormerNumber, LedgerCodeNumber},
    side::NormalSide,
    status::AccountStatus,
};

/// Whose account it is, and what for (账户类型).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountKind {
    PersonalDemand,
    PersonalTerm,
    PersonalMargin,
    CorporateDemand,
    CorporateTerm,
    CorporateMargin,
    /// Internal account (内部账户): one for each branch, ledger code and currency.
    Internal,
    /// Our account at another bank (存放同业).
    Nostro,
    /// Another bank's account with us (同业存放).
    Vostro,
    /// Between a branch and the rest of the bank (系统内往来): one for each branch and currency.
    InterBranch,
}

impl AccountKind {
    /// Whether a customer owns it, and so holders are named on it.
    pub fn is_customer(self) -> bool {
        !matches!(self, Self::Internal | Self::Nostro | Self::Vostro | Self::InterBranch)
    }

    /// Whether a branch has at most one of it on a code and currency, found by `branches/../ledgerCodes/..`.
    pub fn is_one_of_branch(self) -> bool {
        matches!(self, Self::Internal | Self::InterBranch)
    }
}

/// What a holder is to an account.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum HolderRole {
    Owner,
    Joint,
    Agent,
}

/// A holder of an account (账户持有人).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    pub customer: String,
    pub title: String,
    pub role: HolderRole,
}

/// An account (账户), in its latest version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    pub id: AccountId,
    pub number: AccountNumber,
    pub branch: BranchCode,
    pub ledger_code: LedgerCodeNumber,
    pub currency: Currency,
    pub kind: AccountKind,
    pub title: String,
    pub holders: Vec<Holder>,
    pub status: AccountStatus,
    /// How far it may go beyond zero (透支额度); zero for none.
    pub overdraft_limit: Decimal,
    pub normal_side: NormalSide,
    pub off_balance: bool,
    pub open_date: NaiveDate,
    /// 1, 2, 3 ... with each change.
    pub version: i32,
    /// Of an account that was moved in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub former_number: Option<FormerNumber>,
}

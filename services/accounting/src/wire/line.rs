//! What lines of transactions and of templates have in common: accounts, sides, and how long texts may be.

use std::fmt::Display;

use ::refusal::{Refusal, field_invalid};
use proto_accounting::v1 as pb;

use super::{account_name, former_number};
use crate::domain::{
    ids::{BranchCode, LedgerCodeNumber},
    side::Side,
    transaction::AccountRef,
};

/// Longest narrative, in characters.
pub(super) const NARRATIVE_CHARS_MAX: usize = 200;
/// Longest business transaction code.
pub(super) const TRANSACTION_CODE_CHARS_MAX: usize = 32;
/// Longest title, in characters.
pub(super) const TITLE_CHARS_MAX: usize = 120;

/// The account that a line names.
pub(super) fn account_ref(field: impl Display + Copy, value: &str) -> Result<AccountRef, Refusal> {
    if let Some(number) = value.strip_prefix("formerAccounts/") {
        return former_number(field, number).map(AccountRef::Former);
    }
    let Some(rest) = value.strip_prefix("branches/") else {
        return account_name(field, value).map(AccountRef::Number);
    };
    let is_digits =
        |text: &str| !text.is_empty() && text.len() <= 16 && text.bytes().all(|byte| byte.is_ascii_digit());
    match rest.split_once("/ledgerCodes/") {
        Some((branch, code)) if is_digits(branch) && is_digits(code) => Ok(AccountRef::OfBranch {
            branch: BranchCode::new(branch),
            ledger_code: LedgerCodeNumber::new(code),
        }),
        _ => Err(field_invalid(
            field,
            "must be accounts/{number}, branches/{branch}/ledgerCodes/{code} or formerAccounts/{former_number}",
        )),
    }
}

/// The side that a line names; none when it is not set.
pub(super) fn side_from_proto(side: pb::Side) -> Option<Side> {
    match side {
        pb::Side::Unspecified => None,
        pb::Side::Debit => Some(Side::Debit),
        pb::Side::Credit => Some(Side::Credit),
    }
}

/// The side, for the contract.
pub fn side_to_proto(side: Side) -> pb::Side {
    match side {
        Side::Debit => pb::Side::Debit,
        Side::Credit => pb::Side::Credit,
    }
}

/// The account of a line, for the contract.
pub fn ref_to_proto(account: &AccountRef) -> String {
    match account {
        AccountRef::Number(number) => format!("accounts/{number}"),
        AccountRef::Former(number) => format!("formerAccounts/{number}"),
        AccountRef::OfBranch { branch, ledger_code } => {
            format!("branches/{branch}/ledgerCodes/{ledger_code}")
        }
    }
}

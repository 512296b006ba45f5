//! The accounts that a bank keeps for itself: each row of `internal_accounts.csv`, for each branch and currency it means.

use std::path::Path;

use anyhow::Result;
use proto_accounting::v1::{AccountKind, BaseRecord, Branch, BranchKind, base_record::Content};

use super::{
    records::named,
    rows::InternalAccountRow,
    table::{self, Row},
};

/// An account that the bank keeps for itself: internal, inter-branch, nostro or vostro.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InternalAccount {
    pub branch: String,
    pub ledger_code: String,
    pub currency: String,
    pub kind: AccountKind,
    pub title: String,
}

pub(super) fn read(folder: &Path, records: &[BaseRecord]) -> Result<Vec<InternalAccount>> {
    let branches: Vec<&Branch> = records
        .iter()
        .filter_map(|record| match &record.content {
            Some(Content::Branch(branch)) => Some(branch),
            _ => None,
        })
        .collect();
    let mut accounts = Vec::new();
    for row in table::read(&folder.join("internal_accounts.csv"))? {
        accounts.extend(of_row(&row, &branches)?);
    }
    Ok(accounts)
}

fn of_row(row: &Row<InternalAccountRow>, branches: &[&Branch]) -> Result<Vec<InternalAccount>> {
    let kind = named(row, "ACCOUNT_KIND", &row.is.kind, AccountKind::from_str_name)?;
    let mut accounts = Vec::new();
    for word in &row.is.branches {
        let of_kind = named(row, "BRANCH_KIND", word, BranchKind::from_str_name)?;
        for branch in branches.iter().filter(|branch| branch.kind() == of_kind) {
            accounts.extend(row.is.currencies.iter().map(|currency| InternalAccount {
                branch: branch.code.clone(),
                ledger_code: row.is.ledger_code.clone(),
                currency: currency.clone(),
                kind,
                title: format!("{}{}", branch.title, row.is.title),
            }));
        }
    }
    if accounts.is_empty() {
        return Err(row.error("the row makes no account"));
    }
    Ok(accounts)
}

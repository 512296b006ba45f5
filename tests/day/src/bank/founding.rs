//! What the bank has when it opens: `founding.csv`.

use std::path::Path;

use anyhow::Result;
use rust_decimal::Decimal;

use super::{
    rows::FoundingRow,
    table::{self, Row},
};

/// What the bank has in a currency when it opens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Funds {
    pub currency: String,
    /// All of it: at the central bank, or with a correspondent abroad.
    pub amount: Decimal,
    /// Of that, what is taken into head office's vault.
    pub vault_cash: Decimal,
    /// Of that, what each branch's tellers get.
    pub branch_cash: Decimal,
}

pub(super) fn read(folder: &Path) -> Result<Vec<Funds>> {
    let funds = |row: Row<FoundingRow>| {
        let FoundingRow { currency, funds, vault_cash, branch_cash } = row.is;
        Funds { currency, amount: funds, vault_cash, branch_cash }
    };
    Ok(table::read(&folder.join("founding.csv"))?.into_iter().map(funds).collect())
}

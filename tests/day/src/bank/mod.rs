//! The sample bank: base data, chart of accounts and internal accounts, read from CSV files.

mod founding;
mod internal;
mod look_up;
mod records;
mod rows;
mod table;
mod vouchers;

use std::path::Path;

use anyhow::Result;
use proto_accounting::v1::BaseRecord;

pub use founding::Funds;
pub use internal::InternalAccount;
pub use vouchers::VoucherKind;

/// A bank as data.
#[derive(Debug, Clone)]
pub struct Bank {
    /// Its base data, each kind after those that it refers to.
    pub records: Vec<BaseRecord>,
    /// The accounts that it keeps for itself.
    pub internal_accounts: Vec<InternalAccount>,
    /// What it has when it opens, the base currency first.
    pub funds: Vec<Funds>,
    /// The kinds of vouchers that it keeps.
    pub voucher_kinds: Vec<VoucherKind>,
}

impl Bank {
    /// Reads the bank in `folder`, with the chart of accounts in `chart`.
    pub fn read(folder: &Path, chart: &Path) -> Result<Self> {
        let records = records::read(folder, chart)?;
        let internal_accounts = internal::read(folder, &records)?;
        let funds = founding::read(folder)?;
        Ok(Self { records, internal_accounts, funds, voucher_kinds: vouchers::read(folder)? })
    }

    /// The sample bank of this repository.
    pub fn sample() -> Result<Self> {
        let here = Path::new(env!("CARGO_MANIFEST_DIR"));
        Self::read(&here.join("bank"), &here.join("../../services/accounting/data/chart.csv"))
    }
}

#[cfg(test)]
mod tests;

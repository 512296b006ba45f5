//! `voucher_kinds.csv`: the kinds of vouchers, and on which code each stands off balance.

use std::path::Path;

use anyhow::Result;
use proto_common::common::v1::Money;
use proto_voucher::v1::{Kind, KindCategory};

use super::{rows::VoucherKindRow, table};

/// A kind of voucher (凭证种类) of the bank.
#[derive(Debug, Clone)]
pub struct VoucherKind {
    pub kind: Kind,
    /// The code off balance (表外科目) on which its stock stands.
    pub ledger_code: String,
}

pub(super) fn read(folder: &Path) -> Result<Vec<VoucherKind>> {
    let rows = table::read::<VoucherKindRow>(&folder.join("voucher_kinds.csv"))?;
    rows.into_iter()
        .map(|row| {
            let category = match row.is.category.as_str() {
                "bank_issued" => KindCategory::BankIssued,
                "sold" => KindCategory::Sold,
                "valuable" => KindCategory::Valuable,
                other => return Err(row.error(format_args!("{other} is no category of vouchers"))),
            };
            let kind = Kind {
                code: row.is.code,
                title: row.is.title,
                category: category.into(),
                prefix: row.is.prefix,
                digits: row.is.digits,
                unit_value: Some(Money { currency: "CNY".to_owned(), amount: row.is.unit_value }),
                closed: false,
            };
            Ok(VoucherKind { kind, ledger_code: row.is.ledger_code })
        })
        .collect()
}

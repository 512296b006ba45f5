//! Accounts: one row for each.

use anyhow::Result;
use proto_accounting::v1::{AccountKind, AccountToImport, Holder, HolderRole};
use proto_common::common::v1::Money;

use super::{
    amount, date,
    header::{Header, Known, text},
    item::{Refusal, Row},
};

/// The columns.
pub const COLUMNS: &[Known] = &[
    ("branch", &["机构", "机构号", "开户机构"]),
    ("kind", &["账户类型", "账户种类"]),
    ("ledger_code", &["科目", "科目号", "科目代码"]),
    ("currency", &["币种", "货币"]),
    ("title", &["户名", "账户名称"]),
    ("customer", &["客户号"]),
    ("customer_title", &["客户名称"]),
    ("overdraft_limit", &["透支额度"]),
    ("former_number", &["原账号"]),
    ("open_date", &["开户日期"]),
];

/// The kinds of account: in English, in Chinese.
const KINDS: [(&str, &str, AccountKind); 10] = [
    ("personal_demand", "个人活期", AccountKind::PersonalDemand),
    ("personal_term", "个人定期", AccountKind::PersonalTerm),
    ("personal_margin", "个人保证金", AccountKind::PersonalMargin),
    ("corporate_demand", "单位活期", AccountKind::CorporateDemand),
    ("corporate_term", "单位定期", AccountKind::CorporateTerm),
    ("corporate_margin", "单位保证金", AccountKind::CorporateMargin),
    ("internal", "内部账户", AccountKind::Internal),
    ("nostro", "存放同业", AccountKind::Nostro),
    ("vostro", "同业存放", AccountKind::Vostro),
    ("inter_branch", "系统内往来", AccountKind::InterBranch),
];

/// How the rows are read.
#[derive(Clone, Debug)]
pub struct Accounts {
    branch: usize,
    kind: usize,
    ledger_code: usize,
    currency: usize,
    title: usize,
    customer: Option<usize>,
    customer_title: Option<usize>,
    overdraft_limit: Option<usize>,
    former_number: Option<usize>,
    open_date: Option<usize>,
}

impl Accounts {
    pub fn of(header: &Header) -> Result<Self> {
        Ok(Self {
            branch: header.required("branch")?,
            kind: header.required("kind")?,
            ledger_code: header.required("ledger_code")?,
            currency: header.required("currency")?,
            title: header.required("title")?,
            customer: header.place("customer"),
            customer_title: header.place("customer_title"),
            overdraft_limit: header.place("overdraft_limit"),
            former_number: header.place("former_number"),
            open_date: header.place("open_date"),
        })
    }

    /// The account that a row describes.
    pub fn account(&self, row: &Row) -> Result<AccountToImport, Refusal> {
        let owned = |place: usize| text(&row.record, Some(place)).to_owned();
        let optional = |place| text(&row.record, place);
        let (currency, title) = (owned(self.currency), owned(self.title));
        let overdraft_limit = match optional(self.overdraft_limit) {
            "" => None,
            limit => {
                let amount = amount::plain(limit).map_err(|why| Refusal::of_row("overdraft_limit", &why))?;
                Some(Money { currency: currency.clone(), amount })
            }
        };
        let date = date::iso(optional(self.open_date)).map_err(|why| Refusal::of_row("open_date", &why))?;
        Ok(AccountToImport {
            branch: owned(self.branch),
            kind: kind(text(&row.record, Some(self.kind)))?.into(),
            ledger_code: owned(self.ledger_code),
            holders: self.owner(row, &title).into_iter().collect(),
            currency,
            title,
            overdraft_limit,
            former_number: optional(self.former_number).to_owned(),
            open_date: date,
        })
    }

    /// The owner of a customer's account, whose name is the account's unless another is given.
    fn owner(&self, row: &Row, title: &str) -> Option<Holder> {
        let customer = text(&row.record, self.customer);
        let name = text(&row.record, self.customer_title);
        (!customer.is_empty()).then(|| Holder {
            customer: customer.to_owned(),
            title: if name.is_empty() { title } else { name }.to_owned(),
            role: HolderRole::Owner.into(),
        })
    }
}

fn kind(name: &str) -> Result<AccountKind, Refusal> {
    let english = name.to_lowercase();
    let found = KINDS.iter().find(|(known, chinese, _)| *known == english || *chinese == name);
    found.map(|(.., kind)| *kind).ok_or_else(|| {
        let names: Vec<&str> = KINDS.iter().map(|(english, ..)| *english).collect();
        Refusal::of_row("kind", &format!("must be one of {}", names.join(", ")))
    })
}

#[cfg(test)]
mod tests {
    use csv::StringRecord;

    use super::*;

    fn account(names: &str, row: &str) -> Result<AccountToImport, Refusal> {
        let record = |text: &str| StringRecord::from(text.split('|').collect::<Vec<_>>());
        let accounts = Accounts::of(&Header::of(&record(names), COLUMNS).unwrap()).unwrap();
        accounts.account(&Row { line: 2, record: record(row) })
    }

    #[test]
    fn a_row_is_an_account() {
        let names = "原账号|机构|账户类型|科目|币种|户名|客户号|透支额度|开户日期";
        let read = account(names, "6222|110100|个人活期|201102|CNY|王敏|C1|1,000|20190520").unwrap();
        assert_eq!((read.former_number.as_str(), read.kind()), ("6222", AccountKind::PersonalDemand));
        assert_eq!((read.holders[0].title.as_str(), read.open_date.as_str()), ("王敏", "2019-05-20"));
        assert_eq!(read.overdraft_limit.unwrap().amount, "1000");
        let own =
            account("branch|kind|ledger_code|currency|title", "110100|Internal|100101|CNY|cash").unwrap();
        assert_eq!(
            (own.holders.len(), own.overdraft_limit, own.kind),
            (0, None, AccountKind::Internal.into())
        );
    }

    #[test]
    fn what_is_wrong_is_told_of_its_column() {
        let names = "branch|kind|ledger_code|currency|title|overdraft_limit|open_date";
        for (row, column) in [
            ("1|savings|2|CNY|x||", "kind"),
            ("1|internal|2|CNY|x|1,23|", "overdraft_limit"),
            ("1|internal|2|CNY|x||2019", "open_date"),
        ] {
            assert_eq!(account(names, row).unwrap_err().field, column, "{row}");
        }
    }
}

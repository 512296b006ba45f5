//! Postings: one row for each line of a transaction, those of one transaction together; or one row for a transaction of one debit
//! and one credit.

use anyhow::{Result, bail};
use proto_accounting::v1 as pb;
use proto_common::common::v1::Money;

use super::{
    amount,
    arguments::Options,
    date,
    header::{Header, Known, text},
    item::{Refusal, Row},
};

/// The columns.
pub const COLUMNS: &[Known] = &[
    ("transaction", &["交易号", "流水号", "传票套号"]),
    ("accounting_date", &["会计日期", "记账日期"]),
    ("transaction_date", &["交易日期"]),
    ("value_date", &["起息日", "起息日期"]),
    ("code", &["交易码", "交易代码"]),
    ("source", &["来源", "渠道"]),
    ("narrative", &["摘要"]),
    ("voucher_kind", &["凭证种类"]),
    ("voucher_number", &["凭证号", "凭证号码"]),
    ("account", &["账号"]),
    ("former_account", &["原账号"]),
    ("side", &["借贷", "借贷方向", "借贷标志"]),
    ("debit_account", &["借方账号"]),
    ("debit_former_account", &["借方原账号"]),
    ("credit_account", &["贷方账号"]),
    ("credit_former_account", &["贷方原账号"]),
    ("currency", &["币种", "货币"]),
    ("amount", &["金额"]),
    ("line_narrative", &["分录摘要"]),
];

/// Where a transaction's own columns stand: its lines agree on them.
#[derive(Clone, Copy, Debug)]
struct Common {
    name: &'static str,
    place: Option<usize>,
}

/// A column with an account, and one with a former number instead.
type AccountPlaces = (Option<usize>, Option<usize>);

/// How the rows are read.
#[derive(Clone, Debug)]
pub struct Postings {
    transaction: Option<usize>,
    common: [Common; 8],
    account: AccountPlaces,
    side: Option<usize>,
    debit: AccountPlaces,
    credit: AccountPlaces,
    currency: usize,
    amount: usize,
    line_narrative: Option<usize>,
    code: String,
    source: String,
}

impl Postings {
    pub fn of(header: &Header, options: &Options) -> Result<Self> {
        let of = |name| header.place(name);
        let common = |name| Common { name, place: of(name) };
        let postings = Self {
            transaction: of("transaction"),
            common: [
                common("accounting_date"),
                common("transaction_date"),
                common("value_date"),
                common("code"),
                common("source"),
                common("narrative"),
                common("voucher_kind"),
                common("voucher_number"),
            ],
            account: (of("account"), of("former_account")),
            side: of("side"),
            debit: (of("debit_account"), of("debit_former_account")),
            credit: (of("credit_account"), of("credit_former_account")),
            currency: header.required("currency")?,
            amount: header.required("amount")?,
            line_narrative: of("line_narrative"),
            code: options.code.clone(),
            source: options.source.clone(),
        };
        let is_there = |(account, former): AccountPlaces| account.or(former).is_some();
        let by_line = is_there(postings.account) && postings.side.is_some() && postings.transaction.is_some();
        let by_transaction = is_there(postings.debit) && is_there(postings.credit);
        if !by_line && !by_transaction {
            bail!(
                "there must be the columns \"transaction\", \"account\" or \"former_account\", and \"side\"; or those of a debit and \
                 a credit account"
            );
        }
        Ok(postings)
    }

    /// Which transaction the row is a line of; `None` when it is a whole one.
    pub fn transaction_of<'r>(&self, row: &'r Row) -> Option<&'r str> {
        let cells = [self.debit.0, self.debit.1, self.credit.0, self.credit.1];
        let is_whole = cells.into_iter().any(|place| !text(&row.record, place).is_empty());
        (!is_whole).then(|| text(&row.record, self.transaction))
    }

    /// The transaction that these rows make.
    pub fn transaction(&self, rows: &[Row]) -> Result<pb::Transaction, Refusal> {
        let Some(first) = rows.first() else { return Err(Refusal::of_row("transaction", "has no rows")) };
        let is_whole = match self.transaction_of(first) {
            Some("") => {
                return Err(Refusal::of_row(
                    "transaction",
                    "is required, to know which rows belong together",
                ));
            }
            Some(_) => false,
            None => true,
        };
        let [accounting_date, transaction_date, value_date, code, source, narrative, kind, number] =
            self.agreed(rows)?;
        let iso = |name: &'static str, value| date::iso(value).map_err(|why| Refusal::of_row(name, &why));
        let or =
            |value: &str, other: &String| if value.is_empty() { other.clone() } else { value.to_owned() };
        Ok(pb::Transaction {
            code: or(code, &self.code),
            transaction_date: iso("transaction_date", transaction_date)?,
            accounting_date: iso("accounting_date", accounting_date)?,
            value_date: iso("value_date", value_date)?,
            source: or(source, &self.source),
            narrative: narrative.to_owned(),
            voucher: (!kind.is_empty() || !number.is_empty())
                .then(|| pb::Voucher { kind: kind.to_owned(), number: number.to_owned() }),
            lines: if is_whole {
                self.two_lines(first)?.into()
            } else {
                rows.iter().map(|row| self.line(row)).collect::<Result<_, _>>()?
            },
        })
    }

    /// What the rows say of their transaction: the first says it, and the others say the same or nothing.
    fn agreed<'r>(&self, rows: &'r [Row]) -> Result<[&'r str; 8], Refusal> {
        let mut values = [""; 8];
        let Some((first, others)) = rows.split_first() else { return Ok(values) };
        for (value, Common { name, place }) in values.iter_mut().zip(self.common) {
            *value = text(&first.record, place);
            let differs = |row: &&Row| !["", *value].contains(&text(&row.record, place));
            if let Some(row) = others.iter().find(differs) {
                let what = format!("is another in line {} than in line {}", row.line, first.line);
                return Err(Refusal::of_row(name, &what));
            }
        }
        Ok(values)
    }

    fn line(&self, row: &Row) -> Result<pb::TransactionLine, Refusal> {
        let side = match text(&row.record, self.side).to_uppercase().as_str() {
            "D" | "DR" | "DEBIT" | "借" => pb::Side::Debit,
            "C" | "CR" | "CREDIT" | "贷" => pb::Side::Credit,
            _ => return Err(Refusal::of_row("side", "must be D or C, or 借 or 贷")),
        };
        self.line_on("account", self.account, side, row)
    }

    fn two_lines(&self, row: &Row) -> Result<[pb::TransactionLine; 2], Refusal> {
        Ok([
            self.line_on("debit_account", self.debit, pb::Side::Debit, row)?,
            self.line_on("credit_account", self.credit, pb::Side::Credit, row)?,
        ])
    }

    fn line_on(
        &self,
        column: &'static str,
        (account, former): AccountPlaces,
        side: pb::Side,
        row: &Row,
    ) -> Result<pb::TransactionLine, Refusal> {
        let amount =
            amount::plain(text(&row.record, Some(self.amount))).map_err(|why| Refusal::of_amount(&why))?;
        let currency = text(&row.record, Some(self.currency)).to_owned();
        Ok(pb::TransactionLine {
            account: account_name(column, text(&row.record, account), text(&row.record, former))?,
            side: side.into(),
            amount: Some(Money { currency, amount }),
            narrative: text(&row.record, self.line_narrative).to_owned(),
        })
    }
}

/// The name by which the service knows the account that two cells mean.
fn account_name(column: &'static str, account: &str, former: &str) -> Result<String, Refusal> {
    let is_digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    match (account, former) {
        ("", "") => Err(Refusal::of_row(column, "is required, or the number that the account had before")),
        ("", former) => Ok(format!("formerAccounts/{former}")),
        (_, former) if !former.is_empty() => {
            Err(Refusal::of_row(column, "is given twice, by its number and by the one it had before"))
        }
        (account, _) if is_digits(account) => Ok(format!("accounts/{account}")),
        (account, _) => match account.split_once('/') {
            Some((branch, code)) if is_digits(branch) && is_digits(code) => {
                Ok(format!("branches/{branch}/ledgerCodes/{code}"))
            }
            _ => Err(Refusal::of_row(
                column,
                "must be an account number, or branch and ledger code as 110100/100101; format the column as text, or a \
                 spreadsheet shortens long numbers",
            )),
        },
    }
}

#[cfg(test)]
mod tests {
    use csv::StringRecord;

    use super::*;
    use crate::import::arguments::only_file;

    fn rows(names: &str, rows: &[&str]) -> (Postings, Vec<Row>) {
        let record = |text: &str| StringRecord::from(text.split('|').collect::<Vec<_>>());
        let header = Header::of(&record(names), COLUMNS).unwrap();
        let rows = (2..).zip(rows).map(|(line, text)| Row { line, record: record(text) }).collect();
        (Postings::of(&header, &only_file("x.csv")).unwrap(), rows)
    }

    fn refused(names: &str, of: &[&str]) -> String {
        let (postings, rows) = rows(names, of);
        let refusal = postings.transaction(&rows).unwrap_err();
        format!("{} {}: {}", refusal.reason, refusal.field, refusal.message)
    }

    #[test]
    fn rows_of_one_transaction_make_its_lines() {
        let names = "交易号|会计日期|账号|原账号|借贷|币种|金额|摘要|分录摘要|凭证种类|凭证号";
        let (postings, rows) = rows(
            names,
            &["7|2020/01/06|110100/100101||借|CNY|1,000.00|期初|现金|SLIP|1", "7|||6222|贷|CNY|1000.00||||"],
        );
        let transaction = postings.transaction(&rows).unwrap();
        assert_eq!((transaction.code.as_str(), transaction.source.as_str()), ("MOVING_IN", "MOVING_IN"));
        assert_eq!(transaction.accounting_date, "2020-01-06");
        assert_eq!(transaction.narrative, "期初");
        assert_eq!(transaction.voucher.unwrap().number, "1");
        let [debit, credit] = transaction.lines.as_slice() else { panic!("two lines") };
        assert_eq!(
            (debit.account.as_str(), debit.side()),
            ("branches/110100/ledgerCodes/100101", pb::Side::Debit)
        );
        assert_eq!(debit.amount.as_ref().unwrap().amount, "1000.00");
        assert_eq!((debit.narrative.as_str(), credit.narrative.as_str()), ("现金", ""));
        assert_eq!((credit.account.as_str(), credit.side()), ("formerAccounts/6222", pb::Side::Credit));
    }

    #[test]
    fn a_row_may_be_a_whole_transaction() {
        let (postings, rows) = rows(
            "debit_account|credit_former_account|currency|amount|code",
            &["110100/100101|6222|USD|12.50|OPENING"],
        );
        assert_eq!(postings.transaction_of(&rows[0]), None);
        let transaction = postings.transaction(&rows).unwrap();
        assert_eq!(transaction.code, "OPENING");
        let accounts: Vec<&str> = transaction.lines.iter().map(|line| line.account.as_str()).collect();
        assert_eq!(accounts, ["branches/110100/ledgerCodes/100101", "formerAccounts/6222"]);
    }

    #[test]
    fn what_is_wrong_is_told_of_its_column() {
        let names = "transaction|value_date|account|former_account|side|currency|amount";
        for (rows, message) in [
            (&["1||1|| |CNY|1"][..], "FIELD_INVALID side: must be D or C, or 借 or 贷"),
            (&["||1||D|CNY|1"], "FIELD_INVALID transaction: is required"),
            (&["1|2026|1||D|CNY|1"], "FIELD_INVALID value_date: must be a date"),
            (&["1||1||D|CNY|1,23"], "AMOUNT_MALFORMED amount: can be read in two ways"),
            (&["1||||D|CNY|1"], "FIELD_INVALID account: is required"),
            (&["1||1|2|D|CNY|1"], "FIELD_INVALID account: is given twice"),
            (&["1||1.1E+18||D|CNY|1"], "FIELD_INVALID account: must be an account number"),
            (
                &["1|20260302|1||D|CNY|1", "1|20260303|2||C|CNY|1"],
                "FIELD_INVALID value_date: is another in line 3 than in line 2",
            ),
        ] {
            let refusal = refused(names, rows);
            assert!(refusal.starts_with(message), "{rows:?}: {refusal}");
        }
    }

    #[test]
    fn the_columns_of_one_form_must_be_there() {
        for names in [
            "transaction|account|amount|currency",
            "amount|currency|debit_account",
            "account|side|currency|amount",
        ] {
            let record = StringRecord::from(names.split('|').collect::<Vec<_>>());
            let header = Header::of(&record, COLUMNS).unwrap();
            assert!(Postings::of(&header, &only_file("x.csv")).is_err(), "{names}");
        }
    }
}

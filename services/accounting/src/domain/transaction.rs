//! Transactions as requested (交易), and postings as booked (记账流水).

use basedata::records::TransactionKind;
use chrono::{DateTime, NaiveDate, Utc};
use money::Currency;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    Digest,
    ids::{
        AccountId, AccountNumber, BranchCode, CurrencyCode, FormerNumber, HoldNumber, LedgerCodeNumber,
        OperatorCode, PostingNumber,
    },
    side::{NormalSide, Side},
};

/// Most lines of a transaction. Bounds a posting, and the time that the writer spends on it.
pub const LINES_MAX: usize = 100;

/// Which account a line means.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum AccountRef {
    /// By account number.
    Number(AccountNumber),
    /// The one internal account that a branch has on a code in the line's currency.
    OfBranch { branch: BranchCode, ledger_code: LedgerCodeNumber },
    /// By the number that it had before it was moved in.
    Former(FormerNumber),
}

/// One line of a transaction (分录行).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    pub account: AccountRef,
    pub side: Side,
    pub currency: CurrencyCode,
    pub amount: Decimal,
    /// Empty: the transaction's.
    pub narrative: String,
}

/// A voucher (凭证) behind a transaction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Voucher {
    pub kind: String,
    pub number: String,
}

/// A transaction to post (交易).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transaction {
    pub code: String,
    pub transaction_date: Option<NaiveDate>,
    pub accounting_date: Option<NaiveDate>,
    pub value_date: Option<NaiveDate>,
    pub source: String,
    pub narrative: String,
    pub voucher: Option<Voucher>,
    pub lines: Vec<Line>,
}

/// A posting (记账流水): a transaction as booked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Posting {
    pub number: PostingNumber,
    pub request_id: Uuid,
    pub digest: Digest,
    pub branch: BranchCode,
    pub code: String,
    pub kind: TransactionKind,
    pub transaction_date: NaiveDate,
    pub accounting_date: NaiveDate,
    pub value_date: NaiveDate,
    pub recorded_at: DateTime<Utc>,
    pub operator: OperatorCode,
    pub authoriser: Option<OperatorCode>,
    pub source: String,
    pub narrative: String,
    pub voucher: Option<Voucher>,
    /// The hold that it captured.
    pub hold: Option<HoldNumber>,
    pub traceparent: Option<String>,
    /// In the order of the lines; inter-branch entries last.
    pub entries: Vec<Entry>,
}

/// An entry (分录): one account's part in a posting, with the account's totals after it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    pub account_id: AccountId,
    pub account: AccountNumber,
    pub branch: BranchCode,
    pub ledger_code: LedgerCodeNumber,
    pub currency: Currency,
    pub normal_side: NormalSide,
    pub side: Side,
    pub amount: Decimal,
    pub narrative: String,
    /// Added by the service to balance a branch.
    pub inter_branch: bool,
    /// The account's 1st, 2nd, 3rd ... entry.
    pub n: i64,
    pub debit_total: Decimal,
    pub credit_total: Decimal,
    /// `None` on accounts of either side, which have no limit.
    pub available: Option<Decimal>,
}

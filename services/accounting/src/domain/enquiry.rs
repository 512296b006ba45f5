//! What enquiries search by, and what they read that no command changes as a whole.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use uuid::Uuid;

use super::{
    account::{Account, AccountKind},
    side::Side,
};

/// Which accounts a list shows; a field that is none excludes nothing.
#[derive(Debug, Default)]
pub struct AccountFilter<'a> {
    pub branch: Option<&'a str>,
    pub customer: Option<&'a str>,
    pub ledger_code: Option<&'a str>,
    pub currency: Option<&'a str>,
    pub kind: Option<AccountKind>,
    /// `pending`, `active`, `dormant`, `frozen` or `closed`.
    pub status: Option<&'a str>,
    pub title_prefix: Option<&'a str>,
}

/// Which postings a list shows; a field that is none excludes nothing.
#[derive(Debug, Default)]
pub struct PostingFilter<'a> {
    pub accounting_date: Option<NaiveDate>,
    pub branch: Option<&'a str>,
    pub operator: Option<&'a str>,
    pub code: Option<&'a str>,
    pub request_id: Option<Uuid>,
}

/// One version of an account, with who made it and why.
#[derive(Debug)]
pub struct AccountVersion {
    pub account: Account,
    pub operator: String,
    pub authoriser: Option<String>,
    pub reason: String,
    pub recorded_at: DateTime<Utc>,
}

/// One entry of an account, with the dates of its posting.
#[derive(Debug)]
pub struct AccountEntry {
    pub posting: i64,
    pub n: i64,
    pub accounting_date: NaiveDate,
    pub value_date: NaiveDate,
    pub side: Side,
    pub amount: Decimal,
    pub debit_total: Decimal,
    pub credit_total: Decimal,
    pub narrative: String,
    pub recorded_at: DateTime<Utc>,
}

//! Row structs and how they become domain values, shared by the queries.

use chrono::{DateTime, NaiveDate, Utc};
use money::Currency;
use rust_decimal::Decimal;
use serde_json::Value;
use sqlx::types::Json;
use uuid::Uuid;

use super::text::{digest, from_text, text_of};
use crate::domain::{
    account::{Account, Holder},
    hold::{Hold, HoldEvent},
    ids::{
        AccountId, AccountNumber, BranchCode, FormerNumber, HoldNumber, LedgerCodeNumber, OperatorCode,
        PostingNumber,
    },
    side::Side,
    status::{AccountStatus, Freeze},
    transaction::{Entry, Posting, Voucher},
};

fn undecodable(what: impl Into<String>) -> sqlx::Error {
    sqlx::Error::Decode(what.into().into())
}

/// A currency as two columns hold it.
pub fn currency(code: &str, exponent: i16) -> Result<Currency, sqlx::Error> {
    let exponent = u8::try_from(exponent).map_err(|error| sqlx::Error::Decode(error.into()))?;
    Currency::new(code, exponent).map_err(|error| sqlx::Error::Decode(error.into()))
}

/// A row of `account`.
#[derive(Debug)]
pub struct AccountRow {
    pub id: i64,
    pub number: String,
    pub branch: String,
    pub ledger_code: String,
    pub currency: String,
    pub exponent: i16,
    pub kind: String,
    pub title: String,
    pub holders: Json<Vec<Holder>>,
    pub status: String,
    pub freeze_kind: Option<String>,
    pub frozen_amount: Option<Decimal>,
    pub unfrozen_status: Option<String>,
    pub overdraft_limit: Decimal,
    pub normal_side: String,
    pub off_balance: bool,
    pub open_date: NaiveDate,
    pub close_date: Option<NaiveDate>,
    pub version: i32,
    pub former_number: Option<String>,
}

impl AccountRow {
    pub fn into_account(self) -> Result<Account, sqlx::Error> {
        let status = self.status()?;
        Ok(Account {
            id: AccountId(self.id),
            number: AccountNumber::new(self.number),
            branch: BranchCode::new(self.branch),
            ledger_code: LedgerCodeNumber::new(self.ledger_code),
            currency: currency(&self.currency, self.exponent)?,
            kind: from_text(&self.kind)?,
            title: self.title,
            holders: self.holders.0,
            status,
            overdraft_limit: self.overdraft_limit,
            normal_side: from_text(&self.normal_side)?,
            off_balance: self.off_balance,
            open_date: self.open_date,
            version: self.version,
            former_number: self.former_number.map(FormerNumber::new),
        })
    }

    fn status(&self) -> Result<AccountStatus, sqlx::Error> {
        Ok(
            match (
                self.status.as_str(),
                self.close_date,
                self.freeze_kind.as_deref(),
                self.unfrozen_status.as_deref(),
            ) {
                ("pending", ..) => AccountStatus::Pending,
                ("active", ..) => AccountStatus::Active,
                ("dormant", ..) => AccountStatus::Dormant,
                ("closed", Some(on), ..) => AccountStatus::Closed { on },
                ("frozen", _, Some(freeze), Some(from)) => {
                    AccountStatus::Frozen { freeze: self.freeze(freeze)?, from: from_text(from)? }
                }
                _ => return Err(undecodable(format!("account {} has an impossible status", self.number))),
            },
        )
    }

    fn freeze(&self, kind: &str) -> Result<Freeze, sqlx::Error> {
        match (kind, self.frozen_amount) {
            ("debit", None) => Ok(Freeze::Debit),
            ("full", None) => Ok(Freeze::Full),
            ("amount", Some(amount)) => Ok(Freeze::Amount(amount)),
            _ => Err(undecodable(format!("account {} has an impossible freeze", self.number))),
        }
    }
}

/// The columns of `account`, for arrays.
#[derive(Default)]
pub struct AccountColumns {
    pub id: Vec<i64>,
    pub number: Vec<String>,
    pub branch: Vec<String>,
    pub ledger_code: Vec<String>,
    pub currency: Vec<String>,
    pub exponent: Vec<i16>,
    pub kind: Vec<String>,
    pub title: Vec<String>,
    pub holders: Vec<Value>,
    pub status: Vec<String>,
    pub freeze_kind: Vec<Option<String>>,
    pub frozen_amount: Vec<Option<Decimal>>,
    pub unfrozen_status: Vec<Option<String>>,
    pub overdraft_limit: Vec<Decimal>,
    pub normal_side: Vec<String>,
    pub off_balance: Vec<bool>,
    pub open_date: Vec<NaiveDate>,
    pub close_date: Vec<Option<NaiveDate>>,
    pub version: Vec<i32>,
    pub former_number: Vec<Option<String>>,
}

impl AccountColumns {
    pub fn of<'a>(accounts: impl Iterator<Item = &'a Account>) -> Result<Self, sqlx::Error> {
        let mut columns = Self::default();
        for account in accounts {
            columns.push(account)?;
        }
        Ok(columns)
    }

    fn push(&mut self, account: &Account) -> Result<(), sqlx::Error> {
        self.id.push(account.id.0);
        self.number.push(account.number.to_string());
        self.branch.push(account.branch.to_string());
        self.ledger_code.push(account.ledger_code.to_string());
        self.currency.push(account.currency.code().to_owned());
        self.exponent.push(account.currency.exponent().into());
        self.kind.push(text_of(&account.kind));
        self.title.push(account.title.clone());
        self.holders
            .push(serde_json::to_value(&account.holders).map_err(|error| sqlx::Error::Encode(error.into()))?);
        self.overdraft_limit.push(account.overdraft_limit);
        self.normal_side.push(text_of(&account.normal_side));
        self.off_balance.push(account.off_balance);
        self.open_date.push(account.open_date);
        self.version.push(account.version);
        self.former_number.push(account.former_number.as_ref().map(ToString::to_string));
        self.push_status(&account.status);
        Ok(())
    }

    fn push_status(&mut self, status: &AccountStatus) {
        let (status, freeze, frozen_amount, from, close_date) = match status {
            AccountStatus::Pending => ("pending", None, None, None, None),
            AccountStatus::Active => ("active", None, None, None, None),
            AccountStatus::Dormant => ("dormant", None, None, None, None),
            AccountStatus::Closed { on } => ("closed", None, None, None, Some(*on)),
            AccountStatus::Frozen { freeze, from } => {
                let (freeze, amount) = match freeze {
                    Freeze::Debit => ("debit", None),
                    Freeze::Full => ("full", None),
                    Freeze::Amount(amount) => ("amount", Some(*amount)),
                };
                ("frozen", Some(freeze.to_owned()), amount, Some(text_of(from)), None)
            }
        };
        self.status.push(status.to_owned());
        self.freeze_kind.push(freeze);
        self.frozen_amount.push(frozen_amount);
        self.unfrozen_status.push(from);
        self.close_date.push(close_date);
    }
}

/// A row of `posting`.
#[derive(Debug)]
pub struct PostingRow {
    pub number: i64,
    pub accounting_date: NaiveDate,
    pub request_id: Uuid,
    pub digest: Vec<u8>,
    pub branch: String,
    pub code: String,
    pub kind: String,
    pub transaction_date: NaiveDate,
    pub value_date: NaiveDate,
    pub recorded_at: DateTime<Utc>,
    pub operator: String,
    pub authoriser: Option<String>,
    pub source: String,
    pub narrative: String,
    pub voucher_kind: Option<String>,
    pub voucher_number: Option<String>,
    pub hold: Option<i64>,
    pub traceparent: Option<String>,
}

impl PostingRow {
    pub fn into_posting(self, entries: Vec<Entry>) -> Result<Posting, sqlx::Error> {
        Ok(Posting {
            number: PostingNumber(self.number),
            request_id: self.request_id,
            digest: digest(&self.digest)?,
            branch: BranchCode::new(self.branch),
            code: self.code,
            kind: from_text(&self.kind)?,
            transaction_date: self.transaction_date,
            accounting_date: self.accounting_date,
            value_date: self.value_date,
            recorded_at: self.recorded_at,
            operator: OperatorCode::new(self.operator),
            authoriser: self.authoriser.map(OperatorCode::new),
            source: self.source,
            narrative: self.narrative,
            voucher: self
                .voucher_kind
                .zip(self.voucher_number)
                .map(|(kind, number)| Voucher { kind, number }),
            hold: self.hold.map(HoldNumber),
            traceparent: self.traceparent,
            entries,
        })
    }
}

/// A row of `entry` with its account's own columns.
#[derive(Debug)]
pub struct EntryRow {
    pub posting: i64,
    pub account_id: i64,
    pub account: String,
    pub branch: String,
    pub ledger_code: String,
    pub currency: String,
    pub exponent: i16,
    pub normal_side: String,
    pub debit: bool,
    pub amount: Decimal,
    pub narrative: String,
    pub inter_branch: bool,
    pub n: i64,
    pub debit_total: Decimal,
    pub credit_total: Decimal,
    pub available: Option<Decimal>,
}

impl EntryRow {
    pub fn into_entry(self) -> Result<Entry, sqlx::Error> {
        Ok(Entry {
            account_id: AccountId(self.account_id),
            account: AccountNumber::new(self.account),
            branch: BranchCode::new(self.branch),
            ledger_code: LedgerCodeNumber::new(self.ledger_code),
            currency: currency(&self.currency, self.exponent)?,
            normal_side: from_text(&self.normal_side)?,
            side: side(self.debit),
            amount: self.amount,
            narrative: self.narrative,
            inter_branch: self.inter_branch,
            n: self.n,
            debit_total: self.debit_total,
            credit_total: self.credit_total,
            available: self.available,
        })
    }
}

/// The side that a boolean column means.
pub fn side(debit: bool) -> Side {
    if debit { Side::Debit } else { Side::Credit }
}

/// A row of `hold_event` with its account's own columns.
#[derive(Debug)]
pub struct HoldEventRow {
    pub number: i64,
    pub hold: i64,
    pub version: i32,
    pub account_id: i64,
    pub account: String,
    pub currency: String,
    pub exponent: i16,
    pub state: String,
    pub amount: Decimal,
    pub captured: Decimal,
    pub remaining: Decimal,
    pub purpose: String,
    pub reference: String,
    pub branch: String,
    pub placed_by: String,
    pub placed_at: DateTime<Utc>,
    pub expires_at: DateTime<Utc>,
    pub request_id: Uuid,
    pub digest: Vec<u8>,
    pub operator: String,
    pub posting: Option<i64>,
    pub recorded_at: DateTime<Utc>,
    pub traceparent: Option<String>,
}

impl HoldEventRow {
    pub fn into_event(self) -> Result<HoldEvent, sqlx::Error> {
        let hold = Hold {
            number: HoldNumber(self.hold),
            account_id: AccountId(self.account_id),
            account: AccountNumber::new(self.account),
            currency: currency(&self.currency, self.exponent)?,
            state: from_text(&self.state)?,
            amount: self.amount,
            captured: self.captured,
            remaining: self.remaining,
            purpose: self.purpose,
            reference: self.reference,
            branch: BranchCode::new(self.branch),
            operator: OperatorCode::new(self.placed_by),
            placed_at: self.placed_at,
            expires_at: self.expires_at,
            version: self.version,
        };
        Ok(HoldEvent {
            number: self.number,
            hold,
            request_id: self.request_id,
            digest: digest(&self.digest)?,
            operator: OperatorCode::new(self.operator),
            posting: self.posting.map(PostingNumber),
            recorded_at: self.recorded_at,
            traceparent: self.traceparent,
        })
    }
}

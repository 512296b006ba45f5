//! The canonical form of what the chain is made over: each value in a fixed form, each text and list with its length before
//! it, so that no two journals have the same bytes. It never changes; another form needs another context.

use chrono::{DateTime, Datelike, NaiveDate, Utc};
use rust_decimal::Decimal;

use crate::domain::{
    Digest,
    base::TransactionKind,
    hold::{HoldEvent, HoldState},
    ids::OperatorCode,
    side::{NormalSide, Side},
    transaction::{Entry, Posting},
};

/// Bytes that are hashed at once: enough to be hashed fast, and no more than stays in a processor's cache.
const HASHED_AT_ONCE: usize = 32 * 1024;

pub(super) struct Encoding {
    hasher: blake3::Hasher,
    bytes: Vec<u8>,
}

impl Encoding {
    pub fn new(context: &str) -> Self {
        let bytes = Vec::with_capacity(2 * HASHED_AT_ONCE);
        Self { hasher: blake3::Hasher::new_derive_key(context), bytes }
    }

    /// The hash of everything that was encoded.
    pub fn hash(mut self) -> Digest {
        Digest(self.hasher.update(&self.bytes).finalize().into())
    }

    fn hash_when_full(&mut self) {
        if self.bytes.len() >= HASHED_AT_ONCE {
            self.hasher.update(&self.bytes);
            self.bytes.clear();
        }
    }

    pub fn number(&mut self, number: i64) {
        self.bytes.extend_from_slice(&number.to_le_bytes());
    }

    pub fn digest(&mut self, digest: &Digest) {
        self.bytes.extend_from_slice(&digest.0);
    }

    pub fn length(&mut self, length: usize) {
        let length =
            u64::try_from(length).expect("invariant: what is in memory has a length of 64 bits at most");
        self.bytes.extend_from_slice(&length.to_le_bytes());
    }

    /// To the microsecond, which is what Postgres keeps.
    pub fn time(&mut self, time: DateTime<Utc>) {
        self.number(time.timestamp_micros());
    }

    pub fn posting(&mut self, posting: &Posting) {
        self.number(posting.number.0);
        self.bytes.extend_from_slice(posting.request_id.as_bytes());
        self.digest(&posting.digest);
        self.text(posting.branch.as_str());
        self.text(&posting.code);
        self.choice(match posting.kind {
            TransactionKind::Cash => 1,
            TransactionKind::Transfer => 2,
            TransactionKind::Internal => 3,
        });
        self.date(posting.transaction_date);
        self.date(posting.accounting_date);
        self.date(posting.value_date);
        self.time(posting.recorded_at);
        self.text(posting.operator.as_str());
        self.optional_text(posting.authoriser.as_ref().map(OperatorCode::as_str));
        self.text(&posting.source);
        self.text(&posting.narrative);
        self.optional_text(posting.voucher.as_ref().map(|voucher| voucher.kind.as_str()));
        self.optional_text(posting.voucher.as_ref().map(|voucher| voucher.number.as_str()));
        self.optional_number(posting.hold.map(|hold| hold.0));
        self.optional_text(posting.traceparent.as_deref());
        self.length(posting.entries.len());
        posting.entries.iter().for_each(|entry| self.entry(entry));
        self.hash_when_full();
    }

    /// An entry, and of its account what never changes.
    fn entry(&mut self, entry: &Entry) {
        self.number(entry.account_id.0);
        self.text(entry.account.as_str());
        self.text(entry.branch.as_str());
        self.text(entry.ledger_code.as_str());
        self.text(entry.currency.code());
        self.choice(entry.currency.exponent());
        self.choice(match entry.normal_side {
            NormalSide::Debit => 1,
            NormalSide::Credit => 2,
            NormalSide::Either => 3,
        });
        self.choice(match entry.side {
            Side::Debit => 1,
            Side::Credit => 2,
        });
        self.decimal(entry.amount);
        self.text(&entry.narrative);
        self.choice(entry.inter_branch.into());
        self.number(entry.n);
        self.decimal(entry.debit_total);
        self.decimal(entry.credit_total);
        self.choice(entry.available.is_some().into());
        self.decimal(entry.available.unwrap_or_default());
    }

    pub fn hold_event(&mut self, event: &HoldEvent) {
        let hold = &event.hold;
        self.number(event.number);
        self.number(hold.number.0);
        self.number(hold.version.into());
        self.number(hold.account_id.0);
        self.text(hold.account.as_str());
        self.text(hold.currency.code());
        self.choice(hold.currency.exponent());
        self.choice(match hold.state {
            HoldState::Open => 1,
            HoldState::Captured => 2,
            HoldState::Released => 3,
            HoldState::Expired => 4,
        });
        self.decimal(hold.amount);
        self.decimal(hold.captured);
        self.decimal(hold.remaining);
        self.text(&hold.purpose);
        self.text(&hold.reference);
        self.text(hold.branch.as_str());
        self.text(hold.operator.as_str());
        self.time(hold.placed_at);
        self.time(hold.expires_at);
        self.bytes.extend_from_slice(event.request_id.as_bytes());
        self.digest(&event.digest);
        self.text(event.operator.as_str());
        self.optional_number(event.posting.map(|posting| posting.0));
        self.time(event.recorded_at);
        self.optional_text(event.traceparent.as_deref());
        self.hash_when_full();
    }

    fn text(&mut self, text: &str) {
        self.length(text.len());
        self.bytes.extend_from_slice(text.as_bytes());
    }

    fn optional_text(&mut self, text: Option<&str>) {
        self.choice(text.is_some().into());
        self.text(text.unwrap_or_default());
    }

    fn optional_number(&mut self, number: Option<i64>) {
        self.choice(number.is_some().into());
        self.number(number.unwrap_or_default());
    }

    fn choice(&mut self, choice: u8) {
        self.bytes.push(choice);
    }

    fn date(&mut self, date: NaiveDate) {
        self.bytes.extend_from_slice(&date.num_days_from_ce().to_le_bytes());
    }

    /// Without zeros at the end, so that a database may keep them or not.
    fn decimal(&mut self, decimal: Decimal) {
        let decimal = decimal.normalize();
        self.bytes.extend_from_slice(&decimal.mantissa().to_le_bytes());
        self.bytes.extend_from_slice(&decimal.scale().to_le_bytes());
    }
}

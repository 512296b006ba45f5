//! The append: one statement that writes everything of a batch that the journal holds, and is its own transaction unless
//! something else must be written with it.

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use sqlx::PgConnection;
use uuid::Uuid;

use super::text::{digest, text_of};
use crate::domain::{
    Digest,
    book::BatchRow,
    command::Records,
    hold::HoldEvent,
    side::Side,
    transaction::{Entry, Posting},
};

/// The constraint that stops a writer that has lost the lead.
pub const FENCE: &str = "batch_pkey";

/// The channel on which an append is announced by NOTIFY.
pub const CHANNEL: &str = "accounting_journal";

/// Appends a batch to the journal.
#[expect(clippy::as_conversions, reason = "how sqlx learns the type of a parameter; nothing is converted")]
pub async fn append(conn: &mut PgConnection, batch: &BatchRow, records: &Records) -> Result<(), sqlx::Error> {
    let Columns { postings, entries, holds } = Columns::of(records);
    sqlx::query_file!(
        "src/store/append.sql",
        batch.number.0,
        batch.first_posting,
        batch.last_posting,
        batch.first_hold_event,
        batch.last_hold_event,
        &batch.previous.0[..],
        &batch.hash.0[..],
        batch.recorded_at,
        &postings.number,
        &postings.accounting_date,
        &postings.request_id,
        &postings.digest,
        &postings.branch,
        &postings.code,
        &postings.kind,
        &postings.transaction_date,
        &postings.value_date,
        &postings.operator,
        &postings.authoriser as &[Option<String>],
        &postings.source,
        &postings.narrative,
        &postings.voucher_kind as &[Option<String>],
        &postings.voucher_number as &[Option<String>],
        &postings.hold as &[Option<i64>],
        &postings.traceparent as &[Option<String>],
        &entries.account_id,
        &entries.n,
        &entries.accounting_date,
        &entries.posting,
        &entries.line,
        &entries.debit,
        &entries.amount,
        &entries.debit_total,
        &entries.credit_total,
        &entries.available as &[Option<Decimal>],
        &entries.narrative,
        &entries.inter_branch,
        &holds.number,
        &holds.hold,
        &holds.version,
        &holds.account_id,
        &holds.state,
        &holds.amount,
        &holds.captured,
        &holds.remaining,
        &holds.purpose,
        &holds.reference,
        &holds.branch,
        &holds.placed_by,
        &holds.placed_at,
        &holds.expires_at,
        &holds.request_id,
        &holds.digest,
        &holds.operator,
        &holds.posting as &[Option<i64>],
        &holds.traceparent as &[Option<String>],
    )
    .fetch_one(conn)
    .await?;
    Ok(())
}

/// The hash under which a batch number stands in the journal, to settle an append whose outcome is unknown.
pub async fn hash_of(conn: &mut PgConnection, number: i64) -> Result<Option<Digest>, sqlx::Error> {
    let hash =
        sqlx::query_scalar!("SELECT hash FROM batch WHERE number = $1", number).fetch_optional(conn).await?;
    hash.as_deref().map(digest).transpose()
}

/// What a batch records in the journal, by columns.
struct Columns {
    postings: PostingColumns,
    entries: EntryColumns,
    holds: HoldEventColumns,
}

impl Columns {
    fn of(records: &Records) -> Self {
        let (mut postings, mut entries) = (PostingColumns::default(), EntryColumns::default());
        for posting in &records.postings {
            postings.push(posting);
            for (line, entry) in (0..).zip(&posting.entries) {
                entries.push(posting, line, entry);
            }
        }
        let mut holds = HoldEventColumns::default();
        records.hold_events.iter().for_each(|event| holds.push(event));
        Self { postings, entries, holds }
    }
}

#[derive(Default)]
struct PostingColumns {
    number: Vec<i64>,
    accounting_date: Vec<NaiveDate>,
    request_id: Vec<Uuid>,
    digest: Vec<Vec<u8>>,
    branch: Vec<String>,
    code: Vec<String>,
    kind: Vec<String>,
    transaction_date: Vec<NaiveDate>,
    value_date: Vec<NaiveDate>,
    operator: Vec<String>,
    authoriser: Vec<Option<String>>,
    source: Vec<String>,
    narrative: Vec<String>,
    voucher_kind: Vec<Option<String>>,
    voucher_number: Vec<Option<String>>,
    hold: Vec<Option<i64>>,
    traceparent: Vec<Option<String>>,
}

impl PostingColumns {
    fn push(&mut self, posting: &Posting) {
        self.number.push(posting.number.0);
        self.accounting_date.push(posting.accounting_date);
        self.request_id.push(posting.request_id);
        self.digest.push(posting.digest.0.to_vec());
        self.branch.push(posting.branch.to_string());
        self.code.push(posting.code.clone());
        self.kind.push(text_of(&posting.kind));
        self.transaction_date.push(posting.transaction_date);
        self.value_date.push(posting.value_date);
        self.operator.push(posting.operator.to_string());
        self.authoriser.push(posting.authoriser.as_ref().map(ToString::to_string));
        self.source.push(posting.source.clone());
        self.narrative.push(posting.narrative.clone());
        self.voucher_kind.push(posting.voucher.as_ref().map(|voucher| voucher.kind.clone()));
        self.voucher_number.push(posting.voucher.as_ref().map(|voucher| voucher.number.clone()));
        self.hold.push(posting.hold.map(|hold| hold.0));
        self.traceparent.push(posting.traceparent.clone());
    }
}

#[derive(Default)]
struct EntryColumns {
    account_id: Vec<i64>,
    n: Vec<i64>,
    accounting_date: Vec<NaiveDate>,
    posting: Vec<i64>,
    line: Vec<i32>,
    debit: Vec<bool>,
    amount: Vec<Decimal>,
    debit_total: Vec<Decimal>,
    credit_total: Vec<Decimal>,
    available: Vec<Option<Decimal>>,
    narrative: Vec<String>,
    inter_branch: Vec<bool>,
}

impl EntryColumns {
    fn push(&mut self, posting: &Posting, line: i32, entry: &Entry) {
        self.account_id.push(entry.account_id.0);
        self.n.push(entry.n);
        self.accounting_date.push(posting.accounting_date);
        self.posting.push(posting.number.0);
        self.line.push(line);
        self.debit.push(entry.side == Side::Debit);
        self.amount.push(entry.amount);
        self.debit_total.push(entry.debit_total);
        self.credit_total.push(entry.credit_total);
        self.available.push(entry.available);
        self.narrative.push(entry.narrative.clone());
        self.inter_branch.push(entry.inter_branch);
    }
}

#[derive(Default)]
struct HoldEventColumns {
    number: Vec<i64>,
    hold: Vec<i64>,
    version: Vec<i32>,
    account_id: Vec<i64>,
    state: Vec<String>,
    amount: Vec<Decimal>,
    captured: Vec<Decimal>,
    remaining: Vec<Decimal>,
    purpose: Vec<String>,
    reference: Vec<String>,
    branch: Vec<String>,
    placed_by: Vec<String>,
    placed_at: Vec<DateTime<Utc>>,
    expires_at: Vec<DateTime<Utc>>,
    request_id: Vec<Uuid>,
    digest: Vec<Vec<u8>>,
    operator: Vec<String>,
    posting: Vec<Option<i64>>,
    traceparent: Vec<Option<String>>,
}

impl HoldEventColumns {
    fn push(&mut self, event: &HoldEvent) {
        let hold = &event.hold;
        self.number.push(event.number);
        self.hold.push(hold.number.0);
        self.version.push(hold.version);
        self.account_id.push(hold.account_id.0);
        self.state.push(text_of(&hold.state));
        self.amount.push(hold.amount);
        self.captured.push(hold.captured);
        self.remaining.push(hold.remaining);
        self.purpose.push(hold.purpose.clone());
        self.reference.push(hold.reference.clone());
        self.branch.push(hold.branch.to_string());
        self.placed_by.push(hold.operator.to_string());
        self.placed_at.push(hold.placed_at);
        self.expires_at.push(hold.expires_at);
        self.request_id.push(event.request_id);
        self.digest.push(event.digest.0.to_vec());
        self.operator.push(event.operator.to_string());
        self.posting.push(event.posting.map(|posting| posting.0));
        self.traceparent.push(event.traceparent.clone());
    }
}

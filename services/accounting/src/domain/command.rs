//! Commands to the book, their answers, and what is to be recorded. Commands come in through one queue; decisions
//! go out through one append.

use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    Digest,
    account::{Account, AccountKind, Holder},
    base::{BaseChange, BaseVersion},
    hold::{Hold, HoldEvent},
    ids::{
        AccountNumber, BranchCode, CurrencyCode, FormerNumber, HoldNumber, LedgerCodeNumber, OperatorCode,
        PostingNumber, SuspenseNumber,
    },
    recorded::Recorded,
    refusal::Refusal,
    status::Freeze,
    suspense::{ReceivedFact, SuspenseRecord},
    template::GivenField,
    transaction::{Posting, Transaction, Voucher},
};

/// Who sends a command, from where, and as which request.
#[derive(Clone, Debug)]
pub struct Origin {
    pub request_id: Uuid,
    /// Of the whole request, to distinguish a repeat from another request with the same id.
    pub digest: Digest,
    /// The branch acted in (交易机构).
    pub branch: BranchCode,
    pub operator: OperatorCode,
    pub authoriser: Option<OperatorCode>,
    /// Decide as if a second person had agreed: for the preview that this person will read. Only with `dry_run`.
    pub assume_authorised: bool,
    /// Decide and answer, and record nothing.
    pub dry_run: bool,
    pub traceparent: Option<String>,
}

/// A command: one request to the book.
#[derive(Clone, Debug)]
pub struct Command {
    pub origin: Origin,
    pub action: Action,
}

/// What is to be done.
#[derive(Clone, Debug)]
pub enum Action {
    Post(Transaction),
    PostBatch {
        mode: BatchMode,
        transactions: Vec<Transaction>,
    },
    PostBusiness(Business),
    /// Books a fact of another service, or opens an item for it.
    BookFact(Box<ReceivedFact>),
    PlaceHold {
        account: AccountNumber,
        currency: CurrencyCode,
        amount: Decimal,
        expires_at: DateTime<Utc>,
        purpose: String,
        reference: String,
    },
    CaptureHold {
        hold: HoldNumber,
        transaction: Transaction,
        keep_rest: bool,
    },
    ReleaseHold {
        hold: HoldNumber,
    },
    /// Records that these holds have lapsed; those that have not, or are no longer open, are skipped.
    ExpireHolds {
        holds: Vec<HoldNumber>,
    },
    OpenAccount(OpenAccount),
    ChangeAccount {
        account: AccountNumber,
        change: AccountChange,
        reason: String,
    },
    ChangeBaseData {
        records: Vec<BaseVersion>,
        reason: String,
    },
    OpenBusinessDay {
        date: NaiveDate,
    },
    /// Accounts to move in; those that are not well formed with what is wrong with them.
    ImportAccounts {
        accounts: Vec<Result<AccountToImport, Refusal>>,
    },
    /// Transactions to move in; those that are not well formed with what is wrong with them.
    ImportPostings {
        transactions: Vec<Result<Transaction, Refusal>>,
    },
}

/// A business transaction (业务交易): the template of its code turns it into lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Business {
    pub code: String,
    pub fields: Vec<GivenField>,
    pub transaction_date: Option<NaiveDate>,
    pub accounting_date: Option<NaiveDate>,
    pub value_date: Option<NaiveDate>,
    pub source: String,
    /// Empty: the template's.
    pub narrative: String,
    pub voucher: Option<Voucher>,
}

/// How a batch is posted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BatchMode {
    /// All or none.
    Atomic,
    /// Each by itself, in order.
    ItemByItem,
}

/// An account to open (开户).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OpenAccount {
    pub kind: AccountKind,
    pub ledger_code: LedgerCodeNumber,
    pub currency: CurrencyCode,
    pub title: String,
    pub holders: Vec<Holder>,
    pub overdraft_limit: Decimal,
    pub pending: bool,
}

/// An account to move in (数据迁移).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AccountToImport {
    /// The branch that keeps it.
    pub branch: BranchCode,
    pub terms: OpenAccount,
    pub former_number: Option<FormerNumber>,
    /// `None` for the business date.
    pub open_date: Option<NaiveDate>,
}

/// What changes on an account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AccountChange {
    /// 账户变更. `None` and no holders: as they are.
    Terms {
        title: Option<String>,
        holders: Vec<Holder>,
        overdraft_limit: Option<(CurrencyCode, Decimal)>,
        if_version: Option<i32>,
    },
    /// 激活.
    Activate,
    /// 转不动户.
    MarkDormant,
    /// 冻结; the currency when an amount is frozen.
    Freeze { freeze: Freeze, currency: Option<CurrencyCode> },
    /// 解冻.
    Unfreeze,
    /// 销户.
    Close,
}

/// A business day (营业日).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BusinessDay {
    pub date: NaiveDate,
    pub opened_at: DateTime<Utc>,
    pub opened_by: OperatorCode,
}

/// The answer to a command.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    Posted(Arc<Posting>),
    /// Nothing of the fact could be booked: an item is open.
    Suspended(SuspenseNumber),
    /// One verdict for each transaction of a batch, in order.
    Batch(Vec<Result<Arc<Posting>, Refusal>>),
    Hold(Hold),
    Captured {
        posting: Arc<Posting>,
        hold: Hold,
    },
    /// Holds that were recorded as lapsed.
    Expired(usize),
    Account {
        before: Option<Account>,
        account: Account,
    },
    BaseData(Vec<BaseChange>),
    BusinessDay(BusinessDay),
    /// One verdict for each account to move in, in order. One that was only checked has an empty number.
    AccountsImported(Vec<Result<AccountNumber, Refusal>>),
    /// One verdict for each transaction to move in, in order. One that was only checked has number zero.
    PostingsImported(Vec<Result<PostingNumber, Refusal>>),
}

/// An account as it is after a change, with what the history keeps of it.
#[derive(Clone, Debug, PartialEq)]
pub struct AccountVersion {
    pub account: Account,
    pub reason: String,
    pub origin: Recorded,
}

/// A base record as it is after a change, with what the history keeps of it.
#[derive(Clone, Debug, PartialEq)]
pub struct BaseRecordVersion {
    pub version: BaseVersion,
    /// The versions of the record in force on the business date, and those to come, this one among them.
    pub standing: Vec<BaseVersion>,
    pub reason: String,
    pub origin: Recorded,
}

/// An answer that the journal does not hold already, kept for repeats of its request. (The answers to postings and holds
/// are in the journal.)
#[derive(Clone, Debug, PartialEq)]
pub struct KeptAnswer {
    pub request_id: Uuid,
    pub digest: Digest,
    pub answer: Kept,
}

/// The kinds of answer that are kept.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(clippy::large_enum_variant, reason = "made once for each account command, and written down at once")]
pub enum Kept {
    Account {
        before: Option<Account>,
        account: Account,
    },
    BaseData(Vec<BaseChange>),
    BusinessDay(BusinessDay),
    /// Of a batch of which an item was refused. (The journal answers for a batch that was posted whole.)
    Batch(Vec<Result<PostingNumber, Refusal>>),
    AccountsImported(Vec<Result<AccountNumber, Refusal>>),
    /// Kept for every import: the journal is searched only by the accounting dates of the last days, and what is moved in may
    /// be older.
    PostingsImported(Vec<Result<PostingNumber, Refusal>>),
    Suspended(SuspenseNumber),
}

/// The answer to an earlier request, as the load step found it.
#[derive(Clone, Debug)]
pub struct Earlier {
    pub digest: Digest,
    pub answer: Answer,
}

/// What is to be recorded: everything that the commands of one append decided.
#[derive(Clone, Debug, Default)]
pub struct Records {
    pub postings: Vec<Arc<Posting>>,
    pub hold_events: Vec<HoldEvent>,
    pub accounts: Vec<AccountVersion>,
    pub base_records: Vec<BaseRecordVersion>,
    pub business_days: Vec<(BusinessDay, Recorded)>,
    pub answers: Vec<KeptAnswer>,
    pub suspense_items: Vec<SuspenseRecord>,
}

impl Records {
    /// Whether nothing was recorded.
    pub fn is_empty(&self) -> bool {
        let Self { postings, hold_events, accounts, base_records, business_days, answers, suspense_items } =
            self;
        postings.is_empty()
            && hold_events.is_empty()
            && accounts.is_empty()
            && base_records.is_empty()
            && business_days.is_empty()
            && answers.is_empty()
            && suspense_items.is_empty()
    }
}

/// The outcome of a command.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// Done now; what it recorded has been added to the records.
    Done(Answer),
    /// Done before, under the same request id and with the same content.
    Repeated(Answer),
    Refused(Refusal),
}

impl Command {
    /// Whether the journal itself is the record of the command, so that no other says what was done.
    pub fn is_in_journal(&self) -> bool {
        match &self.action {
            Action::Post(_)
            | Action::PostBatch { .. }
            | Action::PostBusiness(_)
            | Action::BookFact(_)
            | Action::PlaceHold { .. }
            | Action::CaptureHold { .. }
            | Action::ReleaseHold { .. }
            | Action::ExpireHolds { .. }
            | Action::ImportPostings { .. } => true,
            Action::OpenAccount(_)
            | Action::ChangeAccount { .. }
            | Action::ChangeBaseData { .. }
            | Action::OpenBusinessDay { .. }
            | Action::ImportAccounts { .. } => false,
        }
    }

    /// What the command is about, as the audit names it.
    pub fn resource(&self) -> String {
        match &self.action {
            Action::Post(_)
            | Action::PostBatch { .. }
            | Action::PostBusiness(_)
            | Action::ImportPostings { .. } => "postings".to_owned(),
            Action::ImportAccounts { .. } => "accounts".to_owned(),
            Action::BookFact(fact) => format!("facts/{}", fact.identity.id),
            Action::PlaceHold { account, .. } | Action::ChangeAccount { account, .. } => {
                format!("accounts/{account}")
            }
            Action::CaptureHold { hold, .. } | Action::ReleaseHold { hold } => format!("holds/{hold}"),
            Action::ExpireHolds { .. } => "holds".to_owned(),
            Action::OpenAccount(open) => {
                format!("branches/{}/ledgerCodes/{}", self.origin.branch, open.ledger_code)
            }
            Action::ChangeBaseData { .. } => "baseRecords".to_owned(),
            Action::OpenBusinessDay { date } => format!("businessDays/{date}"),
        }
    }
}

impl Origin {
    /// Whether a second person has agreed, or is to be taken as having agreed.
    pub fn is_seconded(&self) -> bool {
        self.authoriser.is_some() || (self.assume_authorised && self.dry_run)
    }

    /// Whether the request is remembered, so that a repeat gets its answer.
    pub fn is_remembered(&self) -> bool {
        !self.dry_run && !self.request_id.is_nil()
    }

    /// What the history keeps of it.
    pub fn recorded(&self, at: DateTime<Utc>) -> Recorded {
        Recorded {
            request_id: self.request_id,
            operator: self.operator.clone(),
            authoriser: self.authoriser.clone(),
            at,
            traceparent: self.traceparent.clone(),
        }
    }
}

/// How much of a UUID of version 7 is its time.
const UUID_TIME_BYTES: usize = 6;

/// The request id of a batch's item. The first has the batch's own, so that no other request takes it meanwhile; the others
/// have one made from it and their place. It begins as the batch's does, where a UUID of version 7 has its time: what is
/// written together then stands together in the index.
pub fn item_request_id(batch: Uuid, item: usize) -> Uuid {
    if item == 0 {
        return batch;
    }
    let mut hasher =
        blake3::Hasher::new_derive_key("countinghouse.accounting.v1 request id of a batch's item");
    hasher.update(batch.as_bytes()).update(item.to_string().as_bytes());
    let mut bytes = *batch.as_bytes();
    hasher.finalize_xof().fill(&mut bytes[UUID_TIME_BYTES..]);
    Uuid::new_v8(bytes)
}

impl Kept {
    /// The postings that the answer names.
    pub fn postings(&self) -> impl Iterator<Item = PostingNumber> {
        let verdicts: &[Result<PostingNumber, Refusal>] = match self {
            Self::Batch(verdicts) => verdicts,
            Self::Account { .. }
            | Self::BaseData(_)
            | Self::BusinessDay(_)
            | Self::Suspended(_)
            | Self::AccountsImported(_)
            | Self::PostingsImported(_) => &[],
        };
        verdicts.iter().filter_map(|verdict| verdict.as_ref().ok().copied())
    }

    /// The answer that was kept, given a look-up of the postings that it names; `None` when one of them is not found.
    pub fn into_answer(self, posting: impl Fn(PostingNumber) -> Option<Arc<Posting>>) -> Option<Answer> {
        Some(match self {
            Self::Account { before, account } => Answer::Account { before, account },
            Self::BaseData(changes) => Answer::BaseData(changes),
            Self::BusinessDay(day) => Answer::BusinessDay(day),
            Self::AccountsImported(verdicts) => Answer::AccountsImported(verdicts),
            Self::PostingsImported(verdicts) => Answer::PostingsImported(verdicts),
            Self::Suspended(number) => Answer::Suspended(number),
            Self::Batch(verdicts) => {
                let verdict = |verdict: Result<PostingNumber, Refusal>| match verdict {
                    Ok(number) => posting(number).map(Ok),
                    Err(refusal) => Some(Err(refusal)),
                };
                Answer::Batch(verdicts.into_iter().map(verdict).collect::<Option<_>>()?)
            }
        })
    }
}

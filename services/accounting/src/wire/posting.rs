//! Transactions and postings.

use std::fmt::Display;

use ::refusal::{Refusal, field_invalid};
use form::{amount, choice, code, date, filter, money, text, timestamp, uuid};
use platform::refusal::Failure;
use proto_accounting::v1 as pb;

use super::{
    line::{NARRATIVE_CHARS_MAX, TRANSACTION_CODE_CHARS_MAX, account_ref, side_from_proto, side_to_proto},
    refusal, template,
};
use crate::domain::{
    base::TransactionKind,
    command::{Action, Answer, BatchMode, Business},
    enquiry::PostingFilter,
    side::NormalSide,
    transaction::{Entry, Line, Posting, Transaction, Voucher},
};

/// The command of `PostTransaction`.
pub fn post(request: pb::PostTransactionRequest) -> Result<Action, Refusal> {
    Ok(Action::Post(required_transaction("transaction", request.transaction)?))
}

/// The command of `PostBusiness`.
pub fn post_business(request: pb::PostBusinessRequest) -> Result<Action, Refusal> {
    Ok(Action::PostBusiness(Business {
        code: code("code", request.code, TRANSACTION_CODE_CHARS_MAX)?,
        fields: template::given("fields", request.fields)?,
        transaction_date: date("transaction_date", &request.transaction_date)?,
        accounting_date: date("accounting_date", &request.accounting_date)?,
        value_date: date("value_date", &request.value_date)?,
        source: text("source", request.source, 32)?,
        narrative: text("narrative", request.narrative, NARRATIVE_CHARS_MAX)?,
        voucher: request.voucher.map(|voucher| self::voucher("voucher", voucher)).transpose()?,
    }))
}

/// What `PostBusiness` answers.
pub fn business_posted(answer: Answer) -> Result<pb::PostBusinessResponse, Failure> {
    match answer {
        Answer::Posted(posting) => Ok(pb::PostBusinessResponse { posting: Some(posting_to_proto(&posting)) }),
        other => Err(unexpected(&other)),
    }
}

/// The command of `PostBatch`.
pub fn post_batch(request: pb::PostBatchRequest) -> Result<Action, Refusal> {
    let mode = choice("mode", request.mode, |mode| match mode {
        pb::BatchMode::Unspecified => None,
        pb::BatchMode::Atomic => Some(BatchMode::Atomic),
        pb::BatchMode::ItemByItem => Some(BatchMode::ItemByItem),
    })?;
    let transactions = request
        .transactions
        .into_iter()
        .enumerate()
        .map(|(i, item)| transaction(format_args!("transactions[{i}]"), item))
        .collect::<Result<_, _>>()?;
    Ok(Action::PostBatch { mode, transactions })
}

/// Which postings a list shows.
pub fn filter_from_proto(request: &pb::ListPostingsRequest) -> Result<PostingFilter<'_>, Refusal> {
    Ok(PostingFilter {
        accounting_date: date("accounting_date", &request.accounting_date)?,
        branch: filter("branch", &request.branch)?,
        operator: filter("operator", &request.operator)?,
        code: filter("code", &request.code)?,
        request_id: filter("request_id", &request.request_id)?
            .map(|id| uuid("request_id", id))
            .transpose()?,
    })
}

/// A transaction that must be there.
pub fn required_transaction(
    field: impl Display + Copy,
    value: Option<pb::Transaction>,
) -> Result<Transaction, Refusal> {
    transaction(field, value.ok_or_else(|| field_invalid(field, "is required"))?)
}

pub(super) fn transaction(
    field: impl Display + Copy,
    value: pb::Transaction,
) -> Result<Transaction, Refusal> {
    Ok(Transaction {
        code: code(format_args!("{field}.code"), value.code, TRANSACTION_CODE_CHARS_MAX)?,
        transaction_date: date(format_args!("{field}.transaction_date"), &value.transaction_date)?,
        accounting_date: date(format_args!("{field}.accounting_date"), &value.accounting_date)?,
        value_date: date(format_args!("{field}.value_date"), &value.value_date)?,
        source: text(format_args!("{field}.source"), value.source, 32)?,
        narrative: text(format_args!("{field}.narrative"), value.narrative, NARRATIVE_CHARS_MAX)?,
        voucher: value
            .voucher
            .map(|voucher| self::voucher(format_args!("{field}.voucher"), voucher))
            .transpose()?,
        lines: value
            .lines
            .into_iter()
            .enumerate()
            .map(|(i, item)| line(format_args!("{field}.lines[{i}]"), item))
            .collect::<Result<_, _>>()?,
    })
}

fn voucher(field: impl Display + Copy, value: pb::Voucher) -> Result<Voucher, Refusal> {
    Ok(Voucher {
        kind: code(format_args!("{field}.kind"), value.kind, 20)?,
        number: code(format_args!("{field}.number"), value.number, 32)?,
    })
}

fn line(field: impl Display + Copy, value: pb::TransactionLine) -> Result<Line, Refusal> {
    let (currency, amount) = amount(format_args!("{field}.amount"), value.amount)?;
    Ok(Line {
        account: account_ref(format_args!("{field}.account"), &value.account)?,
        side: choice(format_args!("{field}.side"), value.side, side_from_proto)?,
        currency,
        amount,
        narrative: text(format_args!("{field}.narrative"), value.narrative, NARRATIVE_CHARS_MAX)?,
    })
}

/// What `PostTransaction` answers.
pub fn posted(answer: Answer) -> Result<pb::PostTransactionResponse, Failure> {
    match answer {
        Answer::Posted(posting) => {
            Ok(pb::PostTransactionResponse { posting: Some(posting_to_proto(&posting)) })
        }
        other => Err(unexpected(&other)),
    }
}

/// What `PostBatch` answers.
pub fn batch_posted(answer: Answer) -> Result<pb::PostBatchResponse, Failure> {
    let Answer::Batch(verdicts) = answer else { return Err(unexpected(&answer)) };
    let count =
        |posted: bool| i32::try_from(verdicts.iter().filter(|verdict| verdict.is_ok() == posted).count());
    Ok(pb::PostBatchResponse {
        posted: count(true).map_err(Failure::fault)?,
        refused: count(false).map_err(Failure::fault)?,
        results: verdicts
            .iter()
            .map(|verdict| pb::BatchResult {
                outcome: Some(match verdict {
                    Ok(posting) => pb::batch_result::Outcome::Posting(posting_to_proto(posting)),
                    Err(refused) => pb::batch_result::Outcome::Refusal(refusal(refused)),
                }),
            })
            .collect(),
    })
}

/// An answer that does not match its command: a fault of the service.
pub fn unexpected(answer: &Answer) -> Failure {
    Failure::fault(format!("the writer gave an answer of another kind: {answer:?}"))
}

/// A posting, for the contract.
pub fn posting_to_proto(posting: &Posting) -> pb::Posting {
    pb::Posting {
        name: posting_name(posting.number.0),
        number: posting.number.0,
        request_id: posting.request_id.to_string(),
        branch: posting.branch.as_str().to_owned(),
        code: posting.code.clone(),
        kind: kind_to_proto(posting.kind).into(),
        transaction_date: posting.transaction_date.to_string(),
        accounting_date: posting.accounting_date.to_string(),
        value_date: posting.value_date.to_string(),
        record_time: Some(timestamp(posting.recorded_at)),
        operator: posting.operator.as_str().to_owned(),
        authoriser: posting.authoriser.as_ref().map_or_else(String::new, |code| code.as_str().to_owned()),
        source: posting.source.clone(),
        narrative: posting.narrative.clone(),
        voucher: posting
            .voucher
            .as_ref()
            .map(|voucher| pb::Voucher { kind: voucher.kind.clone(), number: voucher.number.clone() }),
        hold: posting.hold.map(|hold| format!("holds/{hold}")).unwrap_or_default(),
        entries: posting.entries.iter().map(entry_to_proto).collect(),
    }
}

/// The name of a posting; empty for one that was only checked and has no number.
pub fn posting_name(number: i64) -> String {
    if number == 0 { String::new() } else { format!("postings/{number}") }
}

/// The kind of a transaction, for the contract.
pub fn kind_to_proto(kind: TransactionKind) -> pb::TransactionKind {
    match kind {
        TransactionKind::Cash => pb::TransactionKind::Cash,
        TransactionKind::Transfer => pb::TransactionKind::Transfer,
        TransactionKind::Internal => pb::TransactionKind::Internal,
    }
}

fn entry_to_proto(entry: &Entry) -> pb::Entry {
    pb::Entry {
        account: ["accounts/", entry.account.as_str()].concat(),
        branch: entry.branch.as_str().to_owned(),
        ledger_code: entry.ledger_code.as_str().to_owned(),
        side: side_to_proto(entry.side).into(),
        amount: Some(money(entry.currency, entry.amount)),
        narrative: entry.narrative.clone(),
        inter_branch: entry.inter_branch,
        number: entry.n,
        debit_total: Some(money(entry.currency, entry.debit_total)),
        credit_total: Some(money(entry.currency, entry.credit_total)),
        ledger: Some(money(
            entry.currency,
            ledger_balance(entry.normal_side, entry.debit_total, entry.credit_total),
        )),
        available: entry.available.map(|available| money(entry.currency, available)),
    }
}

/// Ledger balance, positive on the normal side; on accounts of either side, debits less credits.
pub fn ledger_balance(
    normal_side: NormalSide,
    debit: rust_decimal::Decimal,
    credit: rust_decimal::Decimal,
) -> rust_decimal::Decimal {
    match normal_side {
        NormalSide::Debit | NormalSide::Either => debit - credit,
        NormalSide::Credit => credit - debit,
    }
}

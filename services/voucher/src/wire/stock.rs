//! Stock: batches, moves, holdings.

use ::refusal::{Refusal, field_invalid};
use basedata::ids::{BranchCode, CurrencyCode};
use form::{code, numbered_name, required_text, timestamp};
use proto_common::common::v1::Money;
use proto_voucher::v1 as pb;
use rust_decimal::Decimal;

use crate::domain::{
    batch::{Batch, Receipt, value},
    holding::{Handover, Holding, Moved},
    kind::Kind,
    number::{NamedRange, Range},
};

/// Longest branch code.
const BRANCH_CHARS_MAX: usize = 6;
/// Longest name of a printer, in characters.
const PRINTER_CHARS_MAX: usize = 120;

/// What `ReceivePrintBatch` brings.
pub fn receipt_from_proto(request: pb::ReceivePrintBatchRequest) -> Result<Receipt, Refusal> {
    Ok(Receipt {
        branch: branch("branch", request.branch)?,
        range: range_from_proto(request.range)?,
        printer: required_text("printer", request.printer, PRINTER_CHARS_MAX)?,
    })
}

/// What `MoveRange` hands over, and to whom.
pub fn handover_from_proto(request: pb::MoveRangeRequest) -> Result<Handover, Refusal> {
    Ok(Handover {
        to_branch: branch("to_branch", request.to_branch)?,
        range: range_from_proto(request.range)?,
    })
}

/// The number in `printBatches/{number}`.
pub fn batch_number(name: &str) -> Result<i64, Refusal> {
    numbered_name("name", "printBatches", name)
}

fn branch(field: &str, value: String) -> Result<BranchCode, Refusal> {
    Ok(BranchCode::new(code(field, value, BRANCH_CHARS_MAX)?))
}

fn range_from_proto(range: Option<pb::NumberRange>) -> Result<NamedRange, Refusal> {
    let range = range.ok_or_else(|| field_invalid("range", "is required"))?;
    Ok(NamedRange {
        kind: super::kind_code("range.kind", &range.kind)?,
        first: range.first_number,
        last: range.last_number,
        count: range.count,
    })
}

fn range_to_proto(kind: &Kind, range: Range) -> pb::NumberRange {
    pb::NumberRange {
        kind: format!("kinds/{}", kind.code),
        first_number: kind.text(range.first),
        last_number: kind.text(range.last),
        count: range.count(),
    }
}

fn money(currency: &CurrencyCode, amount: Decimal) -> Money {
    Money { currency: currency.to_string(), amount: amount.to_string() }
}

fn batch_name(number: i64) -> String {
    format!("printBatches/{number}")
}

/// A batch, for the contract.
pub fn batch_to_proto(batch: &Batch, kind: &Kind) -> pb::PrintBatch {
    pb::PrintBatch {
        name: batch_name(batch.number),
        number: batch.number,
        range: Some(range_to_proto(kind, batch.range)),
        branch: batch.branch.to_string(),
        printer: batch.printer.clone(),
        receive_date: batch.received_on.to_string(),
        value: Some(money(&kind.currency, batch.value)),
        kind_code: batch.kind.clone(),
        operator: batch.operator.to_string(),
        record_time: Some(timestamp(batch.recorded_at)),
    }
}

/// A move, for the contract; without name and number when it was only checked.
pub fn move_to_proto(moved: &Moved) -> pb::RangeMove {
    let Moved { number, new, at } = moved;
    pb::RangeMove {
        name: if *number == 0 { String::new() } else { format!("rangeMoves/{number}") },
        number: *number,
        range: Some(range_to_proto(&new.kind, new.range)),
        from_branch: new.from_branch.to_string(),
        to_branch: new.to_branch.to_string(),
        giver: new.giver.to_string(),
        taker: new.taker.as_ref().map(ToString::to_string).unwrap_or_default(),
        move_date: new.moved_on.to_string(),
        value: Some(money(&new.kind.currency, value(&new.kind, new.range))),
        kind_code: new.kind.code.clone(),
        record_time: Some(timestamp(*at)),
    }
}

/// A holding, for the contract.
pub fn holding_to_proto(holding: &Holding, kind: &Kind) -> pb::Holding {
    pb::Holding {
        range: Some(range_to_proto(kind, holding.range)),
        branch: holding.branch.to_string(),
        batch: batch_name(holding.batch),
    }
}

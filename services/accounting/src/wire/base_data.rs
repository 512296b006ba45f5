//! Base data: records with their names, dates and versions. What each kind says is in [`super::base_content`].

use ::refusal::{Refusal, field_invalid};
use dated::Content;
use form::{required_date, required_text, timestamp};
use platform::{refusal::Failure, registers::Entry};
use proto_accounting::v1 as pb;

use super::{base_content, posting::unexpected};
use crate::domain::{
    base::{BaseChange, BaseContent, BaseKind, BaseVersion},
    command::{Action, Answer},
};

/// The command of `ChangeBaseData`. The domain decides how many records there may be.
pub fn change(request: pb::ChangeBaseDataRequest) -> Result<Action, Refusal> {
    let reason = required_text("reason", request.reason, 500)?;
    let record = |(i, record): (usize, pb::BaseRecord)| version(&format!("records[{i}]"), record);
    let records = request.records.into_iter().enumerate().map(record).collect::<Result<_, _>>()?;
    Ok(Action::ChangeBaseData { records, reason })
}

fn version(field: &str, record: pb::BaseRecord) -> Result<BaseVersion, Refusal> {
    let content = record.content.ok_or_else(|| field_invalid(format!("{field}.content"), "is required"))?;
    let version = BaseVersion {
        version: 0,
        effective_date: required_date(&format!("{field}.effective_date"), &record.effective_date)?,
        content: base_content::from_proto(field, content)?,
    };
    if record.version != 0 {
        return Err(field_invalid(format!("{field}.version"), "is set by the service; leave it 0"));
    }
    let name = version.content.kind().record_name(&version.content.code());
    if !record.name.is_empty() && record.name != name {
        return Err(field_invalid(format!("{field}.name"), format!("must be {name}, or empty")));
    }
    Ok(version)
}

/// What `ChangeBaseData` answers.
pub fn changed(answer: Answer) -> Result<pb::ChangeBaseDataResponse, Failure> {
    let Answer::BaseData(changes) = answer else { return Err(unexpected(&answer)) };
    Ok(pb::ChangeBaseDataResponse { changes: changes.iter().map(change_to_proto).collect() })
}

fn change_to_proto(change: &BaseChange) -> pb::BaseChange {
    pb::BaseChange { before: change.before.as_ref().map(to_proto), after: Some(to_proto(&change.after)) }
}

/// A version of a record, for the contract.
pub fn to_proto(version: &BaseVersion) -> pb::BaseRecord {
    pb::BaseRecord {
        name: version.content.kind().record_name(&version.content.code()),
        effective_date: version.effective_date.to_string(),
        version: version.version,
        content: Some(base_content::to_proto(&version.content)),
    }
}

/// A version with who made it and why, for the contract.
pub fn recorded_to_proto(entry: Entry<BaseContent>) -> pb::BaseRecordVersion {
    pb::BaseRecordVersion {
        record: Some(to_proto(&entry.version)),
        maker: entry.maker,
        checker: entry.checker.unwrap_or_default(),
        reason: entry.reason,
        record_time: Some(timestamp(entry.recorded_at)),
    }
}

/// The kind and code that a record's name means.
pub fn named(field: &str, value: &str) -> Result<(BaseKind, String), Refusal> {
    value
        .split_once('/')
        .and_then(|(collection, code)| {
            let kind = BaseKind::ALL.into_iter().find(|kind| kind.collection() == collection)?;
            code_of_name(code).then(|| (kind, code.to_owned()))
        })
        .ok_or_else(|| field_invalid(field, "must be the name of a record, for example branches/110100"))
}

fn code_of_name(code: &str) -> bool {
    form::code("name", code.to_owned(), 64).is_ok()
}

/// The kind that a list is of.
pub fn kind_from_proto(value: pb::BaseKind) -> Result<BaseKind, Refusal> {
    Ok(match value {
        pb::BaseKind::Unspecified => return Err(field_invalid("kind", "is required")),
        pb::BaseKind::Branch => BaseKind::Branch,
        pb::BaseKind::Operator => BaseKind::Operator,
        pb::BaseKind::Currency => BaseKind::Currency,
        pb::BaseKind::ExchangeRate => BaseKind::ExchangeRate,
        pb::BaseKind::CalendarYear => BaseKind::CalendarYear,
        pb::BaseKind::InterestRate => BaseKind::InterestRate,
        pb::BaseKind::Parameter => BaseKind::Parameter,
        pb::BaseKind::LedgerCode => BaseKind::LedgerCode,
        pb::BaseKind::PostingTemplate => BaseKind::PostingTemplate,
    })
}

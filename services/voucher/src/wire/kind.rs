//! Kinds.

use ::refusal::{Refusal, field_invalid};
use chrono::NaiveDate;
use dated::{Change, Version};
use form::{amount, choice, date, required_date, required_text, text, timestamp};
use platform::registers::Entry;
use proto_common::common::v1::Money;
use proto_voucher::v1 as pb;

use crate::domain::kind::{Category, Kind};

/// Most kinds of one change.
const KINDS_MAX: usize = 100;
/// Longest name of a kind, in characters.
const TITLE_CHARS_MAX: usize = 120;
/// Longest reason, in characters.
const REASON_CHARS_MAX: usize = 500;

/// What `ChangeKinds` sets, and why.
pub fn changes_from_proto(
    request: pb::ChangeKindsRequest,
) -> Result<(Vec<(NaiveDate, Kind)>, String), Refusal> {
    if !(1..=KINDS_MAX).contains(&request.kinds.len()) {
        return Err(field_invalid("kinds", format!("must have 1 to {KINDS_MAX}")));
    }
    let reason = required_text("reason", request.reason, REASON_CHARS_MAX)?;
    let kinds = request.kinds.into_iter().enumerate().map(|(place, set)| {
        let field = format!("kinds[{place}]");
        let effective_date = required_date(format_args!("{field}.effective_date"), &set.effective_date)?;
        let kind = set.kind.ok_or_else(|| field_invalid(format!("{field}.kind"), "is required"))?;
        Ok((effective_date, from_proto(&format!("{field}.kind"), kind)?))
    });
    Ok((kinds.collect::<Result<_, Refusal>>()?, reason))
}

fn from_proto(field: &str, kind: pb::Kind) -> Result<Kind, Refusal> {
    let category = choice(format_args!("{field}.category"), kind.category, |category| match category {
        pb::KindCategory::Unspecified => None,
        pb::KindCategory::BankIssued => Some(Category::BankIssued),
        pb::KindCategory::Sold => Some(Category::Sold),
        pb::KindCategory::Valuable => Some(Category::Valuable),
    })?;
    let (currency, unit_value) = amount(format_args!("{field}.unit_value"), kind.unit_value)?;
    Ok(Kind {
        code: kind.code,
        title: required_text(format_args!("{field}.title"), kind.title, TITLE_CHARS_MAX)?,
        category,
        prefix: text(format_args!("{field}.prefix"), kind.prefix, TITLE_CHARS_MAX)?,
        digits: u8::try_from(kind.digits)
            .map_err(|_| field_invalid(format!("{field}.digits"), "must be from 1 to 18"))?,
        unit_value,
        currency,
        closed: kind.closed,
    })
}

/// The kind and the date that an enquiry names.
pub fn get_from_proto(request: &pb::GetKindRequest) -> Result<(String, Option<NaiveDate>), Refusal> {
    Ok((super::kind_code("name", &request.name)?, date("effective_on", &request.effective_on)?))
}

/// A version, for the contract.
pub fn version_to_proto(version: &Version<Kind>) -> pb::KindVersion {
    let kind = &version.content;
    let category = match kind.category {
        Category::BankIssued => pb::KindCategory::BankIssued,
        Category::Sold => pb::KindCategory::Sold,
        Category::Valuable => pb::KindCategory::Valuable,
    };
    let kind = pb::Kind {
        code: kind.code.clone(),
        title: kind.title.clone(),
        category: category.into(),
        prefix: kind.prefix.clone(),
        digits: kind.digits.into(),
        unit_value: Some(Money { currency: kind.currency.to_string(), amount: kind.unit_value.to_string() }),
        closed: kind.closed,
    };
    pb::KindVersion {
        name: format!("kinds/{}", kind.code),
        effective_date: version.effective_date.to_string(),
        version: version.version,
        kind: Some(kind),
    }
}

/// What `ChangeKinds` answers.
pub fn changed_to_proto(changes: &[Change<Kind>]) -> pb::ChangeKindsResponse {
    let change = |change: &Change<Kind>| pb::KindChange {
        before: change.before.as_ref().map(version_to_proto),
        after: Some(version_to_proto(&change.after)),
    };
    pb::ChangeKindsResponse { changes: changes.iter().map(change).collect() }
}

/// A version with its history, for the contract.
pub fn recorded_to_proto(entry: Entry<Kind>) -> pb::RecordedKindVersion {
    pb::RecordedKindVersion {
        version: Some(version_to_proto(&entry.version)),
        maker: entry.maker,
        checker: entry.checker.unwrap_or_default(),
        reason: entry.reason,
        record_time: Some(timestamp(entry.recorded_at)),
    }
}

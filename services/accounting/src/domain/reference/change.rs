//! A change of base data, checked: each record against the state with those before it applied, in the order of the kinds.

use std::{collections::HashSet, sync::Arc};

use chrono::NaiveDate;
use dated::Content;

use super::{Reference, rules};
use crate::domain::{
    base::{BaseChange, BaseContent, BaseVersion},
    refusal::{Refusal, Rule},
};

/// Most records of one change: a whole chart of accounts, with room to spare.
pub const RECORDS_MAX: usize = 1_000;

pub(super) fn change(
    reference: &Reference,
    records: &[BaseVersion],
    business_date: Option<NaiveDate>,
) -> Result<Vec<BaseChange>, Refusal> {
    if records.is_empty() {
        return Err(Rule::Empty { what: "a change of base data".into() }.at("records"));
    }
    if records.len() > RECORDS_MAX {
        let what = "a change of base data".into();
        return Err(Rule::TooMany { what, count: records.len(), max: RECORDS_MAX }.at("records"));
    }
    let mut order: Vec<(usize, &BaseVersion)> = records.iter().enumerate().collect();
    order.sort_by_key(|(_, record)| (record.content.kind(), level(&record.content)));

    let mut next = reference.clone();
    let mut named = HashSet::new();
    let mut changes: Vec<(usize, BaseChange)> = Vec::with_capacity(records.len());
    for (place, record) in order {
        let item = format!("records[{place}]");
        let code = record.content.code();
        if let Some(business_date) = business_date.filter(|date| record.effective_date <= *date) {
            let rule = Rule::EffectiveDatePast { effective_date: record.effective_date, business_date };
            return Err(rule.at(format!("{item}.effective_date")));
        }
        if !named.insert((record.content.kind(), code.clone(), record.effective_date)) {
            let twice = format!(
                "{} {code} is given twice from {}",
                record.content.kind().name(),
                record.effective_date
            );
            return Err(Rule::BaseRecordInvalid(twice).at(item));
        }
        rules::check(&next, record).map_err(|refusal| refusal.of_item(&item))?;
        let records = next.records(record.content.kind());
        let change = records.change(record.effective_date, record.content.clone());
        next.insert(Arc::new(change.after.clone()));
        changes.push((place, change));
    }
    changes.sort_unstable_by_key(|(place, _)| *place);
    Ok(changes.into_iter().map(|(_, change)| change).collect())
}

/// Where a record stands among those of its kind that refer to each other: above those with a higher level.
fn level(content: &BaseContent) -> usize {
    match content {
        BaseContent::Branch(branch) => rules::rank(branch.kind),
        BaseContent::LedgerCode(code) => code.code.as_str().len(),
        _ => 0,
    }
}

//! Suspense items.

use countinghouse_proto::accounting::v1 as pb;

use super::{
    money,
    posting::{posting_name, told_side},
    refusal,
    template::told_ref,
    timestamp,
};
use crate::domain::suspense::{FactIdentity, SuspenseItem, SuspenseState};

/// The state that a list asks for; none for all.
pub fn state(value: pb::SuspenseState) -> Option<SuspenseState> {
    match value {
        pb::SuspenseState::Unspecified => None,
        pb::SuspenseState::Open => Some(SuspenseState::Open),
    }
}

/// An item, for the contract.
pub fn told(item: &SuspenseItem) -> pb::SuspenseItem {
    let state = match item.state {
        SuspenseState::Open => pb::SuspenseState::Open,
    };
    let mut told = pb::SuspenseItem {
        name: format!("suspenseItems/{}", item.number),
        number: item.number.0,
        branch: item.branch.to_string(),
        state: state.into(),
        reason: Some(refusal(&item.refusal)),
        code: item.code.clone(),
        fact: Some(told_fact(&item.fact)),
        open_date: item.opened_on.to_string(),
        record_time: Some(timestamp(item.opened.at)),
        ..pb::SuspenseItem::default()
    };
    if let Some(line) = &item.line {
        told.posting = posting_name(line.posting.0);
        told.account = format!("accounts/{}", line.account);
        told.side = told_side(line.side).into();
        told.amount = Some(money(line.currency, line.amount));
        told.meant_account = told_ref(&line.meant);
    }
    told
}

fn told_fact(fact: &FactIdentity) -> pb::SuspenseFact {
    pb::SuspenseFact {
        service: fact.service.clone(),
        topic: fact.topic.clone(),
        r#type: fact.kind.clone(),
        id: fact.id.to_string(),
        key: fact.key.clone(),
        time: Some(timestamp(fact.time)),
    }
}

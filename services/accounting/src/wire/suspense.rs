//! Suspense items.

use form::{money, timestamp};
use proto_accounting::v1 as pb;

use super::{
    line::{ref_to_proto, side_to_proto},
    posting::posting_name,
    refusal,
};
use crate::domain::suspense::{FactIdentity, SuspenseItem, SuspenseState};

/// The state that a list shows; none for all.
pub fn state_from_proto(value: pb::SuspenseState) -> Option<SuspenseState> {
    match value {
        pb::SuspenseState::Unspecified => None,
        pb::SuspenseState::Open => Some(SuspenseState::Open),
    }
}

/// An item, for the contract.
pub fn to_proto(item: &SuspenseItem) -> pb::SuspenseItem {
    let state = match item.state {
        SuspenseState::Open => pb::SuspenseState::Open,
    };
    let mut proto = pb::SuspenseItem {
        name: format!("suspenseItems/{}", item.number),
        number: item.number.0,
        branch: item.branch.to_string(),
        state: state.into(),
        reason: Some(refusal(&item.refusal)),
        code: item.code.clone(),
        fact: Some(fact_to_proto(&item.fact)),
        open_date: item.opened_on.to_string(),
        record_time: Some(timestamp(item.opened.at)),
        ..pb::SuspenseItem::default()
    };
    if let Some(line) = &item.line {
        proto.posting = posting_name(line.posting.0);
        proto.account = format!("accounts/{}", line.account);
        proto.side = side_to_proto(line.side).into();
        proto.amount = Some(money(line.currency, line.amount));
        proto.meant_account = ref_to_proto(&line.meant);
    }
    proto
}

fn fact_to_proto(fact: &FactIdentity) -> pb::SuspenseFact {
    pb::SuspenseFact {
        service: fact.service.clone(),
        topic: fact.topic.clone(),
        r#type: fact.kind.clone(),
        id: fact.id.to_string(),
        key: fact.key.clone(),
        time: Some(timestamp(fact.time)),
    }
}

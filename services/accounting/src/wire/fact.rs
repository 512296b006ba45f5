//! What has happened, as facts of the contract. Base data, accounts, business days and suspense items go through the outbox, in the
//! transaction that makes them true; postings and holds are read from the journal.

use std::sync::LazyLock;

use chrono::{DateTime, Utc};
use dated::Content as _;
use platform::{
    facts::{Contract, Fact, FactError, FactMetadata},
    registers::Standing,
};
use prost::Name;
use proto_accounting::v1::{self as pb, base_record::Content};
use serde::Serialize;
use uuid::Uuid;

use super::{
    account, base_content, base_data, hold, ledger,
    posting::{posting_name, posting_to_proto},
    suspense,
};
use crate::domain::{
    base::BaseContent,
    command::{AccountVersion, BaseRecordVersion, BusinessDay, Records},
    hold::HoldEvent,
    ids::OperatorCode,
    recorded::Recorded,
    suspense::SuspenseItem,
    transaction::Posting,
};

/// Where each fact is published.
pub fn contract() -> &'static Contract {
    static CONTRACT: LazyLock<Contract> = LazyLock::new(|| {
        Contract::of(proto_accounting::descriptors())
            .expect("invariant: the fact options hold (a test reads them)")
    });
    &CONTRACT
}

/// The facts of a batch that are not in the journal, in the order in which the records stand.
pub fn of_records(records: &Records) -> Result<Vec<Fact>, FactError> {
    let base_records = records.base_records.iter().map(base_record_changed);
    let accounts = records.accounts.iter().map(account_changed);
    let days = records.business_days.iter().map(|(day, recorded)| day_opened(day, recorded));
    let suspense = records.suspense_items.iter().map(|record| item_opened(&record.item));
    base_records.chain(accounts).chain(days).chain(suspense).collect()
}

fn account_changed(version: &AccountVersion) -> Result<Fact, FactError> {
    let proto = account::to_proto(&version.account);
    let identity = Identity {
        message: pb::AccountChanged::NAME,
        key: &proto.name,
        version: proto.version.into(),
        recorded: &version.origin,
    };
    let metadata = identity.metadata();
    let message =
        pb::AccountChanged { name: proto.name.clone(), account: Some(proto), reason: version.reason.clone() };
    contract().fact(&message, metadata)
}

fn day_opened(day: &BusinessDay, recorded: &Recorded) -> Result<Fact, FactError> {
    let key = day.date.to_string();
    let identity = Identity { message: pb::BusinessDayOpened::NAME, key: &key, version: 1, recorded };
    day_standing(day, identity.metadata())
}

/// The open business day, as often as it is published.
pub fn day_standing(day: &BusinessDay, metadata: FactMetadata) -> Result<Fact, FactError> {
    let proto = ledger::day_to_proto(day);
    let message =
        pb::BusinessDayOpened { business_date: proto.business_date.clone(), business_day: Some(proto) };
    contract().fact(&message, metadata)
}

fn item_opened(item: &SuspenseItem) -> Result<Fact, FactError> {
    let proto = suspense::to_proto(item);
    let identity = Identity {
        message: pb::SuspenseItemOpened::NAME,
        key: &proto.name,
        version: 1,
        recorded: &item.opened,
    };
    let metadata = identity.metadata();
    let message = pb::SuspenseItemOpened { name: proto.name.clone(), item: Some(proto) };
    contract().fact(&message, metadata)
}

fn base_record_changed(record: &BaseRecordVersion) -> Result<Fact, FactError> {
    match base_content::to_proto(&record.version.content) {
        Content::Branch(content) => set(record, |Set { key, effective_date, version, versions }| {
            pb::BranchChanged { key, effective_date, version, versions, branch: Some(content) }
        }),
        Content::Operator(content) => set(record, |Set { key, effective_date, version, versions }| {
            pb::OperatorChanged { key, effective_date, version, versions, operator: Some(content) }
        }),
        Content::Currency(content) => set(record, |Set { key, effective_date, version, versions }| {
            pb::CurrencyChanged { key, effective_date, version, versions, currency: Some(content) }
        }),
        Content::ExchangeRate(content) => set(record, |Set { key, effective_date, version, versions }| {
            pb::ExchangeRateChanged { key, effective_date, version, versions, exchange_rate: Some(content) }
        }),
        Content::CalendarYear(content) => set(record, |Set { key, effective_date, version, versions }| {
            pb::CalendarYearChanged { key, effective_date, version, versions, calendar_year: Some(content) }
        }),
        Content::InterestRate(content) => set(record, |Set { key, effective_date, version, versions }| {
            pb::InterestRateChanged { key, effective_date, version, versions, interest_rate: Some(content) }
        }),
        Content::Parameter(content) => set(record, |Set { key, effective_date, version, versions }| {
            pb::ParameterChanged { key, effective_date, version, versions, parameter: Some(content) }
        }),
        Content::PostingTemplate(content) => {
            set(record, |Set { key, effective_date, version, versions }| pb::PostingTemplateChanged {
                key,
                effective_date,
                version,
                versions,
                posting_template: Some(content),
            })
        }
        Content::LedgerCode(content) => set(record, |Set { key, effective_date, version, versions }| {
            pb::LedgerCodeChanged { key, effective_date, version, versions, ledger_code: Some(content) }
        }),
    }
}

/// What stands of a record, published again: a fact of its own, whatever was published of it before.
pub fn base_record_standing(
    record: &Standing<BaseContent>,
    metadata: &FactMetadata,
) -> Result<Fact, FactError> {
    let Standing { latest, versions } = record;
    let fact = base_record_changed(&BaseRecordVersion {
        version: latest.version.clone(),
        standing: versions.clone(),
        reason: latest.reason.clone(),
        origin: Recorded {
            request_id: latest.request_id,
            operator: OperatorCode::new(latest.maker.as_str()),
            authoriser: latest.checker.as_deref().map(OperatorCode::new),
            at: latest.recorded_at,
            traceparent: None,
        },
    })?;
    Ok(Fact { id: metadata.id, time: metadata.time, ..fact })
}

/// What the facts about base data have in common: which record was set, from when on, in which version, and all that stands of it.
struct Set {
    key: String,
    effective_date: String,
    version: i32,
    versions: Vec<pb::BaseRecord>,
}

fn set<M: Name + Serialize>(
    record: &BaseRecordVersion,
    message: impl FnOnce(Set) -> M,
) -> Result<Fact, FactError> {
    let BaseRecordVersion { version, standing, origin, .. } = record;
    let key = version.content.code();
    let versions = standing.iter().map(base_data::to_proto).collect();
    let identity =
        Identity { message: M::NAME, key: &key, version: version.version.into(), recorded: origin };
    let metadata = identity.metadata();
    let effective_date = version.effective_date.to_string();
    contract().fact(&message(Set { key, effective_date, version: version.version, versions }), metadata)
}

/// A change of a hold.
pub fn hold_changed(event: &HoldEvent) -> Result<Fact, FactError> {
    let proto = hold::to_proto(&event.hold);
    let recorded = Recorded {
        request_id: event.request_id,
        operator: event.operator.clone(),
        authoriser: None,
        at: event.recorded_at,
        traceparent: event.traceparent.clone(),
    };
    let identity = Identity {
        message: pb::HoldChanged::NAME,
        key: &proto.name,
        version: event.hold.version.into(),
        recorded: &recorded,
    };
    let metadata = identity.metadata();
    let posting = event.posting.map(|number| posting_name(number.0)).unwrap_or_default();
    contract().fact(&pb::HoldChanged { name: proto.name.clone(), hold: Some(proto), posting }, metadata)
}

/// A posting.
pub fn posting_booked(posting: &Posting) -> Result<Fact, FactError> {
    let name = posting_name(posting.number.0);
    let recorded = Recorded {
        request_id: posting.request_id,
        operator: posting.operator.clone(),
        authoriser: posting.authoriser.clone(),
        at: posting.recorded_at,
        traceparent: posting.traceparent.clone(),
    };
    let identity = Identity { message: pb::PostingBooked::NAME, key: &name, version: 1, recorded: &recorded };
    let metadata = identity.metadata();
    contract().fact(&pb::PostingBooked { name, posting: Some(posting_to_proto(posting)) }, metadata)
}

/// What identifies a fact: made from rows that never change, it is the same however often it is published.
struct Identity<'a> {
    message: &'a str,
    key: &'a str,
    version: i64,
    recorded: &'a Recorded,
}

impl Identity<'_> {
    fn metadata(&self) -> FactMetadata {
        let Recorded { request_id, operator, at, traceparent, .. } = self.recorded;
        FactMetadata {
            id: self.id(*request_id, *at),
            time: *at,
            actor: operator.to_string(),
            correlation_id: *request_id,
            traceparent: traceparent.clone(),
        }
    }

    /// The request and the time distinguish the facts of two books, whose numbers are the same.
    fn id(&self, request_id: Uuid, at: DateTime<Utc>) -> Uuid {
        let mut hasher = blake3::Hasher::new_derive_key("countinghouse accounting fact id v1");
        for text in [self.message, self.key] {
            hasher.update(text.as_bytes()).update(&[0]);
        }
        hasher.update(&self.version.to_be_bytes());
        hasher.update(request_id.as_bytes());
        hasher.update(&at.timestamp_micros().to_be_bytes());
        let mut id = [0; 16];
        hasher.finalize_xof().fill(&mut id);
        Uuid::new_v8(id)
    }
}

#[cfg(test)]
mod tests {
    use platform::facts::TopicSettings;

    use super::*;

    fn recorded(second: i64) -> Recorded {
        Recorded {
            request_id: Uuid::from_u128(7),
            operator: OperatorCode::new("T110101"),
            authoriser: None,
            at: DateTime::from_timestamp(second, 0).unwrap(),
            traceparent: None,
        }
    }

    #[test]
    fn the_id_of_a_fact_is_always_the_same_and_of_another_fact_another() {
        let (recorded, later) = (recorded(1), recorded(2));
        let fact = Identity { message: "m", key: "accounts/1", version: 1, recorded: &recorded };
        assert_eq!(fact.metadata().id, fact.metadata().id);
        for other in [
            Identity { message: "n", ..fact },
            Identity { key: "accounts/2", ..fact },
            Identity { version: 2, ..fact },
            Identity { recorded: &later, ..fact },
        ] {
            assert_ne!(fact.metadata().id, other.metadata().id);
        }
    }

    #[test]
    fn every_topic_is_the_services_own() {
        let topics = contract().topics(crate::SERVICE, &TopicSettings::default());
        assert_eq!(topics.len(), 14);
        assert!(topics.iter().all(|topic| topic.name.starts_with("countinghouse.accounting.")));
    }
}

//! Accounts, base data, business days and suspense items as facts. They go through the outbox, in the transaction that makes them true.

use countinghouse_proto::accounting::v1::{self as pb, base_record::Content};
use platform::facts::{Fact, FactError, fact};
use serde::Serialize;

use super::Identity;
use crate::{
    domain::{
        command::{AccountVersion, BaseRecordVersion, BusinessDay, Recorded, Records},
        suspense::SuspenseItem,
    },
    wire::{account, base_content, base_data, ledger, suspense},
};

/// The facts of a batch that are not in the journal, in the order in which the records stand.
pub fn facts_of(records: &Records) -> Result<Vec<Fact>, FactError> {
    let base_records = records.base_records.iter().map(base_record_changed);
    let accounts = records.accounts.iter().map(account_changed);
    let days = records.business_days.iter().map(|(day, recorded)| day_opened(day, recorded));
    let suspense = records.suspense_items.iter().map(|record| item_opened(&record.item));
    base_records.chain(accounts).chain(days).chain(suspense).collect()
}

fn account_changed(version: &AccountVersion) -> Result<Fact, FactError> {
    const MESSAGE: &str = "countinghouse.accounting.v1.AccountChanged";
    let told = account::told(&version.account);
    let identity = Identity {
        message: MESSAGE,
        key: &told.name,
        version: told.version.into(),
        recorded: &version.origin,
    };
    let stamp = identity.stamp();
    let message =
        pb::AccountChanged { name: told.name.clone(), account: Some(told), reason: version.reason.clone() };
    fact(MESSAGE, &message, stamp)
}

fn day_opened(day: &BusinessDay, recorded: &Recorded) -> Result<Fact, FactError> {
    const MESSAGE: &str = "countinghouse.accounting.v1.BusinessDayOpened";
    let told = ledger::told_day(day);
    let identity = Identity { message: MESSAGE, key: &told.business_date, version: 1, recorded };
    let stamp = identity.stamp();
    let message =
        pb::BusinessDayOpened { business_date: told.business_date.clone(), business_day: Some(told) };
    fact(MESSAGE, &message, stamp)
}

fn item_opened(item: &SuspenseItem) -> Result<Fact, FactError> {
    const MESSAGE: &str = "countinghouse.accounting.v1.SuspenseItemOpened";
    let told = suspense::told(item);
    let identity = Identity { message: MESSAGE, key: &told.name, version: 1, recorded: &item.opened };
    let stamp = identity.stamp();
    let message = pb::SuspenseItemOpened { name: told.name.clone(), item: Some(told) };
    fact(MESSAGE, &message, stamp)
}

fn base_record_changed(record: &BaseRecordVersion) -> Result<Fact, FactError> {
    match base_content::told(&record.version.content) {
        Content::Branch(content) => set("BranchChanged", record, |Set { key, effective_date, version }| {
            pb::BranchChanged { key, effective_date, version, branch: Some(content) }
        }),
        Content::Operator(content) => {
            set("OperatorChanged", record, |Set { key, effective_date, version }| pb::OperatorChanged {
                key,
                effective_date,
                version,
                operator: Some(content),
            })
        }
        Content::Currency(content) => {
            set("CurrencyChanged", record, |Set { key, effective_date, version }| pb::CurrencyChanged {
                key,
                effective_date,
                version,
                currency: Some(content),
            })
        }
        Content::ExchangeRate(content) => {
            set("ExchangeRateChanged", record, |Set { key, effective_date, version }| {
                pb::ExchangeRateChanged { key, effective_date, version, exchange_rate: Some(content) }
            })
        }
        Content::CalendarYear(content) => {
            set("CalendarYearChanged", record, |Set { key, effective_date, version }| {
                pb::CalendarYearChanged { key, effective_date, version, calendar_year: Some(content) }
            })
        }
        Content::InterestRate(content) => {
            set("InterestRateChanged", record, |Set { key, effective_date, version }| {
                pb::InterestRateChanged { key, effective_date, version, interest_rate: Some(content) }
            })
        }
        Content::Parameter(content) => {
            set("ParameterChanged", record, |Set { key, effective_date, version }| pb::ParameterChanged {
                key,
                effective_date,
                version,
                parameter: Some(content),
            })
        }
        Content::PostingTemplate(content) => {
            set("PostingTemplateChanged", record, |Set { key, effective_date, version }| {
                pb::PostingTemplateChanged { key, effective_date, version, posting_template: Some(content) }
            })
        }
        Content::LedgerCode(content) => {
            set("LedgerCodeChanged", record, |Set { key, effective_date, version }| pb::LedgerCodeChanged {
                key,
                effective_date,
                version,
                ledger_code: Some(content),
            })
        }
    }
}

/// What the facts about base data have in common: which record was set, from when on, and in which version.
struct Set {
    key: String,
    effective_date: String,
    version: i32,
}

fn set<M: Serialize>(
    name: &str,
    record: &BaseRecordVersion,
    message: impl FnOnce(Set) -> M,
) -> Result<Fact, FactError> {
    let BaseRecordVersion { version, origin, .. } = record;
    let name = format!("countinghouse.accounting.v1.{name}");
    let key = base_data::fact_key(&version.content.code(), version.effective_date);
    let identity = Identity { message: &name, key: &key, version: version.version.into(), recorded: origin };
    let stamp = identity.stamp();
    let effective_date = version.effective_date.to_string();
    fact(&name, &message(Set { key, effective_date, version: version.version }), stamp)
}

//! Base data: what the service does not have yet is set by one person and checked by another, in the order of references.

use std::collections::{BTreeSet, HashMap};

use anyhow::{Context, Result};
use chrono::NaiveDate;
use proto_accounting::v1::{BaseKind, BaseRecord, ChangeBaseDataRequest, Parameter, base_record::Content};
use rust_decimal::Decimal;

use super::Setup;
use crate::report::{Report, thousands};

/// The most records that one change takes.
const RECORDS_MAX: usize = 1_000;

impl Setup<'_> {
    /// Sets what is missing. A bank that has no business day yet has an opening period (建账期) of its first one.
    pub(super) async fn load_base_data(
        &self,
        first_day: Option<NaiveDate>,
        report: &mut Report<'_>,
    ) -> Result<()> {
        let there = self.base_records().await?;
        let opening_period = first_day.map(|day| self.opening_period(day)).transpose()?;
        let records = self.bank.records.iter().chain(&opening_period);
        let missing: Vec<BaseRecord> = records.filter(|record| !is_there(record, &there)).cloned().collect();
        for records in missing.chunks(RECORDS_MAX) {
            let request = ChangeBaseDataRequest {
                request_id: self.fresh_id(),
                branch: self.office.code.clone(),
                records: records.to_vec(),
                reason: "样本银行建行".to_owned(),
                validate_only: false,
            };
            self.approved(&self.office.base_data_maker, &self.office.base_data_checker, request)
                .await
                .context("base data (data kept from another sample bank goes with `make clean-local`)")?;
        }
        let (all, set) = (thousands(self.bank.records.len()), thousands(missing.len()));
        report.line(format_args!("base data: {all} records, {set} of them set now"))?;
        Ok(())
    }

    fn opening_period(&self, until: NaiveDate) -> Result<BaseRecord> {
        let parameter = Parameter { code: "OPENING_PERIOD_UNTIL".to_owned(), value: until.to_string() };
        let founded = self.bank.records.iter().map(|record| &record.effective_date).min();
        Ok(BaseRecord {
            name: format!("parameters/{}", parameter.code),
            effective_date: founded.context("a bank with base data")?.clone(),
            content: Some(Content::Parameter(parameter)),
            ..BaseRecord::default()
        })
    }

    /// What the service has of the bank's base data: the version in force on each date from which the bank says something.
    pub async fn base_records(&self) -> Result<HashMap<(String, String), BaseRecord>> {
        let token = self.staff.token(&self.office.base_data_maker)?;
        let wanted: BTreeSet<(i32, &str)> = self
            .bank
            .records
            .iter()
            .filter_map(|record| {
                Some((kind_of(record.content.as_ref()?).into(), record.effective_date.as_str()))
            })
            .collect();
        let mut there = HashMap::new();
        for (kind, on) in wanted {
            for record in self.client.base_records(&token, BaseKind::try_from(kind)?, on).await? {
                there.insert((record.name.clone(), record.effective_date.clone()), record);
            }
        }
        Ok(there)
    }
}

fn is_there(record: &BaseRecord, there: &HashMap<(String, String), BaseRecord>) -> bool {
    let found = there.get(&(record.name.clone(), record.effective_date.clone()));
    found.is_some_and(|found| canonical(found) == canonical(record))
}

fn kind_of(content: &Content) -> BaseKind {
    match content {
        Content::Branch(_) => BaseKind::Branch,
        Content::Operator(_) => BaseKind::Operator,
        Content::Currency(_) => BaseKind::Currency,
        Content::ExchangeRate(_) => BaseKind::ExchangeRate,
        Content::CalendarYear(_) => BaseKind::CalendarYear,
        Content::InterestRate(_) => BaseKind::InterestRate,
        Content::Parameter(_) => BaseKind::Parameter,
        Content::LedgerCode(_) => BaseKind::LedgerCode,
        Content::PostingTemplate(_) => BaseKind::PostingTemplate,
    }
}

/// What a record says, with every number written in one way.
fn canonical(record: &BaseRecord) -> Option<Content> {
    let mut content = record.content.clone()?;
    let plain = |text: &mut String| {
        if let Ok(number) = text.parse::<Decimal>() {
            *text = number.normalize().to_string();
        }
    };
    match &mut content {
        Content::ExchangeRate(rate) => {
            [&mut rate.buy, &mut rate.sell, &mut rate.middle].into_iter().for_each(plain);
        }
        Content::InterestRate(rate) => plain(&mut rate.annual_percent),
        Content::Operator(operator) => {
            operator
                .limits
                .iter_mut()
                .filter_map(|limit| limit.single_max.as_mut())
                .for_each(|max| plain(&mut max.amount));
        }
        _ => {}
    }
    Some(content)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bank::Bank;

    #[test]
    fn a_record_that_only_writes_its_numbers_otherwise_is_there() {
        let bank = Bank::sample().unwrap();
        let rate = bank.records.iter().find(|record| record.name == "exchangeRates/JPY").unwrap();
        let mut changed = BaseRecord { version: 3, ..rate.clone() };
        let Some(Content::ExchangeRate(content)) = &mut changed.content else { panic!("a rate") };
        content.buy = "4.44200".to_owned();
        let key = (changed.name.clone(), changed.effective_date.clone());
        assert!(is_there(rate, &HashMap::from([(key.clone(), changed.clone())])));
        let Some(Content::ExchangeRate(content)) = &mut changed.content else { panic!("a rate") };
        content.buy = "4.4421".to_owned();
        assert!(!is_there(rate, &HashMap::from([(key, changed)])));
    }
}

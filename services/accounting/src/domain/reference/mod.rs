//! All base data (基础数据) as one value: every version of every record, looked up on a date.
//!
//! A version holds from its effective date until a version with a later date, or one with the same date and a higher number.

mod change;
mod parameters;
mod rules;
#[cfg(test)]
mod tests;

use std::{collections::HashMap, sync::Arc};

use ::dated::Register;
use basedata::calendar::Calendars;
use chrono::{Datelike, NaiveDate};
use rust_decimal::Decimal;

pub use change::RECORDS_MAX;
pub use parameters::{PARAMETERS, ParameterForm, ParameterRule};

use super::{
    base::{
        BaseChange, BaseContent, BaseKind, BaseVersion, Branch, BranchKind, CalendarYear, CurrencyRecord,
        ExchangeRate, LedgerCode, Operator,
    },
    ids::{BranchCode, CurrencyCode, LedgerCodeNumber, OperatorCode},
    refusal::{Refusal, Rule},
    template::{Compiled, FaultyTemplate},
};

/// The records of one kind.
type Records = Register<BaseContent>;

/// All base data, with its history.
#[derive(Clone, Debug, Default)]
pub struct Reference {
    currencies: Records,
    parameters: Records,
    calendars: Records,
    ledger_codes: Records,
    branches: Records,
    operators: Records,
    exchange_rates: Records,
    interest_rates: Records,
    posting_templates: Records,
    /// The templates of `posting_templates` by code and version, ready for use.
    compiled: HashMap<(String, i32), Arc<Result<Compiled, FaultyTemplate>>>,
}

/// Why recorded versions are no base data: something is missing from them.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the versions of {} {code} are not 1, 2, 3 ...: {found:?}", kind.name())]
pub struct ReferenceError {
    pub kind: BaseKind,
    pub code: String,
    pub found: Vec<i32>,
}

impl Calendars for Reference {
    fn calendar(&self, date: NaiveDate) -> Option<&CalendarYear> {
        match &self.calendars.on(&date.year().to_string(), date)?.content {
            BaseContent::CalendarYear(calendar) => Some(calendar),
            _ => None,
        }
    }
}

impl Reference {
    /// Base data from all its versions, in any order.
    pub fn from_versions(versions: Vec<BaseVersion>) -> Result<Self, ReferenceError> {
        let mut reference = Self::default();
        for version in versions {
            reference.insert(Arc::new(version));
        }
        for kind in BaseKind::ALL {
            if let Some((code, found)) = reference.records(kind).with_a_gap() {
                return Err(ReferenceError { kind, code, found });
            }
        }
        Ok(reference)
    }

    /// Checks a change (基础数据变更), and returns each record before and after it, in the order of the request. All or none.
    /// `business_date` is the open day, which the change must not touch; none while no day is open.
    pub fn change(
        &self,
        records: &[BaseVersion],
        business_date: Option<NaiveDate>,
    ) -> Result<Vec<BaseChange>, Refusal> {
        change::change(self, records, business_date)
    }

    /// Applies a change that was checked.
    pub fn apply(&mut self, changes: &[BaseChange]) {
        for change in changes {
            self.insert(Arc::new(change.after.clone()));
        }
    }

    /// Whether there is any record of a kind, on whatever date.
    pub fn has_any(&self, kind: BaseKind) -> bool {
        !self.records(kind).is_empty()
    }

    pub fn branch(&self, code: &BranchCode, on: NaiveDate) -> Option<&Branch> {
        match self.branches.on(code.as_str(), on)?.content {
            BaseContent::Branch(ref branch) => Some(branch),
            _ => None,
        }
    }

    /// The branches in force, in no order.
    pub fn branches(&self, on: NaiveDate) -> impl Iterator<Item = &Branch> {
        self.branches.all_on(on).filter_map(|version| match &version.content {
            BaseContent::Branch(branch) => Some(branch),
            _ => None,
        })
    }

    /// The one branch above all (总行).
    pub fn head_office(&self, on: NaiveDate) -> Option<&Branch> {
        self.branches(on).find(|branch| branch.kind == BranchKind::HeadOffice)
    }

    pub fn operator(&self, code: &OperatorCode, on: NaiveDate) -> Option<&Operator> {
        match self.operators.on(code.as_str(), on)?.content {
            BaseContent::Operator(ref operator) => Some(operator),
            _ => None,
        }
    }

    pub fn currency(&self, code: &CurrencyCode, on: NaiveDate) -> Option<&CurrencyRecord> {
        match self.currencies.on(code.as_str(), on)?.content {
            BaseContent::Currency(ref currency) => Some(currency),
            _ => None,
        }
    }

    pub fn ledger_code(&self, code: &LedgerCodeNumber, on: NaiveDate) -> Option<&LedgerCode> {
        match self.ledger_codes.on(code.as_str(), on)?.content {
            BaseContent::LedgerCode(ref ledger_code) => Some(ledger_code),
            _ => None,
        }
    }

    /// The ledger codes in force, in no order.
    pub fn ledger_codes(&self, on: NaiveDate) -> impl Iterator<Item = &LedgerCode> {
        self.ledger_codes.all_on(on).filter_map(|version| match &version.content {
            BaseContent::LedgerCode(code) => Some(code),
            _ => None,
        })
    }

    /// The exchange rate of a currency against the base currency.
    pub fn exchange_rate(&self, currency: &CurrencyCode, on: NaiveDate) -> Option<&ExchangeRate> {
        match self.exchange_rates.on(currency.as_str(), on)?.content {
            BaseContent::ExchangeRate(ref rate) => Some(rate),
            _ => None,
        }
    }

    /// The posting template of a business transaction code, ready for use.
    pub fn template(&self, code: &str, on: NaiveDate) -> Result<&Compiled, Rule> {
        let unknown = || Rule::TemplateUnknown { code: code.to_owned(), on };
        let version = self.posting_templates.on(code, on).ok_or_else(unknown)?;
        let compiled = self.compiled.get(&(code.to_owned(), version.version)).ok_or_else(unknown)?;
        match &**compiled {
            Ok(compiled) if compiled.template.closed => Err(Rule::TemplateClosed { code: code.to_owned() }),
            Ok(compiled) => Ok(compiled),
            // It was sound when it was saved; what is read back from the books may have been made by another version.
            Err(fault) => Err(Rule::ExpressionFailed(fault.to_string())),
        }
    }

    /// The code of the template that books facts of a type.
    pub fn template_of_fact(&self, kind: &str, on: NaiveDate) -> Option<&str> {
        self.posting_templates.all_on(on).find_map(|version| match &version.content {
            BaseContent::PostingTemplate(template) if !template.closed => {
                template.fact(kind).map(|_| template.code.as_str())
            }
            _ => None,
        })
    }

    /// Whether the books open on a date. A year whose calendar is not loaded is an error, never a guess.
    pub fn is_business_day(&self, date: NaiveDate) -> Result<bool, Rule> {
        Calendars::is_business_day(self, date).map_err(|_| Rule::CalendarMissing { year: date.year() })
    }

    /// The value of a parameter, as text.
    pub fn parameter(&self, code: &'static str, on: NaiveDate) -> Result<&str, Rule> {
        match self.parameters.on(code, on).map(|version| &version.content) {
            Some(BaseContent::Parameter(parameter)) => Ok(&parameter.value),
            _ => Err(Rule::BaseRecordUnknown {
                kind: BaseKind::Parameter.name().into(),
                code: code.to_owned(),
                on,
            }),
        }
    }

    pub fn base_currency(&self, on: NaiveDate) -> Result<CurrencyCode, Rule> {
        self.parameter(parameters::BASE_CURRENCY, on).map(CurrencyCode::new)
    }

    /// The ledger code on which, or below which, inter-branch accounts (系统内往来) stand.
    pub fn inter_branch_code(&self, on: NaiveDate) -> Result<LedgerCodeNumber, Rule> {
        self.parameter(parameters::INTER_BRANCH_CODE, on).map(LedgerCodeNumber::new)
    }

    /// The ledger code on which, or below which, currencies meet (货币兑换).
    pub fn exchange_code(&self, on: NaiveDate) -> Result<LedgerCodeNumber, Rule> {
        self.parameter(parameters::EXCHANGE_CODE, on).map(LedgerCodeNumber::new)
    }

    /// The ledger code of debits in suspense (待处理应收款项).
    pub fn suspense_receivable_code(&self, on: NaiveDate) -> Result<LedgerCodeNumber, Rule> {
        self.parameter(parameters::SUSPENSE_RECEIVABLE_CODE, on).map(LedgerCodeNumber::new)
    }

    /// The ledger code of credits in suspense (待处理应付款项).
    pub fn suspense_payable_code(&self, on: NaiveDate) -> Result<LedgerCodeNumber, Rule> {
        self.parameter(parameters::SUSPENSE_PAYABLE_CODE, on).map(LedgerCodeNumber::new)
    }

    pub fn value_date_back_days_max(&self, on: NaiveDate) -> Result<u64, Rule> {
        self.days(parameters::VALUE_DATE_BACK_DAYS_MAX, on)
    }

    pub fn value_date_forward_days_max(&self, on: NaiveDate) -> Result<u64, Rule> {
        self.days(parameters::VALUE_DATE_FORWARD_DAYS_MAX, on)
    }

    pub fn hold_days_max(&self, on: NaiveDate) -> Result<u64, Rule> {
        self.days(parameters::HOLD_DAYS_MAX, on)
    }

    pub fn open_holds_max(&self, on: NaiveDate) -> Result<u64, Rule> {
        let value = self.parameter(parameters::OPEN_HOLDS_MAX, on)?;
        Ok(value.parse().expect("invariant: a parameter has the form of its rule"))
    }

    /// The largest amount of a line, an overdraft line or a freeze.
    pub fn amount_max(&self, on: NaiveDate) -> Result<Decimal, Rule> {
        let value = self.parameter(parameters::AMOUNT_MAX, on)?;
        Ok(value.parse().expect("invariant: a parameter has the form of its rule"))
    }

    /// The last business date of the opening period (建账期).
    pub fn opening_period_until(&self, on: NaiveDate) -> Result<NaiveDate, Rule> {
        self.date(parameters::OPENING_PERIOD_UNTIL, on)
    }

    /// The earliest accounting date of what is moved in.
    pub fn opening_history_from(&self, on: NaiveDate) -> Result<NaiveDate, Rule> {
        self.date(parameters::OPENING_HISTORY_FROM, on)
    }

    fn date(&self, code: &'static str, on: NaiveDate) -> Result<NaiveDate, Rule> {
        let value = self.parameter(code, on)?;
        Ok(value.parse().expect("invariant: a parameter has the form of its rule"))
    }

    fn days(&self, code: &'static str, on: NaiveDate) -> Result<u64, Rule> {
        let value = self.parameter(code, on)?;
        Ok(value.parse().expect("invariant: a parameter has the form of its rule"))
    }

    /// The versions of a record that are in force on a date, or come into force later.
    pub fn standing(&self, kind: BaseKind, code: &str, on: NaiveDate) -> Vec<BaseVersion> {
        self.records(kind).standing(code, on).cloned().collect()
    }

    fn insert(&mut self, version: Arc<BaseVersion>) {
        if let BaseContent::PostingTemplate(template) = &version.content {
            let compiled = Arc::new(Compiled::new(template.clone()));
            self.compiled.insert((template.code.clone(), version.version), compiled);
        }
        self.records_mut(version.content.kind()).insert(version);
    }

    fn records(&self, kind: BaseKind) -> &Records {
        match kind {
            BaseKind::Currency => &self.currencies,
            BaseKind::Parameter => &self.parameters,
            BaseKind::CalendarYear => &self.calendars,
            BaseKind::LedgerCode => &self.ledger_codes,
            BaseKind::Branch => &self.branches,
            BaseKind::Operator => &self.operators,
            BaseKind::ExchangeRate => &self.exchange_rates,
            BaseKind::InterestRate => &self.interest_rates,
            BaseKind::PostingTemplate => &self.posting_templates,
        }
    }

    fn records_mut(&mut self, kind: BaseKind) -> &mut Records {
        match kind {
            BaseKind::Currency => &mut self.currencies,
            BaseKind::Parameter => &mut self.parameters,
            BaseKind::CalendarYear => &mut self.calendars,
            BaseKind::LedgerCode => &mut self.ledger_codes,
            BaseKind::Branch => &mut self.branches,
            BaseKind::Operator => &mut self.operators,
            BaseKind::ExchangeRate => &mut self.exchange_rates,
            BaseKind::InterestRate => &mut self.interest_rates,
            BaseKind::PostingTemplate => &mut self.posting_templates,
        }
    }
}

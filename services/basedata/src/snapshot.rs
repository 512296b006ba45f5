//! The base data of the bank as one value, looked up on a date.

use chrono::{Datelike, NaiveDate};
use dated::{Content, Register};

use crate::{
    calendar::Calendars,
    ids::{BranchCode, CurrencyCode, OperatorCode},
    records::{Branch, BranchKind, CalendarYear, CurrencyRecord, Operator, Parameter},
    refusal::Rule,
};

/// What a service that is not accounting knows of the bank: every version that is in force, or will be.
#[derive(Clone, Debug, Default)]
pub struct BaseData {
    pub(crate) branches: Register<Branch>,
    pub(crate) operators: Register<Operator>,
    pub(crate) currencies: Register<CurrencyRecord>,
    pub(crate) calendars: Register<CalendarYear>,
    pub(crate) parameters: Register<Parameter>,
    /// The business day that is open.
    pub(crate) business_date: Option<NaiveDate>,
}

impl BaseData {
    /// The business date (营业日).
    pub fn business_date(&self) -> Result<NaiveDate, Rule> {
        self.business_date.ok_or(Rule::NoBusinessDay)
    }

    /// A branch that is open.
    pub fn open_branch(&self, code: &BranchCode, on: NaiveDate) -> Result<&Branch, Rule> {
        let unknown = || Rule::BranchUnknown { branch: code.clone() };
        let branch = &self.branches.on(code.as_str(), on).ok_or_else(unknown)?.content;
        if branch.closed {
            return Err(Rule::BranchClosed { branch: code.clone() });
        }
        Ok(branch)
    }

    /// The one branch above all (总行).
    pub fn head_office(&self, on: NaiveDate) -> Option<&Branch> {
        let branches = self.branches.all_on(on).map(|version| &version.content);
        branches.into_iter().find(|branch| branch.kind == BranchKind::HeadOffice)
    }

    /// An operator who may act.
    pub fn acting_operator(&self, code: &OperatorCode, on: NaiveDate) -> Result<&Operator, Rule> {
        let unknown = || Rule::OperatorUnknown { operator: code.clone() };
        let operator = &self.operators.on(code.as_str(), on).ok_or_else(unknown)?.content;
        if operator.suspended {
            return Err(Rule::OperatorSuspended { operator: code.clone() });
        }
        Ok(operator)
    }

    pub fn currency(&self, code: &CurrencyCode, on: NaiveDate) -> Option<&CurrencyRecord> {
        self.currencies.on(code.as_str(), on).map(|version| &version.content)
    }

    /// The value of a parameter (参数), as text.
    pub fn parameter(&self, code: &str, on: NaiveDate) -> Option<&str> {
        self.parameters.on(code, on).map(|version| version.content.value.as_str())
    }
}

impl Calendars for BaseData {
    fn calendar(&self, date: NaiveDate) -> Option<&CalendarYear> {
        self.calendars.on(&date.year().to_string(), date).map(|version| &version.content)
    }
}

impl Content for Branch {
    fn code(&self) -> String {
        self.code.to_string()
    }
}

impl Content for Operator {
    fn code(&self) -> String {
        self.code.to_string()
    }
}

impl Content for CurrencyRecord {
    fn code(&self) -> String {
        self.code.to_string()
    }
}

impl Content for CalendarYear {
    fn code(&self) -> String {
        self.year.to_string()
    }
}

impl Content for Parameter {
    fn code(&self) -> String {
        self.code.clone()
    }
}

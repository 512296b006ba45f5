//! Printed batches (印制批次): the only way in which numbers enter (VOU-1).

use basedata::{
    BaseData,
    ids::{BranchCode, OperatorCode},
};
use chrono::{DateTime, NaiveDate, Utc};
use dated::Register;
use rust_decimal::Decimal;

use super::{
    kind::Kind,
    number::{NamedRange, Range},
    refusal::{Refusal, Rule},
};

/// A batch that is to be received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    pub branch: BranchCode,
    pub range: NamedRange,
    pub printer: String,
}

/// A batch that may be received.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewBatch {
    pub kind: Kind,
    pub range: Range,
    pub branch: BranchCode,
    pub printer: String,
    pub received_on: NaiveDate,
    pub operator: OperatorCode,
}

/// A batch as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    pub number: i64,
    pub kind: String,
    pub range: Range,
    pub branch: BranchCode,
    pub printer: String,
    pub value: Decimal,
    pub received_on: NaiveDate,
    pub operator: OperatorCode,
    pub recorded_at: DateTime<Utc>,
}

impl Receipt {
    /// Decides on a receipt by an operator of the branch that receives. Whether its numbers are new is the table's to know.
    pub fn decide(
        &self,
        bank: &BaseData,
        kinds: &Register<Kind>,
        operator: &OperatorCode,
        on: NaiveDate,
    ) -> Result<NewBatch, ::refusal::Refusal> {
        bank.open_branch(&self.branch, on).map_err(|rule| rule.at("branch"))?;
        of_branch(bank, operator, &self.branch, on)?;
        let kind = kind_on(kinds, &self.range.kind, on)?;
        if kind.closed {
            return Err(Rule::KindClosed { kind: kind.code.clone() }.at("range.kind").into());
        }
        let range = kind.range(&self.range)?;
        Ok(NewBatch {
            kind: kind.clone(),
            range,
            branch: self.branch.clone(),
            printer: self.printer.clone(),
            received_on: on,
            operator: operator.clone(),
        })
    }
}

/// A kind in force.
pub fn kind_on<'a>(kinds: &'a Register<Kind>, code: &str, on: NaiveDate) -> Result<&'a Kind, Refusal> {
    let unknown = || Rule::KindUnknown { kind: code.to_owned(), on }.at("range.kind");
    kinds.on(code, on).map(|version| &version.content).ok_or_else(unknown)
}

/// Only operators of a branch act for it.
pub fn of_branch(
    bank: &BaseData,
    code: &OperatorCode,
    expected: &BranchCode,
    on: NaiveDate,
) -> Result<(), ::refusal::Refusal> {
    let operator = bank.acting_operator(code, on).map_err(basedata::refusal::Refusal::from)?;
    if operator.branch == *expected {
        return Ok(());
    }
    let (operator, branch) = (code.clone(), operator.branch.clone());
    Err(Refusal::from(Rule::OperatorOfAnotherBranch { operator, branch, expected: expected.clone() }).into())
}

/// What numbers count for in the off-balance register.
pub fn value(kind: &Kind, range: Range) -> Decimal {
    kind.unit_value * Decimal::from(range.count())
}

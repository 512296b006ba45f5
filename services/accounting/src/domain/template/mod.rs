//! Posting templates (核算模板): for a business transaction code the lines that it makes, as data. What a template says is here;
//! [`Compiled`] makes lines of it, and the rules that it keeps are with those of base data.

mod compiled;
mod expression;
mod from_fact;
mod narrative;
mod values;

use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

pub use compiled::{Compiled, Expanded, FaultyTemplate, Setting};
pub use expression::EXPRESSION_CHARS_MAX;
pub use from_fact::FromFact;
pub use values::{ACTING_BRANCH, is_field_name, names_of};

use super::{
    ids::{AccountNumber, BranchCode, CurrencyCode, LedgerCodeNumber},
    side::Side,
    transaction::AccountRef,
};

/// Most fields of a template: a form that a person fills in.
pub const FIELDS_MAX: usize = 50;
/// Most examples of a template: each is evaluated whenever it is saved.
pub const EXAMPLES_MAX: usize = 20;
/// Most kinds of fact that one template books.
pub const FACTS_MAX: usize = 20;

/// A posting template (核算模板).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PostingTemplate {
    /// The business transaction code.
    pub code: String,
    pub title: String,
    pub fields: Vec<TemplateField>,
    pub lines: Vec<TemplateLine>,
    pub examples: Vec<TemplateExample>,
    /// The facts that are booked by it.
    pub facts: Vec<TemplateFact>,
    /// Of the posting, with `{field}` for what a field says; used when the transaction has none.
    pub narrative: String,
    /// Whether it books nothing any more.
    pub closed: bool,
}

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FieldKind {
    Amount,
    Text,
    Account,
    Branch,
    Integer,
    Date,
}

/// A field that the transaction's maker fills in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateField {
    pub name: String,
    pub kind: FieldKind,
    pub required: bool,
}

/// A line that the template makes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateLine {
    pub account: AccountSource,
    pub side: Side,
    /// Expression.
    pub amount: String,
    pub currency: CurrencySource,
    /// Expression: the line is made when it holds. Empty: always.
    pub condition: String,
    /// With `{field}` for what a field says.
    pub narrative: String,
}

/// Where a line's account comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AccountSource {
    Number(AccountNumber),
    /// The account that a field names.
    Field(String),
    /// The one internal account of a branch on a code.
    OfBranch {
        branch: BranchSource,
        ledger_code: LedgerCodeNumber,
    },
}

/// Where a branch comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BranchSource {
    /// The branch acted in.
    Acting,
    Code(BranchCode),
    /// The branch that a field names.
    Field(String),
}

/// Where a line's currency comes from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CurrencySource {
    Code(CurrencyCode),
    /// That of an amount.
    Field(String),
}

/// What a field is given, before the template says what it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Given {
    Text(String),
    Amount { currency: CurrencyCode, amount: Decimal },
    Integer(i64),
}

/// A field with what it is given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GivenField {
    pub name: String,
    pub value: Given,
}

/// An example: what the template makes of these values.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateExample {
    pub title: String,
    /// The branch acted in.
    pub branch: BranchCode,
    pub fields: Vec<GivenField>,
    pub lines: Vec<ExampleLine>,
}

/// A line that an example expects.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExampleLine {
    pub account: AccountRef,
    pub side: Side,
    pub currency: CurrencyCode,
    pub amount: Decimal,
    pub narrative: String,
}

/// A kind of fact that is booked by the template, and where its values are: JSON pointers (RFC 6901) into the fact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TemplateFact {
    /// The type of the fact, as its `ce_type` says.
    pub kind: String,
    /// The branch acted in.
    pub branch: String,
    /// When the customer did it; the business date when empty.
    pub transaction_date: String,
    pub fields: Vec<FactField>,
}

/// Where in a fact a field's value is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FactField {
    pub name: String,
    pub pointer: String,
}

impl PostingTemplate {
    /// The field of this name.
    pub fn field(&self, name: &str) -> Option<&TemplateField> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// How it books facts of a type.
    pub fn fact(&self, kind: &str) -> Option<&TemplateFact> {
        self.facts.iter().find(|fact| fact.kind == kind)
    }
}

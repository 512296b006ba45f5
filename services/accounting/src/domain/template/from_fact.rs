//! What a template finds in a fact, by its JSON pointers.

use chrono::NaiveDate;
use serde_json::Value;

use super::{
    Compiled, FieldKind, Given, GivenField,
    values::{branch_of, date_of},
};
use crate::domain::{
    ids::{BranchCode, CurrencyCode},
    refusal::{Refusal, Rule},
};

/// What a template finds in a fact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FromFact {
    /// The branch acted in.
    pub branch: BranchCode,
    pub transaction_date: Option<NaiveDate>,
    /// The fields that the fact fills: what is absent or null there is not given.
    pub fields: Vec<GivenField>,
}

impl FromFact {
    /// Reads a fact of a type as the template says. Refusals name the pointer.
    pub fn read(template: &Compiled, kind: &str, payload: &Value) -> Result<Self, Refusal> {
        let template = &template.template;
        let fact =
            template.fact(kind).ok_or_else(|| Rule::FieldInvalid(format!("books no {kind}")).at("facts"))?;
        let at = |pointer: &str| payload.pointer(pointer).filter(|value| !value.is_null());
        let invalid = |pointer: &str, must: &str| Rule::FieldInvalid(must.to_owned()).at(pointer);

        let branch = at(&fact.branch).and_then(Value::as_str).and_then(branch_of);
        let branch = branch.ok_or_else(|| invalid(&fact.branch, "must be a branch, as its code"))?;
        let transaction_date = match fact.transaction_date.as_str() {
            "" => None,
            pointer => match at(pointer) {
                None => None,
                Some(value) => {
                    let date = value.as_str().and_then(date_of);
                    Some(date.ok_or_else(|| invalid(pointer, "must be a date as YYYY-MM-DD"))?)
                }
            },
        };
        let mut fields = Vec::with_capacity(fact.fields.len());
        for field in &fact.fields {
            let Some(value) = at(&field.pointer) else { continue };
            let is_amount = template.field(&field.name).is_some_and(|field| field.kind == FieldKind::Amount);
            let value = given(value, is_amount)
                .ok_or_else(|| invalid(&field.pointer, "must be a text, an integer or an amount"))?;
            fields.push(GivenField { name: field.name.clone(), value });
        }
        Ok(Self { branch, transaction_date, fields })
    }
}

/// A value as the JSON of Protobuf writes it: an amount is an object with its currency.
fn given(value: &Value, is_amount: bool) -> Option<Given> {
    match value {
        Value::String(text) => Some(Given::Text(text.clone())),
        Value::Number(number) => number.as_i64().map(Given::Integer),
        Value::Object(money) if is_amount => {
            let currency = money.get("currency")?.as_str()?;
            let amount = money::parse_amount(money.get("amount")?.as_str()?).ok()?;
            Some(Given::Amount { currency: CurrencyCode::new(currency), amount })
        }
        _ => None,
    }
}

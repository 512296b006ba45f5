//! The values of a template's fields: what was given, as what the template declares; and as expressions see it.
//!
//! An amount `fee` is the number `fee` and the text `fee_currency`; an integer is a number, everything else a text. A field that
//! is not required and not given is zero, or an empty text. `branch` is the branch acted in.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use rhai::Scope;
use rust_decimal::Decimal;

use super::{FieldKind, Given, GivenField, PostingTemplate, TemplateField};
use crate::domain::{
    ids::{AccountNumber, BranchCode, CurrencyCode},
    refusal::{Refusal, Rule},
};

/// What the branch acted in is called.
pub const ACTING_BRANCH: &str = "branch";

/// Longest name of a field, in characters.
const NAME_CHARS_MAX: usize = 32;
/// Longest text of a field, in characters.
const TEXT_CHARS_MAX: usize = 200;
/// Longest account number or branch code.
const CODE_CHARS_MAX: usize = 32;

/// What a field holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    Amount { currency: CurrencyCode, amount: Decimal },
    Text(String),
    Account(AccountNumber),
    Branch(BranchCode),
    Integer(i64),
    Date(NaiveDate),
}

/// The values of a template's fields, by name.
#[derive(Clone, Debug, Default)]
pub(super) struct Values<'a>(BTreeMap<&'a str, Value>);

/// Whether a field may have this name: lower-case letters, digits and `_`, beginning with a letter.
pub fn is_field_name(name: &str) -> bool {
    name.len() <= NAME_CHARS_MAX
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'_')
        && !["true", "false"].contains(&name)
}

/// What expressions call what a field holds.
pub fn names_of(field: &TemplateField) -> Vec<String> {
    match field.kind {
        FieldKind::Amount => vec![field.name.clone(), currency_of(&field.name)],
        _ => vec![field.name.clone()],
    }
}

fn currency_of(amount: &str) -> String {
    format!("{amount}_currency")
}

impl<'a> Values<'a> {
    /// Reads what was given as the template declares it.
    pub fn read(template: &'a PostingTemplate, given: &[GivenField]) -> Result<Self, Refusal> {
        let mut values = BTreeMap::new();
        for (place, GivenField { name, value }) in given.iter().enumerate() {
            let at = format!("fields[{place}]");
            let Some(field) = template.field(name) else {
                return Err(Rule::FieldUnknown { name: name.clone() }.at(at));
            };
            let value = read(field.kind, value)
                .map_err(|rule| Rule::FieldInvalid(format!("{name} {rule}")).at(at.clone()))?;
            if values.insert(field.name.as_str(), value).is_some() {
                return Err(Rule::FieldInvalid(format!("{name} is given twice")).at(at));
            }
        }
        let missing =
            template.fields.iter().find(|field| field.required && !values.contains_key(&*field.name));
        match missing {
            Some(field) => Err(Rule::FieldMissing { name: field.name.clone() }.at("fields")),
            None => Ok(Self(values)),
        }
    }

    pub fn account(&self, field: &str) -> Option<&AccountNumber> {
        match self.0.get(field)? {
            Value::Account(number) => Some(number),
            _ => None,
        }
    }

    pub fn branch(&self, field: &str) -> Option<&BranchCode> {
        match self.0.get(field)? {
            Value::Branch(branch) => Some(branch),
            _ => None,
        }
    }

    pub fn currency(&self, field: &str) -> Option<&CurrencyCode> {
        match self.0.get(field)? {
            Value::Amount { currency, .. } => Some(currency),
            _ => None,
        }
    }

    /// What a narrative says of a field.
    pub fn text_of(&self, field: &str) -> String {
        match self.0.get(field) {
            None => String::new(),
            Some(Value::Amount { currency, amount }) => format!("{amount} {currency}"),
            Some(Value::Text(text)) => text.clone(),
            Some(Value::Account(number)) => number.to_string(),
            Some(Value::Branch(branch)) => branch.to_string(),
            Some(Value::Integer(number)) => number.to_string(),
            Some(Value::Date(date)) => date.to_string(),
        }
    }

    /// What expressions see.
    pub fn scope(&self, template: &PostingTemplate, acting: &BranchCode) -> Scope<'static> {
        let mut scope = Scope::new();
        scope.push(ACTING_BRANCH, acting.to_string());
        for field in &template.fields {
            let name = field.name.clone();
            match (field.kind, self.0.get(&*field.name)) {
                (FieldKind::Amount, Some(Value::Amount { currency, amount })) => {
                    scope.push(currency_of(&name), currency.to_string()).push(name, *amount);
                }
                (FieldKind::Amount, _) => {
                    scope.push(currency_of(&name), String::new()).push(name, Decimal::ZERO);
                }
                (FieldKind::Integer, Some(Value::Integer(number))) => {
                    scope.push(name, *number);
                }
                (FieldKind::Integer, _) => {
                    scope.push(name, 0_i64);
                }
                _ => {
                    scope.push(name, self.text_of(&field.name));
                }
            }
        }
        scope
    }
}

/// What was given, as a kind of field.
fn read(kind: FieldKind, given: &Given) -> Result<Value, &'static str> {
    match (kind, given) {
        (FieldKind::Amount, Given::Amount { currency, amount }) => {
            Ok(Value::Amount { currency: currency.clone(), amount: *amount })
        }
        (FieldKind::Integer, Given::Integer(number)) => Ok(Value::Integer(*number)),
        // The JSON of Protobuf writes integers of 64 bits as texts.
        (FieldKind::Integer, Given::Text(text)) => {
            text.parse().map(Value::Integer).map_err(|_| "must be an integer")
        }
        (FieldKind::Text, Given::Integer(number)) => Ok(Value::Text(number.to_string())),
        (FieldKind::Text, Given::Text(text)) if is_text(text) => Ok(Value::Text(text.clone())),
        (FieldKind::Account, Given::Text(text)) => {
            let number = text.strip_prefix("accounts/").unwrap_or(text);
            digits(number)
                .map(|number| Value::Account(AccountNumber::new(number)))
                .ok_or("must be an account, as accounts/{number}")
        }
        (FieldKind::Branch, Given::Text(text)) => {
            branch_of(text).map(Value::Branch).ok_or("must be a branch, as its code")
        }
        (FieldKind::Date, Given::Text(text)) => {
            date_of(text).map(Value::Date).ok_or("must be a date as YYYY-MM-DD")
        }
        (FieldKind::Amount, _) => Err("must be an amount with its currency"),
        (FieldKind::Integer, _) => Err("must be an integer"),
        (FieldKind::Text, _) => Err("must be a text of at most 200 characters, none of control"),
        (FieldKind::Account, _) => Err("must be an account, as accounts/{number}"),
        (FieldKind::Branch, _) => Err("must be a branch, as its code"),
        (FieldKind::Date, _) => Err("must be a date as YYYY-MM-DD"),
    }
}

fn is_text(text: &str) -> bool {
    text.chars().count() <= TEXT_CHARS_MAX && !text.chars().any(char::is_control)
}

fn digits(text: &str) -> Option<&str> {
    let is_digits =
        !text.is_empty() && text.len() <= CODE_CHARS_MAX && text.bytes().all(|byte| byte.is_ascii_digit());
    is_digits.then_some(text)
}

/// The branch that a text means: its code, or its name.
pub(super) fn branch_of(text: &str) -> Option<BranchCode> {
    digits(text.strip_prefix("branches/").unwrap_or(text)).map(BranchCode::new)
}

/// The date that a text means, in the one form that dates have.
pub(super) fn date_of(text: &str) -> Option<NaiveDate> {
    let date: NaiveDate = text.parse().ok()?;
    (date.to_string() == text).then_some(date)
}

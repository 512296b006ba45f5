//! Posting templates, and the fields of business transactions.

use ::refusal::{Refusal, field_invalid};
use form::{amount, choice, code, currency_code, required_text, text};
use pb::business_field::Value;
use proto_accounting::v1 as pb;
use proto_common::common::v1 as common;

use super::{
    account_name,
    line::{
        NARRATIVE_CHARS_MAX, TITLE_CHARS_MAX, TRANSACTION_CODE_CHARS_MAX, account_ref, ref_to_proto,
        side_from_proto, side_to_proto,
    },
};
use crate::domain::{
    ids::{BranchCode, LedgerCodeNumber},
    template::{
        ACTING_BRANCH, AccountSource, BranchSource, CurrencySource, EXPRESSION_CHARS_MAX, ExampleLine,
        FactField, FieldKind, Given, GivenField, PostingTemplate, TemplateExample, TemplateFact,
        TemplateField, TemplateLine,
    },
};

/// Longest text that a field of a business transaction is given: that of the longest field.
const VALUE_CHARS_MAX: usize = 200;
/// Longest name of a field.
const NAME_CHARS_MAX: usize = 32;
/// Longest JSON pointer.
const POINTER_CHARS_MAX: usize = 200;
/// Longest type of a fact.
const FACT_CHARS_MAX: usize = 120;

/// Converts each item of a list, with the item's path.
fn each<P, D>(
    field: &str,
    name: &str,
    items: Vec<P>,
    convert: impl Fn(&str, P) -> Result<D, Refusal>,
) -> Result<Vec<D>, Refusal> {
    items.into_iter().enumerate().map(|(i, item)| convert(&format!("{field}.{name}[{i}]"), item)).collect()
}

/// The template of a request.
pub fn from_proto(field: &str, value: pb::PostingTemplate) -> Result<PostingTemplate, Refusal> {
    Ok(PostingTemplate {
        code: code(&format!("{field}.code"), value.code, TRANSACTION_CODE_CHARS_MAX)?,
        title: required_text(&format!("{field}.title"), value.title, TITLE_CHARS_MAX)?,
        fields: each(field, "fields", value.fields, declared)?,
        lines: each(field, "lines", value.lines, line)?,
        examples: each(field, "examples", value.examples, example)?,
        facts: each(field, "facts", value.facts, fact)?,
        narrative: text(&format!("{field}.narrative"), value.narrative, NARRATIVE_CHARS_MAX)?,
        closed: value.closed,
    })
}

fn declared(field: &str, value: pb::TemplateField) -> Result<TemplateField, Refusal> {
    Ok(TemplateField {
        name: text(&format!("{field}.name"), value.name, NAME_CHARS_MAX)?,
        kind: choice(&format!("{field}.type"), value.r#type, |kind| match kind {
            pb::TemplateFieldType::Unspecified => None,
            pb::TemplateFieldType::Amount => Some(FieldKind::Amount),
            pb::TemplateFieldType::Text => Some(FieldKind::Text),
            pb::TemplateFieldType::Account => Some(FieldKind::Account),
            pb::TemplateFieldType::Branch => Some(FieldKind::Branch),
            pb::TemplateFieldType::Integer => Some(FieldKind::Integer),
            pb::TemplateFieldType::Date => Some(FieldKind::Date),
        })?,
        required: value.required,
    })
}

fn line(field: &str, value: pb::TemplateLine) -> Result<TemplateLine, Refusal> {
    Ok(TemplateLine {
        account: account_source(&format!("{field}.account"), &value.account)?,
        side: choice(&format!("{field}.side"), value.side, side_from_proto)?,
        amount: required_text(&format!("{field}.amount"), value.amount, EXPRESSION_CHARS_MAX)?,
        currency: currency_source(&format!("{field}.currency"), value.currency)?,
        condition: text(&format!("{field}.condition"), value.condition, EXPRESSION_CHARS_MAX)?,
        narrative: text(&format!("{field}.narrative"), value.narrative, NARRATIVE_CHARS_MAX)?,
    })
}

/// The name of a field in braces.
fn in_braces(text: &str) -> Option<&str> {
    text.strip_prefix('{')?.strip_suffix('}')
}

fn account_source(field: &str, value: &str) -> Result<AccountSource, Refusal> {
    if let Some(name) = in_braces(value) {
        return Ok(AccountSource::Field(text(field, name.to_owned(), NAME_CHARS_MAX)?));
    }
    let Some((branch, ledger_code)) =
        value.strip_prefix("branches/").and_then(|rest| rest.split_once("/ledgerCodes/"))
    else {
        return account_name(field, value).map(AccountSource::Number);
    };
    let branch = match in_braces(branch) {
        Some(ACTING_BRANCH) => BranchSource::Acting,
        Some(name) => BranchSource::Field(text(field, name.to_owned(), NAME_CHARS_MAX)?),
        None => BranchSource::Code(BranchCode::new(code(field, branch.to_owned(), 6)?)),
    };
    let ledger_code = LedgerCodeNumber::new(code(field, ledger_code.to_owned(), 16)?);
    Ok(AccountSource::OfBranch { branch, ledger_code })
}

fn account_to_proto(source: &AccountSource) -> String {
    match source {
        AccountSource::Number(number) => format!("accounts/{number}"),
        AccountSource::Field(name) => format!("{{{name}}}"),
        AccountSource::OfBranch { branch, ledger_code } => {
            let branch = match branch {
                BranchSource::Acting => format!("{{{ACTING_BRANCH}}}"),
                BranchSource::Field(name) => format!("{{{name}}}"),
                BranchSource::Code(code) => code.to_string(),
            };
            format!("branches/{branch}/ledgerCodes/{ledger_code}")
        }
    }
}

fn currency_source(field: &str, value: String) -> Result<CurrencySource, Refusal> {
    if let Ok(code) = currency_code(field, &value) {
        return Ok(CurrencySource::Code(code));
    }
    Ok(CurrencySource::Field(required_text(field, value, NAME_CHARS_MAX)?))
}

fn example(field: &str, value: pb::TemplateExample) -> Result<TemplateExample, Refusal> {
    Ok(TemplateExample {
        title: text(&format!("{field}.title"), value.title, TITLE_CHARS_MAX)?,
        branch: BranchCode::new(code(&format!("{field}.branch"), value.branch, 6)?),
        fields: given(&format!("{field}.fields"), value.fields)?,
        lines: each(field, "lines", value.lines, example_line)?,
    })
}

fn example_line(field: &str, value: pb::TemplateExampleLine) -> Result<ExampleLine, Refusal> {
    let (currency, amount) = amount(&format!("{field}.amount"), value.amount)?;
    Ok(ExampleLine {
        account: account_ref(&format!("{field}.account"), &value.account)?,
        side: choice(&format!("{field}.side"), value.side, side_from_proto)?,
        currency,
        amount,
        narrative: text(&format!("{field}.narrative"), value.narrative, NARRATIVE_CHARS_MAX)?,
    })
}

fn fact(field: &str, value: pb::TemplateFact) -> Result<TemplateFact, Refusal> {
    Ok(TemplateFact {
        kind: code(&format!("{field}.type"), value.r#type, FACT_CHARS_MAX)?,
        branch: required_text(&format!("{field}.branch"), value.branch, POINTER_CHARS_MAX)?,
        transaction_date: text(
            &format!("{field}.transaction_date"),
            value.transaction_date,
            POINTER_CHARS_MAX,
        )?,
        fields: each(field, "fields", value.fields, |field, value: pb::TemplateFactField| {
            Ok(FactField {
                name: text(&format!("{field}.name"), value.name, NAME_CHARS_MAX)?,
                pointer: required_text(&format!("{field}.pointer"), value.pointer, POINTER_CHARS_MAX)?,
            })
        })?,
    })
}

/// The fields of a business transaction, as they were given.
pub fn given(field: &str, fields: Vec<pb::BusinessField>) -> Result<Vec<GivenField>, Refusal> {
    let each = |(i, value): (usize, pb::BusinessField)| {
        let field = format!("{field}[{i}]");
        let name = required_text(&format!("{field}.name"), value.name, NAME_CHARS_MAX)?;
        let value = match value.value {
            None => return Err(field_invalid(field, "must have a value")),
            Some(Value::Text(value)) => Given::Text(text(&format!("{field}.text"), value, VALUE_CHARS_MAX)?),
            Some(Value::Integer(value)) => Given::Integer(value),
            Some(Value::Amount(value)) => {
                let (currency, amount) = amount(&format!("{field}.amount"), Some(value))?;
                Given::Amount { currency, amount }
            }
        };
        Ok(GivenField { name, value })
    };
    fields.into_iter().enumerate().map(each).collect()
}

/// A template, for the contract.
pub fn to_proto(template: &PostingTemplate) -> pb::PostingTemplate {
    pb::PostingTemplate {
        code: template.code.clone(),
        title: template.title.clone(),
        fields: template.fields.iter().map(field_to_proto).collect(),
        lines: template.lines.iter().map(line_to_proto).collect(),
        examples: template.examples.iter().map(example_to_proto).collect(),
        facts: template.facts.iter().map(fact_to_proto).collect(),
        narrative: template.narrative.clone(),
        closed: template.closed,
    }
}

fn field_to_proto(field: &TemplateField) -> pb::TemplateField {
    let kind = match field.kind {
        FieldKind::Amount => pb::TemplateFieldType::Amount,
        FieldKind::Text => pb::TemplateFieldType::Text,
        FieldKind::Account => pb::TemplateFieldType::Account,
        FieldKind::Branch => pb::TemplateFieldType::Branch,
        FieldKind::Integer => pb::TemplateFieldType::Integer,
        FieldKind::Date => pb::TemplateFieldType::Date,
    };
    pb::TemplateField { name: field.name.clone(), r#type: kind.into(), required: field.required }
}

fn line_to_proto(line: &TemplateLine) -> pb::TemplateLine {
    pb::TemplateLine {
        account: account_to_proto(&line.account),
        side: side_to_proto(line.side).into(),
        amount: line.amount.clone(),
        currency: match &line.currency {
            CurrencySource::Code(code) => code.to_string(),
            CurrencySource::Field(name) => name.clone(),
        },
        condition: line.condition.clone(),
        narrative: line.narrative.clone(),
    }
}

fn example_to_proto(example: &TemplateExample) -> pb::TemplateExample {
    let field = |field: &GivenField| pb::BusinessField {
        name: field.name.clone(),
        value: Some(match &field.value {
            Given::Text(text) => Value::Text(text.clone()),
            Given::Integer(number) => Value::Integer(*number),
            Given::Amount { currency, amount } => {
                Value::Amount(common::Money { currency: currency.to_string(), amount: amount.to_string() })
            }
        }),
    };
    let line = |line: &ExampleLine| pb::TemplateExampleLine {
        account: ref_to_proto(&line.account),
        side: side_to_proto(line.side).into(),
        amount: Some(common::Money { currency: line.currency.to_string(), amount: line.amount.to_string() }),
        narrative: line.narrative.clone(),
    };
    pb::TemplateExample {
        title: example.title.clone(),
        branch: example.branch.to_string(),
        fields: example.fields.iter().map(field).collect(),
        lines: example.lines.iter().map(line).collect(),
    }
}

fn fact_to_proto(fact: &TemplateFact) -> pb::TemplateFact {
    let field = |field: &FactField| pb::TemplateFactField {
        name: field.name.clone(),
        pointer: field.pointer.clone(),
    };
    pb::TemplateFact {
        r#type: fact.kind.clone(),
        branch: fact.branch.clone(),
        transaction_date: fact.transaction_date.clone(),
        fields: fact.fields.iter().map(field).collect(),
    }
}

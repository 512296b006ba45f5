//! Rules of posting templates (核算模板): every name declared, every expression compiled, every example balanced and as it says.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;
use rust_decimal::Decimal;

use super::{invalid, known_currency, unknown};
use crate::domain::{
    account_number,
    base::{BaseContent, BaseKind, LedgerClass},
    ids::{BranchCode, CurrencyCode, LedgerCodeNumber},
    reference::Reference,
    refusal::Refusal,
    side::Side,
    template::{
        ACTING_BRANCH, AccountSource, BranchSource, Compiled, CurrencySource, EXAMPLES_MAX, ExampleLine,
        FACTS_MAX, FIELDS_MAX, FieldKind, PostingTemplate, Setting, TemplateExample, TemplateFact,
        TemplateLine, is_field_name, names_of,
    },
    transaction::{AccountRef, LINES_MAX, Line},
};

/// Checks a template from a date on.
pub(super) fn posting_template(
    reference: &Reference,
    template: &PostingTemplate,
    on: NaiveDate,
) -> Result<(), Refusal> {
    for (name, count, max) in [
        ("fields", template.fields.len(), FIELDS_MAX),
        ("lines", template.lines.len(), LINES_MAX),
        ("examples", template.examples.len(), EXAMPLES_MAX),
        ("facts", template.facts.len(), FACTS_MAX),
    ] {
        if count > max {
            return Err(at(name, format!("has {count}, and at most {max} are allowed")));
        }
    }
    for (name, is_empty) in [("lines", template.lines.is_empty()), ("examples", template.examples.is_empty())]
    {
        if is_empty {
            return Err(at(name, "needs at least one"));
        }
    }
    check_names(template)?;
    for (place, line) in template.lines.iter().enumerate() {
        check_line(reference, template, line, on).map_err(|refusal| refusal.within(&in_lines(place)))?;
    }
    let compiled = Compiled::new(template.clone()).map_err(|fault| at(&fault.field, fault.message))?;
    for (place, example) in template.examples.iter().enumerate() {
        check_example(reference, &compiled, example, on)
            .map_err(|message| at(&format!("examples[{place}]"), message))?;
    }
    for (place, fact) in template.facts.iter().enumerate() {
        check_fact(reference, template, place, fact, on)
            .map_err(|message| at(&format!("facts[{place}]"), message))?;
    }
    Ok(())
}

fn at(field: &str, message: impl Into<String>) -> Refusal {
    invalid(format!("posting_template.{field}"), message)
}

fn in_lines(place: usize) -> String {
    format!("posting_template.lines[{place}]")
}

/// Every name means one thing in expressions.
fn check_names(template: &PostingTemplate) -> Result<(), Refusal> {
    let mut taken = BTreeSet::from([ACTING_BRANCH.to_owned()]);
    for (place, field) in template.fields.iter().enumerate() {
        let at = |message: &str| at(&format!("fields[{place}].name"), message);
        if !is_field_name(&field.name) {
            return Err(at("must have at most 32 lower-case letters, digits or _, and begin with a letter"));
        }
        for name in names_of(field) {
            if !taken.insert(name) {
                return Err(at(
                    "is taken: by another field, by the currency of an amount, or by the branch acted in",
                ));
            }
        }
    }
    Ok(())
}

/// A line names fields of the right kind, and what is in base data. Fields are named from the line on.
fn check_line(
    reference: &Reference,
    template: &PostingTemplate,
    line: &TemplateLine,
    on: NaiveDate,
) -> Result<(), Refusal> {
    let declared = |at: &str, name: &str, kind: FieldKind, what: &str| match template.field(name) {
        Some(field) if field.kind == kind => Ok(()),
        _ => Err(invalid(at, format!("names {name}, which is no field that holds {what}"))),
    };
    match &line.account {
        AccountSource::Number(number) if account_number::is_well_formed(number) => {}
        AccountSource::Number(_) => return Err(invalid("account", "is no account number")),
        AccountSource::Field(name) => declared("account", name, FieldKind::Account, "an account")?,
        AccountSource::OfBranch { branch, ledger_code } => {
            match branch {
                BranchSource::Acting => {}
                BranchSource::Field(name) => declared("account", name, FieldKind::Branch, "a branch")?,
                BranchSource::Code(code) => known_branch(reference, code, on)?,
            }
            known_leaf(reference, ledger_code, on)?;
        }
    }
    match &line.currency {
        CurrencySource::Code(code) => known_currency(reference, "currency", code, on).map(|_| ()),
        CurrencySource::Field(name) => declared("currency", name, FieldKind::Amount, "an amount"),
    }
}

fn known_branch(reference: &Reference, code: &BranchCode, on: NaiveDate) -> Result<(), Refusal> {
    match reference.branch(code, on) {
        Some(_) => Ok(()),
        None => Err(unknown("account", BaseKind::Branch, code, on)),
    }
}

fn known_leaf(reference: &Reference, code: &LedgerCodeNumber, on: NaiveDate) -> Result<(), Refusal> {
    match reference.ledger_code(code, on) {
        Some(code) if code.has_accounts && !code.closed => Ok(()),
        Some(_) => Err(invalid("account", format!("{code} has no accounts, or is closed"))),
        None => Err(unknown("account", BaseKind::LedgerCode, code, on)),
    }
}

/// An example makes the lines that it expects, and they balance.
fn check_example(
    reference: &Reference,
    compiled: &Compiled,
    example: &TemplateExample,
    on: NaiveDate,
) -> Result<(), String> {
    let exponent = |code: &CurrencyCode| reference.currency(code, on).map(|currency| currency.exponent);
    let setting = Setting { branch: &example.branch, exponent: &exponent };
    let made = compiled.expand(&example.fields, &setting).map_err(|refusal| refusal.to_string())?.lines;
    for (place, line) in made.iter().enumerate() {
        if line.amount <= Decimal::ZERO {
            return Err(format!("makes line {place} of {}, which is not above zero", line.amount));
        }
        let decimals_max = exponent(&line.currency).unwrap_or_default();
        if line.amount.normalize().scale() > u32::from(decimals_max) {
            return Err(format!(
                "makes line {place} of {}, with more decimals than {} has: round(...) it",
                line.amount, line.currency
            ));
        }
        match example.lines.get(place) {
            Some(expected) if is_as_expected(line, expected) => {}
            Some(expected) => {
                return Err(format!(
                    "makes line {place} {}, and expects {}",
                    describe_line(line),
                    describe_expected(expected)
                ));
            }
            None => return Err(format!("makes line {place} {}, and expects none", describe_line(line))),
        }
    }
    if let Some(expected) = example.lines.get(made.len()) {
        return Err(format!("makes no line {}, and expects {}", made.len(), describe_expected(expected)));
    }
    match unbalanced(reference, &made, on) {
        Some((currency, difference)) => {
            Err(format!("does not balance in {currency}: debits less credits are {difference}"))
        }
        None => Ok(()),
    }
}

fn is_as_expected(line: &Line, expected: &ExampleLine) -> bool {
    line.account == expected.account
        && line.side == expected.side
        && line.currency == expected.currency
        && line.amount == expected.amount
        && (expected.narrative.is_empty() || line.narrative == expected.narrative)
}

fn describe_line(line: &Line) -> String {
    describe(&line.account, line.side, line.amount, &line.currency, &line.narrative)
}

fn describe_expected(line: &ExampleLine) -> String {
    describe(&line.account, line.side, line.amount, &line.currency, &line.narrative)
}

fn describe(
    account: &AccountRef,
    side: Side,
    amount: Decimal,
    currency: &CurrencyCode,
    narrative: &str,
) -> String {
    let account = match account {
        AccountRef::Number(number) => format!("accounts/{number}"),
        AccountRef::Former(number) => format!("formerAccounts/{number}"),
        AccountRef::OfBranch { branch, ledger_code } => {
            format!("branches/{branch}/ledgerCodes/{ledger_code}")
        }
    };
    let side = match side {
        Side::Debit => "debit",
        Side::Credit => "credit",
    };
    format!("{side} {account} {} {currency} {narrative:?}", amount.normalize())
}

/// The first currency in which lines do not balance, off-balance ones aside.
fn unbalanced(reference: &Reference, lines: &[Line], on: NaiveDate) -> Option<(CurrencyCode, Decimal)> {
    let mut differences: BTreeMap<&CurrencyCode, Decimal> = BTreeMap::new();
    for line in lines {
        let is_off_balance = match &line.account {
            AccountRef::Number(_) | AccountRef::Former(_) => false,
            AccountRef::OfBranch { ledger_code, .. } => reference
                .ledger_code(ledger_code, on)
                .map(|code| code.class)
                .is_some_and(LedgerClass::is_off_balance),
        };
        if !is_off_balance {
            let difference = differences.entry(&line.currency).or_default();
            match line.side {
                Side::Debit => *difference += line.amount,
                Side::Credit => *difference -= line.amount,
            }
        }
    }
    let unbalanced = differences.into_iter().find(|(_, difference)| !difference.is_zero());
    unbalanced.map(|(currency, difference)| (currency.clone(), difference))
}

/// A kind of fact is booked by one template, which finds all that it requires.
fn check_fact(
    reference: &Reference,
    template: &PostingTemplate,
    place: usize,
    fact: &TemplateFact,
    on: NaiveDate,
) -> Result<(), String> {
    let pointers = fact.fields.iter().map(|field| &field.pointer).chain([&fact.branch]);
    let optional = [&fact.transaction_date].into_iter().filter(|pointer| !pointer.is_empty());
    if let Some(pointer) = pointers.chain(optional).find(|pointer| !pointer.starts_with('/')) {
        return Err(format!("has {pointer:?}, which is no JSON pointer: it begins with /"));
    }
    if let Some(field) = fact.fields.iter().find(|field| template.field(&field.name).is_none()) {
        return Err(format!("fills {}, which is no field", field.name));
    }
    let fills = |name: &String| fact.fields.iter().filter(|field| field.name == *name).count();
    if let Some(field) = fact.fields.iter().find(|field| fills(&field.name) > 1) {
        return Err(format!("fills {} twice", field.name));
    }
    if let Some(field) = template.fields.iter().find(|field| field.required && fills(&field.name) == 0) {
        return Err(format!("does not fill {}, which is required", field.name));
    }
    if template.facts[..place].iter().any(|other| other.kind == fact.kind) {
        return Err(format!("books {} twice", fact.kind));
    }
    let booked_by = |content: &BaseContent| match content {
        BaseContent::PostingTemplate(other)
            if !other.closed && other.code != template.code && other.fact(&fact.kind).is_some() =>
        {
            Some(other.code.clone())
        }
        _ => None,
    };
    let mut others = reference.posting_templates.all_from(on);
    match others.find_map(|version| booked_by(&version.content)) {
        Some(other) if !template.closed => Err(format!("{} is booked by {other}", fact.kind)),
        _ => Ok(()),
    }
}

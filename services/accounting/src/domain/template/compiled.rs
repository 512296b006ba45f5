//! A template that is ready for use, and the lines that it makes of values (ACC-11).

use rust_decimal::Decimal;

use super::{
    AccountSource, BranchSource, CurrencySource, GivenField, PostingTemplate, TemplateLine,
    expression::Expression,
    narrative::Narrative,
    values::{ACTING_BRANCH, Values},
};
use crate::domain::{
    ids::{BranchCode, CurrencyCode},
    refusal::{Refusal, Rule},
    transaction::{AccountRef, Line},
};

/// Where a template is used.
#[derive(Clone, Copy)]
pub struct Setting<'a> {
    /// The branch acted in.
    pub branch: &'a BranchCode,
    /// The decimals of a currency; none of one that is unknown.
    pub exponent: &'a dyn Fn(&CurrencyCode) -> Option<u8>,
}

/// A template whose expressions are compiled: once, when base data is learned.
#[derive(Clone, Debug)]
pub struct Compiled {
    pub template: PostingTemplate,
    lines: Vec<CompiledLine>,
    narrative: Narrative,
}

#[derive(Clone, Debug)]
struct CompiledLine {
    amount: Expression,
    condition: Option<Expression>,
    narrative: Narrative,
}

/// What a template makes of values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Expanded {
    pub lines: Vec<Line>,
    pub narrative: String,
    /// Which line of the template each was made by.
    places: Vec<usize>,
}

/// Part of a template that cannot be compiled.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field} {message}")]
pub struct FaultyTemplate {
    /// From the template on.
    pub field: String,
    pub message: String,
}

impl Compiled {
    /// Compiles a template's expressions and narratives.
    pub fn new(template: PostingTemplate) -> Result<Self, FaultyTemplate> {
        let nowhere = BranchCode::new("");
        let scope = Values::default().scope(&template, &nowhere);
        let is_known = |name: &str| name == ACTING_BRANCH || template.field(name).is_some();
        let narrative = |field: &str, source: &str| {
            Narrative::compile(source, is_known)
                .map_err(|message| FaultyTemplate { field: field.to_owned(), message })
        };
        let line = |(place, line): (usize, &TemplateLine)| {
            let at = |name: &str| format!("lines[{place}].{name}");
            let expression = |name: &str, source: &str| {
                Expression::compile(source, &scope)
                    .map_err(|message| FaultyTemplate { field: at(name), message })
            };
            Ok(CompiledLine {
                amount: expression("amount", &line.amount)?,
                condition: match line.condition.as_str() {
                    "" => None,
                    condition => Some(expression("condition", condition)?),
                },
                narrative: narrative(&at("narrative"), &line.narrative)?,
            })
        };
        let lines = template.lines.iter().enumerate().map(line).collect::<Result<_, _>>()?;
        let narrative = narrative("narrative", &template.narrative)?;
        Ok(Self { template, lines, narrative })
    }

    /// The lines that the template makes of values. The same values always make the same lines.
    pub fn expand(&self, given: &[GivenField], setting: &Setting<'_>) -> Result<Expanded, Refusal> {
        let values = Values::read(&self.template, given)?;
        let scope = values.scope(&self.template, setting.branch);
        let said = |name: &str| match name {
            ACTING_BRANCH => setting.branch.to_string(),
            name => values.text_of(name),
        };
        let mut expanded =
            Expanded { lines: Vec::new(), narrative: self.narrative.fill(said), places: Vec::new() };
        for (place, (line, compiled)) in self.template.lines.iter().zip(&self.lines).enumerate() {
            let at = |rule: Rule| rule.at(format!("template.lines[{place}]"));
            let failed = |message| at(Rule::ExpressionFailed(message));
            let currency = currency(&line.currency, &values);
            let exponent = currency.and_then(setting.exponent);
            if let Some(condition) = &compiled.condition
                && !condition.holds(&scope, exponent.unwrap_or_default()).map_err(failed)?
            {
                continue;
            }
            let currency = currency.cloned().ok_or_else(|| lacks_currency(&line.currency))?;
            let Some(exponent) = exponent else {
                return Err(at(Rule::CurrencyUnknown { currency }));
            };
            let amount: Decimal = compiled.amount.number(&scope, exponent).map_err(failed)?;
            let account = account(&line.account, &values, setting.branch)?;
            let narrative = compiled.narrative.fill(said);
            expanded.lines.push(Line { account, side: line.side, currency, amount, narrative });
            expanded.places.push(place);
        }
        Ok(expanded)
    }
}

impl Expanded {
    /// A refusal of its lines, with the line of the template that made the one at fault.
    pub fn locate(&self, mut refusal: Refusal) -> Refusal {
        let field = refusal.field.as_deref().unwrap_or_default();
        if let Some((line, rest)) = line_of(field)
            && let Some(place) = self.places.get(line)
        {
            refusal.field = Some(format!("template.lines[{place}]{rest}"));
        } else if field == "lines" {
            refusal.field = Some("template.lines".to_owned());
        }
        refusal
    }

    /// The line that a refusal is of.
    pub fn line_refused(&self, refusal: &Refusal) -> Option<usize> {
        let (line, _) = refusal.field.as_deref().and_then(line_of)?;
        (line < self.places.len()).then_some(line)
    }
}

/// The line in `lines[2].account`, and what comes after it.
fn line_of(field: &str) -> Option<(usize, &str)> {
    let (line, rest) = field.strip_prefix("lines[")?.split_once(']')?;
    Some((line.parse().ok()?, rest))
}

fn currency<'a>(source: &'a CurrencySource, values: &'a Values<'_>) -> Option<&'a CurrencyCode> {
    match source {
        CurrencySource::Code(code) => Some(code),
        CurrencySource::Field(field) => values.currency(field),
    }
}

/// A line needs the amount whose currency it takes.
fn lacks_currency(source: &CurrencySource) -> Refusal {
    let name = match source {
        CurrencySource::Code(code) => code.to_string(),
        CurrencySource::Field(field) => field.clone(),
    };
    Rule::FieldMissing { name }.at("fields")
}

fn account(source: &AccountSource, values: &Values<'_>, acting: &BranchCode) -> Result<AccountRef, Refusal> {
    let missing = |name: &String| Rule::FieldMissing { name: name.clone() }.at("fields");
    Ok(match source {
        AccountSource::Number(number) => AccountRef::Number(number.clone()),
        AccountSource::Field(field) => {
            AccountRef::Number(values.account(field).ok_or_else(|| missing(field))?.clone())
        }
        AccountSource::OfBranch { branch, ledger_code } => {
            let branch = match branch {
                BranchSource::Acting => acting.clone(),
                BranchSource::Code(code) => code.clone(),
                BranchSource::Field(field) => values.branch(field).ok_or_else(|| missing(field))?.clone(),
            };
            AccountRef::OfBranch { branch, ledger_code: ledger_code.clone() }
        }
    })
}

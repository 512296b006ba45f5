//! Rules of the chart of accounts (会计科目).

use chrono::NaiveDate;

use super::{first_repeated, invalid, known_currency, unknown};
use crate::domain::{
    base::{BaseContent, BaseKind, LedgerClass, LedgerCode},
    ids::LedgerCodeNumber,
    reference::Reference,
    refusal::Refusal,
};

/// Digits of a code of the first level.
const FIRST_LEVEL_DIGITS: usize = 4;
/// Digits of a code at most: seven levels.
const DIGITS_MAX: usize = 16;

/// Whether a text has the form of a ledger code: four digits, then two a level, the first digit a class.
pub(in crate::domain::reference) fn is_ledger_code(code: &str) -> bool {
    code.bytes().all(|byte| byte.is_ascii_digit())
        && (FIRST_LEVEL_DIGITS..=DIGITS_MAX).contains(&code.len())
        && code.len().is_multiple_of(2)
        && LedgerClass::of(&LedgerCodeNumber::new(code)).is_some()
}

/// 会计科目: in its form and class, under its parent; with accounts or with codes below it, never both.
pub(super) fn ledger_code(reference: &Reference, code: &LedgerCode, on: NaiveDate) -> Result<(), Refusal> {
    let number = code.code.as_str();
    if !is_ledger_code(number) {
        return Err(invalid(
            "ledger_code.code",
            "must be four digits, then two a level, and begin with a class: 1 to 8",
        ));
    }
    if LedgerClass::of(&code.code) != Some(code.class) {
        return Err(invalid(
            "ledger_code.class",
            format!("must be the class of {number}, which its first digit says"),
        ));
    }
    let earlier = reference.ledger_codes.of(number).filter_map(|version| match &version.content {
        BaseContent::LedgerCode(earlier) => Some(earlier.normal_side),
        _ => None,
    });
    if earlier.into_iter().any(|side| side != code.normal_side) {
        return Err(invalid("ledger_code.normal_side", "never changes: accounts stand on it"));
    }
    under_its_parent(reference, code, on)?;
    above_its_children(reference, code, on)?;
    for (place, currency) in code.currencies.iter().enumerate() {
        known_currency(reference, &format!("ledger_code.currencies[{place}]"), currency, on)?;
    }
    if let Some(place) = first_repeated(&code.currencies) {
        let message = format!("{} is given twice", code.currencies[place]);
        return Err(invalid(format!("ledger_code.currencies[{place}]"), message));
    }
    match code
        .replaces
        .iter()
        .position(|replaced| !is_ledger_code(replaced.as_str()) || *replaced == code.code)
    {
        Some(place) => Err(invalid(format!("ledger_code.replaces[{place}]"), "must be another ledger code")),
        None => Ok(()),
    }
}

fn under_its_parent(reference: &Reference, code: &LedgerCode, on: NaiveDate) -> Result<(), Refusal> {
    let number = code.code.as_str();
    if number.len() == FIRST_LEVEL_DIGITS {
        return Ok(());
    }
    let parent = LedgerCodeNumber::new(&number[..number.len() - 2]);
    let Some(parent) = reference.ledger_code(&parent, on) else {
        return Err(unknown("ledger_code.code", BaseKind::LedgerCode, &parent, on));
    };
    if parent.has_accounts {
        return Err(invalid("ledger_code.code", format!("{} above it has accounts", parent.code)));
    }
    if parent.closed && !code.closed {
        return Err(invalid("ledger_code.closed", format!("{} above it is closed", parent.code)));
    }
    Ok(())
}

fn above_its_children(reference: &Reference, code: &LedgerCode, on: NaiveDate) -> Result<(), Refusal> {
    if !code.has_accounts && !code.closed {
        return Ok(());
    }
    let below = |other: &&LedgerCode| {
        other.code.as_str().len() > code.code.as_str().len()
            && other.code.as_str().starts_with(code.code.as_str())
    };
    let mut children = reference.ledger_codes(on).filter(below);
    if code.has_accounts
        && let Some(child) = children.next()
    {
        return Err(invalid(
            "ledger_code.has_accounts",
            format!("{} lies below it, so it has none", child.code),
        ));
    }
    match children.find(|child| !child.closed) {
        Some(child) => Err(invalid("ledger_code.closed", format!("{} below it is open", child.code))),
        None => Ok(()),
    }
}

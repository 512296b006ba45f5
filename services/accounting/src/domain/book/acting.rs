//! Who acts, and where: operator, branch, and the second person.

use chrono::NaiveDate;

use super::Book;
use crate::domain::{
    base::{BaseKind, Branch, BranchKind, Operator, OperatorKind},
    command::Origin,
    ids::{BranchCode, OperatorCode},
    reference::Reference,
    refusal::Rule,
};

/// Who acts, as base data knows them on the business date.
#[derive(Clone, Copy, Debug)]
pub(super) struct Acting<'a> {
    pub origin: &'a Origin,
    pub operator: &'a Operator,
    pub authoriser: Option<&'a Operator>,
    pub reference: &'a Reference,
    /// The business date.
    pub on: NaiveDate,
}

impl<'a> Acting<'a> {
    /// Checks who acts on a date: known, not suspended, in a branch that is known and open; the authoriser likewise, and
    /// another person.
    pub fn on(reference: &'a Reference, origin: &'a Origin, on: NaiveDate) -> Result<Self, Rule> {
        let operator = active(reference, &origin.operator, on)?;
        open_branch(reference, &origin.branch, on)?;
        let authoriser = match &origin.authoriser {
            Some(code) => {
                another_person(origin)?;
                Some(active(reference, code, on)?)
            }
            None => None,
        };
        Ok(Self { origin, operator, authoriser, reference, on })
    }

    /// Checks that the operator may post: supervisors only authorise what others post.
    pub fn who_posts(self) -> Result<Self, Rule> {
        match self.operator.kind {
            OperatorKind::Supervisor => {
                Err(Rule::OperatorMayNotPost { operator: self.operator.code.clone() })
            }
            OperatorKind::Teller | OperatorKind::BookKeeper | OperatorKind::System => Ok(self),
        }
    }

    /// Checks that the branch acted in is head office.
    pub fn at_head_office(self) -> Result<Self, Rule> {
        head_office_only(self.reference, &self.origin.branch, self.on)?;
        Ok(self)
    }
}

impl Book {
    /// Checks who changes base data. Before the first operators and the head office exist, neither can be checked; the founding
    /// change needs two persons all the same (ACC-10).
    pub(super) fn who_changes_base_data(&self, origin: &Origin) -> Result<(), Rule> {
        let reference = &self.reference;
        // While no day is open, base data of any date counts.
        let on = self.day.as_ref().map_or(NaiveDate::MAX, |day| day.date);
        if reference.has_any(BaseKind::Operator) {
            active(reference, &origin.operator, on)?;
            if let Some(code) = &origin.authoriser {
                active(reference, code, on)?;
            }
        }
        another_person(origin)?;
        if reference.head_office(on).is_some() {
            open_branch(reference, &origin.branch, on)?;
            head_office_only(reference, &origin.branch, on)?;
        }
        Ok(())
    }
}

/// Refuses what needs two persons when there is only one (双人复核, ACC-10).
pub(super) fn two_persons(origin: &Origin, what: &'static str) -> Result<(), Rule> {
    if origin.is_seconded() { Ok(()) } else { Err(Rule::SecondPersonRequired { what: what.into() }) }
}

fn another_person(origin: &Origin) -> Result<(), Rule> {
    if origin.authoriser.as_ref() == Some(&origin.operator) {
        return Err(Rule::SecondPersonRequired { what: "an authorisation".into() });
    }
    Ok(())
}

fn active<'a>(reference: &'a Reference, code: &OperatorCode, on: NaiveDate) -> Result<&'a Operator, Rule> {
    match reference.operator(code, on) {
        None => Err(Rule::OperatorUnknown { operator: code.clone() }),
        Some(operator) if operator.suspended => Err(Rule::OperatorSuspended { operator: code.clone() }),
        Some(operator) => Ok(operator),
    }
}

pub(super) fn open_branch<'a>(
    reference: &'a Reference,
    code: &BranchCode,
    on: NaiveDate,
) -> Result<&'a Branch, Rule> {
    match reference.branch(code, on) {
        None => Err(Rule::BranchUnknown { branch: code.clone() }),
        Some(branch) if branch.closed => Err(Rule::BranchClosed { branch: code.clone() }),
        Some(branch) => Ok(branch),
    }
}

fn head_office_only(reference: &Reference, code: &BranchCode, on: NaiveDate) -> Result<(), Rule> {
    match reference.branch(code, on) {
        Some(branch) if branch.kind == BranchKind::HeadOffice => Ok(()),
        _ => Err(Rule::HeadOfficeOnly { branch: code.clone() }),
    }
}

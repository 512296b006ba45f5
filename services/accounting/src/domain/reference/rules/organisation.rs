//! Rules of branches (机构) and operators (柜员).

use chrono::NaiveDate;

use super::{first_repeated, fitting_amount, invalid, known_currency, unknown};
use crate::domain::{
    base::{BaseKind, Branch, BranchKind, Operator},
    reference::Reference,
    refusal::Refusal,
};

/// Digits of a branch code.
const BRANCH_DIGITS: usize = 6;

/// How far below head office a kind of branch stands.
pub(in crate::domain::reference) fn rank(kind: BranchKind) -> usize {
    match kind {
        BranchKind::HeadOffice => 0,
        BranchKind::Branch => 1,
        BranchKind::SubBranch => 2,
        BranchKind::Counter => 3,
    }
}

fn stands_under(kind: BranchKind, above: BranchKind) -> bool {
    match kind {
        BranchKind::HeadOffice => false,
        BranchKind::Branch => above == BranchKind::HeadOffice,
        BranchKind::SubBranch => above == BranchKind::Branch,
        BranchKind::Counter => matches!(above, BranchKind::Branch | BranchKind::SubBranch),
    }
}

/// 机构: in its form, in its place in the tree.
pub(super) fn branch(reference: &Reference, branch: &Branch, on: NaiveDate) -> Result<(), Refusal> {
    let code = branch.code.as_str();
    if code.len() != BRANCH_DIGITS || !code.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(invalid("branch.code", "must be six digits"));
    }
    match (branch.kind, &branch.parent) {
        (BranchKind::HeadOffice, Some(_)) => {
            return Err(invalid("branch.parent", "head office has none above it"));
        }
        (BranchKind::HeadOffice, None) => the_one_head_office(reference, branch, on)?,
        (_, None) => return Err(invalid("branch.parent", "every branch but head office has one above it")),
        (_, Some(_)) => under_its_parent(reference, branch, on)?,
    }
    let mut below = reference.branches(on).filter(|other| other.parent.as_ref() == Some(&branch.code));
    if let Some(child) =
        below.find(|child| !stands_under(child.kind, branch.kind) || (branch.closed && !child.closed))
    {
        let (field, message) = if branch.closed && !child.closed {
            ("branch.closed", format!("{} below it is open", child.code))
        } else {
            ("branch.kind", format!("{} below it stands under no such branch", child.code))
        };
        return Err(invalid(field, message));
    }
    Ok(())
}

fn the_one_head_office(reference: &Reference, branch: &Branch, on: NaiveDate) -> Result<(), Refusal> {
    if branch.closed {
        return Err(invalid("branch.closed", "head office stays open"));
    }
    match reference.head_office(on).filter(|other| other.code != branch.code) {
        Some(other) => {
            Err(invalid("branch.kind", format!("{} is head office, and there is one", other.code)))
        }
        None => Ok(()),
    }
}

fn under_its_parent(reference: &Reference, branch: &Branch, on: NaiveDate) -> Result<(), Refusal> {
    let Some(code) = &branch.parent else { return Ok(()) };
    if *code == branch.code {
        return Err(invalid("branch.parent", "a branch does not stand under itself"));
    }
    if reference.head_office(on).is_some_and(|head_office| head_office.code == branch.code) {
        return Err(invalid("branch.kind", "it is head office, and there must be one"));
    }
    let Some(parent) = reference.branch(code, on) else {
        return Err(unknown("branch.parent", BaseKind::Branch, code, on));
    };
    if !stands_under(branch.kind, parent.kind) {
        return Err(invalid("branch.parent", format!("{code} is no branch that such a one stands under")));
    }
    if parent.closed && !branch.closed {
        return Err(invalid("branch.parent", format!("{code} is closed")));
    }
    Ok(())
}

/// 柜员: at a branch that is open, with limits that fit their currencies.
pub(super) fn operator(reference: &Reference, operator: &Operator, on: NaiveDate) -> Result<(), Refusal> {
    if operator.code.as_str().is_empty() {
        return Err(invalid("operator.code", "must not be empty"));
    }
    let Some(branch) = reference.branch(&operator.branch, on) else {
        return Err(unknown("operator.branch", BaseKind::Branch, &operator.branch, on));
    };
    if branch.closed && !operator.suspended {
        return Err(invalid("operator.branch", format!("{} is closed", branch.code)));
    }
    for (place, limit) in operator.limits.iter().enumerate() {
        let field = format!("operator.limits[{place}].single_max");
        let currency = known_currency(reference, &format!("{field}.currency"), &limit.currency, on)?;
        fitting_amount(&field, currency, limit.single_max)?;
    }
    let limited: Vec<_> = operator.limits.iter().map(|limit| (limit.kind, &limit.currency)).collect();
    match first_repeated(&limited) {
        Some(place) => {
            Err(invalid(format!("operator.limits[{place}]"), "limits this kind and currency twice"))
        }
        None => Ok(()),
    }
}

//! Holdings (持有号段) and how a range changes hands (调拨).

use basedata::{
    BaseData,
    ids::{BranchCode, OperatorCode},
};
use chrono::{DateTime, NaiveDate, Utc};
use dated::Register;

use super::{
    batch::{kind_on, of_branch},
    kind::Kind,
    number::{NamedRange, Range},
    refusal::{Refusal, Rule},
};

/// Numbers that one branch holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Holding {
    pub range: Range,
    pub branch: BranchCode,
    /// The batch that they came with.
    pub batch: i64,
    /// The line by which the branch got them.
    pub line: i64,
}

/// A range that is to change hands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handover {
    pub to_branch: BranchCode,
    pub range: NamedRange,
}

/// A move that may be made, as far as persons and numbers' form go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewMove {
    pub kind: Kind,
    pub range: Range,
    pub from_branch: BranchCode,
    pub to_branch: BranchCode,
    pub giver: OperatorCode,
    pub taker: Option<OperatorCode>,
    pub moved_on: NaiveDate,
}

/// A move that was made; number 0 for one that was only checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Moved {
    pub number: i64,
    pub new: NewMove,
    pub at: DateTime<Utc>,
}

/// A part of a holding that is taken out of it, and what is left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Taken {
    pub holding: Holding,
    pub part: Range,
    pub left_before: Option<Range>,
    pub left_after: Option<Range>,
}

impl Handover {
    /// Decides who may hand over to whom (VOU-4): an operator of the branch that gives, and one of the branch that takes, who is not
    /// known yet while the request only shows what it would do.
    pub fn decide(
        &self,
        bank: &BaseData,
        kinds: &Register<Kind>,
        giver: &OperatorCode,
        taker: Option<&OperatorCode>,
        on: NaiveDate,
    ) -> Result<NewMove, ::refusal::Refusal> {
        let from_branch =
            bank.acting_operator(giver, on).map_err(basedata::refusal::Refusal::from)?.branch.clone();
        if from_branch == self.to_branch {
            return Err(Rule::SameBranch { branch: from_branch }.at("to_branch").into());
        }
        bank.open_branch(&self.to_branch, on).map_err(|rule| rule.at("to_branch"))?;
        if let Some(taker) = taker {
            of_branch(bank, taker, &self.to_branch, on)?;
        }
        let kind = kind_on(kinds, &self.range.kind, on)?;
        let range = kind.range(&self.range)?;
        Ok(NewMove {
            kind: kind.clone(),
            range,
            from_branch,
            to_branch: self.to_branch.clone(),
            giver: giver.clone(),
            taker: taker.cloned(),
            moved_on: on,
        })
    }
}

impl NewMove {
    /// Takes the range out of the holdings that share numbers with it, in order: all of it, from the giver, or nothing (VOU-3).
    pub fn take(&self, held: &[Holding]) -> Result<Vec<Taken>, Refusal> {
        let mut taken = Vec::with_capacity(held.len());
        let mut next = self.range.first;
        for holding in held {
            let Some(part) = holding.range.shared(self.range) else { continue };
            if part.first != next {
                return Err(self.not_held(Range { first: next, last: part.first - 1 }));
            }
            if holding.branch != self.from_branch {
                return Err(self.not_held(part));
            }
            next = part.last + 1;
            let whole = holding.range;
            let left = |first, last| (first <= last).then_some(Range { first, last });
            taken.push(Taken {
                holding: holding.clone(),
                part,
                left_before: left(whole.first, part.first - 1),
                left_after: left(part.last + 1, whole.last),
            });
        }
        if next <= self.range.last {
            return Err(self.not_held(Range { first: next, last: self.range.last }));
        }
        Ok(taken)
    }

    fn not_held(&self, missing: Range) -> Refusal {
        let missing = format!("{} to {}", self.kind.text(missing.first), self.kind.text(missing.last));
        let (kind, branch) = (self.kind.code.clone(), self.from_branch.clone());
        Rule::NumbersNotHeld { kind, branch, missing }.at("range")
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use basedata::ids::CurrencyCode;
    use proptest::prelude::*;
    use rust_decimal::Decimal;

    use super::*;
    use crate::domain::kind::Category;

    fn new_move(first: i64, last: i64, from: u8, to: u8) -> NewMove {
        let branch = |branch: u8| BranchCode::new(branch.to_string());
        NewMove {
            kind: Kind {
                code: "CHQ".to_owned(),
                title: String::new(),
                category: Category::Sold,
                prefix: String::new(),
                digits: 4,
                unit_value: Decimal::ONE,
                currency: CurrencyCode::new("CNY"),
                closed: false,
            },
            range: Range { first, last },
            from_branch: branch(from),
            to_branch: branch(to),
            giver: OperatorCode::new("A"),
            taker: Some(OperatorCode::new("B")),
            moved_on: NaiveDate::MIN,
        }
    }

    /// What the store does with what was taken.
    fn apply(held: &mut Vec<Holding>, taken: Vec<Taken>, to: &BranchCode) {
        for Taken { holding, part, left_before, left_after } in taken {
            held.retain(|other| other.range != holding.range);
            let left = [left_before, left_after].into_iter().flatten();
            held.extend(left.map(|range| Holding { range, ..holding.clone() }));
            held.push(Holding { range: part, branch: to.clone(), ..holding });
        }
        held.sort_by_key(|holding| holding.range);
    }

    proptest! {
        /// VOU-2, VOU-3: against a plain map of numbers to holders.
        #[test]
        fn ranges_change_hands_as_single_numbers_would(
            moves in prop::collection::vec((0_i64..60, 0_i64..25, 0_u8..3, 0_u8..3), 0..40)
        ) {
            let head_office = BranchCode::new("0");
            // Two batches, with a gap between them.
            let mut held: Vec<Holding> = [(0, 29), (40, 59)]
                .into_iter()
                .map(|(first, last)| Holding { range: Range { first, last }, branch: head_office.clone(), batch: first, line: 0 })
                .collect();
            let mut plain: BTreeMap<i64, BranchCode> =
                held.iter().flat_map(|h| (h.range.first..=h.range.last).map(|n| (n, h.branch.clone()))).collect();
            for (first, more, from, to) in moves {
                let new = new_move(first, first + more, from, to);
                let may = (first..=first + more).all(|n| plain.get(&n) == Some(&new.from_branch));
                match new.take(&held) {
                    Ok(taken) => {
                        prop_assert!(may);
                        apply(&mut held, taken, &new.to_branch);
                        (first..=first + more).for_each(|n| { plain.insert(n, new.to_branch.clone()); });
                    }
                    Err(refusal) => {
                        prop_assert!(!may, "{refusal}");
                    }
                }
                let as_numbers: BTreeMap<i64, BranchCode> =
                    held.iter().flat_map(|h| (h.range.first..=h.range.last).map(|n| (n, h.branch.clone()))).collect();
                prop_assert_eq!(held.iter().map(|h| h.range.count()).sum::<i64>(), 50, "none is lost or doubled");
                prop_assert_eq!(&as_numbers, &plain);
            }
        }
    }
}

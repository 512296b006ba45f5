//! Records that hold from a date on, each in numbered versions. Pure.
//!
//! A version holds from its effective date until a version with a later date, or one with the same date and a higher number. So
//! what was in force on any date can always be looked up, and what will be in force is known in advance.

use std::{collections::HashMap, sync::Arc};

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// What a record says.
pub trait Content {
    /// Identifies the record in its register.
    fn code(&self) -> String;
}

/// One record in one version.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Version<C> {
    /// 1, 2, 3 ... for each code.
    pub version: i32,
    /// The first date on which it holds.
    pub effective_date: NaiveDate,
    pub content: C,
}

/// A record before and after a change (前后对照).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Change<C> {
    /// What held until then; none for a new record.
    pub before: Option<Version<C>>,
    pub after: Version<C>,
}

/// The records of one register: by code, then effective date, then number.
#[derive(Clone, Debug)]
pub struct Register<C>(HashMap<Box<str>, Vec<Arc<Version<C>>>>);

impl<C> Default for Register<C> {
    fn default() -> Self {
        Self(HashMap::new())
    }
}

impl<C: Content> FromIterator<Version<C>> for Register<C> {
    fn from_iter<I: IntoIterator<Item = Version<C>>>(versions: I) -> Self {
        let mut register = Self::default();
        versions.into_iter().for_each(|version| register.insert(Arc::new(version)));
        register
    }
}

impl<C: Content> Register<C> {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The version of a record that is in force on a date.
    pub fn on(&self, code: &str, on: NaiveDate) -> Option<&Version<C>> {
        in_force(self.0.get(code)?, on)
    }

    /// The version of each record that is in force on a date, in no order.
    pub fn all_on(&self, on: NaiveDate) -> impl Iterator<Item = &Version<C>> {
        self.0.values().filter_map(move |versions| in_force(versions, on))
    }

    /// The versions of each record that are in force on a date or come into force later.
    pub fn all_from(&self, on: NaiveDate) -> impl Iterator<Item = &Version<C>> {
        self.0.values().flat_map(move |versions| standing(versions, on))
    }

    /// The versions of a record that are in force on a date or come into force later.
    pub fn standing(&self, code: &str, on: NaiveDate) -> impl Iterator<Item = &Version<C>> {
        self.0.get(code).into_iter().flat_map(move |versions| standing(versions, on))
    }

    /// All versions of a record.
    pub fn of(&self, code: &str) -> impl Iterator<Item = &Version<C>> {
        self.0.get(code).into_iter().flatten().map(Arc::as_ref)
    }

    /// The number of a record's next version.
    pub fn next_version(&self, code: &str) -> i32 {
        self.of(code).map(|version| version.version).max().unwrap_or(0) + 1
    }

    /// What setting a record from a date on changes.
    pub fn change(&self, effective_date: NaiveDate, content: C) -> Change<C>
    where
        C: Clone,
    {
        let code = content.code();
        Change {
            before: self.on(&code, effective_date).cloned(),
            after: Version { version: self.next_version(&code), effective_date, content },
        }
    }

    pub fn insert(&mut self, version: Arc<Version<C>>) {
        let versions = self.0.entry(version.content.code().into()).or_default();
        let order = |version: &Version<C>| (version.effective_date, version.version);
        let place = versions.partition_point(|other| order(other) <= order(&version));
        versions.insert(place, version);
    }

    /// Puts these versions of a record in the place of those that were there.
    pub fn replace(&mut self, code: &str, versions: Vec<Version<C>>) {
        self.0.remove(code);
        for version in versions {
            self.insert(Arc::new(version));
        }
    }

    /// A record whose versions are not 1, 2, 3 ..., with the numbers that it has.
    pub fn with_a_gap(&self) -> Option<(String, Vec<i32>)> {
        self.0.iter().find_map(|(code, versions)| {
            let mut numbers: Vec<i32> = versions.iter().map(|version| version.version).collect();
            numbers.sort_unstable();
            (!numbers.iter().copied().eq((1..).take(numbers.len()))).then(|| (code.to_string(), numbers))
        })
    }
}

fn in_force<C>(versions: &[Arc<Version<C>>], on: NaiveDate) -> Option<&Version<C>> {
    versions.iter().rev().find(|version| version.effective_date <= on).map(Arc::as_ref)
}

fn standing<C>(versions: &[Arc<Version<C>>], on: NaiveDate) -> impl Iterator<Item = &Version<C>> {
    let later = versions.iter().map(Arc::as_ref).filter(move |version| version.effective_date > on);
    in_force(versions, on).into_iter().chain(later)
}

#[cfg(test)]
mod tests {
    use chrono::Days;
    use proptest::prelude::*;

    use super::*;

    impl Content for (&'static str, u8) {
        fn code(&self) -> String {
            self.0.to_owned()
        }
    }

    fn day(days: u64) -> NaiveDate {
        NaiveDate::from_ymd_opt(2026, 1, 1).unwrap() + Days::new(days)
    }

    proptest! {
        /// Whatever the order of dates in which versions are made.
        #[test]
        fn on_every_date_the_last_made_of_the_last_date_holds(dates in prop::collection::vec(0_u64..20, 0..12)) {
            let mut register = Register::default();
            let mut made: Vec<(u64, u8)> = Vec::new();
            for (number, date) in (0_u8..).zip(&dates) {
                let change = register.change(day(*date), ("a", number));
                let model = |on: u64| made.iter().filter(|(date, _)| *date <= on).max_by_key(|(date, n)| (*date, *n));
                prop_assert_eq!(change.before.as_ref().map(|version| version.content.1), model(*date).map(|(_, n)| *n));
                prop_assert_eq!(change.after.version, i32::from(number) + 1);
                register.insert(Arc::new(change.after));
                made.push((*date, number));
            }
            for on in 0..20 {
                let model = made.iter().filter(|(date, _)| *date <= on).max_by_key(|(date, n)| (*date, *n));
                prop_assert_eq!(register.on("a", day(on)).map(|version| version.content.1), model.map(|(_, n)| *n));
                let later = made.iter().filter(|(date, _)| *date > on).count();
                prop_assert_eq!(register.standing("a", day(on)).count(), later + usize::from(model.is_some()));
            }
            prop_assert_eq!(register.with_a_gap(), None);
        }
    }

    #[test]
    fn a_missing_version_is_found() {
        let version = |version| Version { version, effective_date: day(0), content: ("a", 0) };
        assert_eq!(
            Register::from_iter([version(1), version(3)]).with_a_gap(),
            Some(("a".to_owned(), vec![1, 3]))
        );
    }
}

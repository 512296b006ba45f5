//! The records of one kind of base data, each in all its versions.

use std::{collections::HashMap, sync::Arc};

use chrono::NaiveDate;

use crate::domain::base::BaseVersion;

/// Records by code; the versions of each by effective date, then number.
#[derive(Clone, Debug, Default)]
pub(super) struct Dated(HashMap<Box<str>, Vec<Arc<BaseVersion>>>);

impl Dated {
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The version of a record that is in force on a date.
    pub fn on(&self, code: &str, on: NaiveDate) -> Option<&BaseVersion> {
        in_force(self.0.get(code)?, on)
    }

    /// The version of each record that is in force on a date.
    pub fn all_on(&self, on: NaiveDate) -> impl Iterator<Item = &BaseVersion> {
        self.0.values().filter_map(move |versions| in_force(versions, on))
    }

    /// The versions of each record that are in force on a date or come into force later.
    pub fn all_from(&self, on: NaiveDate) -> impl Iterator<Item = &BaseVersion> {
        let later =
            self.0.values().flatten().map(Arc::as_ref).filter(move |version| version.effective_date > on);
        self.all_on(on).chain(later)
    }

    /// All versions of a record.
    pub fn of(&self, code: &str) -> impl Iterator<Item = &BaseVersion> {
        self.0.get(code).into_iter().flatten().map(Arc::as_ref)
    }

    /// The number of a record's next version.
    pub fn next_version(&self, code: &str) -> i32 {
        self.of(code).map(|version| version.version).max().unwrap_or(0) + 1
    }

    pub fn insert(&mut self, version: Arc<BaseVersion>) {
        let versions = self.0.entry(version.content.code().into()).or_default();
        let order = |version: &BaseVersion| (version.effective_date, version.version);
        let place = versions.partition_point(|other| order(other) <= order(&version));
        versions.insert(place, version);
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

fn in_force(versions: &[Arc<BaseVersion>], on: NaiveDate) -> Option<&BaseVersion> {
    versions.iter().rev().find(|version| version.effective_date <= on).map(Arc::as_ref)
}

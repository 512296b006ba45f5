//! Migrations: numbered without a gap, and never edited once others may have applied them.

use std::collections::BTreeMap;

use crate::{Finding, tree::Source};

/// The platform's own begin here, and a service's after them: both sets are in each service's database.
const FIRST_OF_PLATFORM: u32 = 1;
const FIRST_OF_SERVICE: u32 = 1001;

/// The migrations among `sources`.
pub fn migrations(sources: &[Source]) -> Vec<Source> {
    let is_migration =
        |source: &&Source| source.path.starts_with("services/") && source.path.contains("/migrations/");
    sources.iter().filter(is_migration).filter(|source| !source.path.contains("/tests/")).cloned().collect()
}

/// Migrations whose numbers are not the next ones.
pub fn misnumbered(migrations: &[Source]) -> Vec<Finding> {
    let mut folders: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for migration in migrations {
        folders.entry(migration.folder()).or_default().push(&migration.path);
    }
    let mut findings = Vec::new();
    for (folder, mut paths) in folders {
        paths.sort_unstable();
        let first =
            if folder.starts_with("services/platform/") { FIRST_OF_PLATFORM } else { FIRST_OF_SERVICE };
        for (expected, path) in (first..).zip(paths) {
            let name = path.rsplit('/').next().unwrap_or(path);
            let number = name
                .split_once('_')
                .filter(|(number, _)| number.len() == 4)
                .and_then(|(number, _)| number.parse().ok());
            if number != Some(expected) || !name.ends_with(".sql") {
                findings.push(Finding::of(
                    path,
                    format!("call it {expected:04}_what_it_does.sql: numbers have no gap"),
                ));
            }
        }
    }
    findings
}

/// Migrations of `published` that are no longer as they were there.
pub fn edited(published: &[Source], migrations: &[Source]) -> Vec<Finding> {
    let is_kept = |old: &&Source| !migrations.iter().any(|new| new.path == old.path && new.text == old.text);
    let changed = published.iter().filter(is_kept);
    changed
        .map(|old| {
            Finding::of(&old.path, "it is on main, so others have applied it: write a new migration instead")
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(paths: &[&str]) -> Vec<Source> {
        paths.iter().map(|path| Source::new(path, "SELECT 1")).collect()
    }

    #[test]
    fn a_gap_a_double_and_a_wrong_start_are_found() {
        let right =
            named(&["services/platform/migrations/0001_a.sql", "services/vault/migrations/1001_b.sql"]);
        assert_eq!(misnumbered(&right), []);
        assert_eq!(misnumbered(&named(&["services/vault/migrations/1002_b.sql"])).len(), 1);
        let gap = named(&["services/vault/migrations/1001_a.sql", "services/vault/migrations/1003_b.sql"]);
        assert_eq!(misnumbered(&gap).len(), 1);
        let double = named(&["services/vault/migrations/1001_a.sql", "services/vault/migrations/1001_b.sql"]);
        assert_eq!(misnumbered(&double).len(), 1);
    }

    #[test]
    fn an_edited_and_a_deleted_migration_are_found_and_a_new_one_is_not() {
        let published = named(&["services/vault/migrations/1001_a.sql"]);
        let more = named(&["services/vault/migrations/1001_a.sql", "services/vault/migrations/1002_b.sql"]);
        assert_eq!(edited(&published, &more), []);
        assert_eq!(edited(&published, &more[1..]).len(), 1);
        let other = [Source::new("services/vault/migrations/1001_a.sql", "SELECT 2")];
        assert_eq!(edited(&published, &other).len(), 1);
    }
}

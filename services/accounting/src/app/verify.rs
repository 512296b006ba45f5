//! Verification: the whole journal is walked from its first batch, every hash and every balance is computed again, and no row may
//! exist outside it. The journal only grows, so the walk takes no lock that the writer would wait for.

use std::fmt;

use sqlx::{PgConnection, PgPool};

use crate::{
    domain::{
        book::BatchRow,
        chain::{Broken, Verifier},
        hold::HoldEvent,
        transaction::Posting,
    },
    store::{
        holds, postings,
        verify::{self, Counts},
    },
};

/// Batches whose rows are read at once.
const BATCHES_AT_ONCE: i64 = 500;

/// Postings and hold events, each, that are read at once, but for a batch that alone has more.
const POSTINGS_AT_ONCE: i64 = 2_000;

/// More than any batch has: a batch row that says so lies, and is found to.
const ROWS_MAX: i64 = 200_000;

/// How far a verification has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    pub batches: i64,
    pub of: i64,
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {} batches", self.batches, self.of)
    }
}

/// Books in which everything is right.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sound {
    pub journal: Counts,
    /// Accounts that have moved: the balance of each was computed again.
    pub accounts: usize,
}

impl fmt::Display for Sound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Counts { batches, postings, entries, hold_events } = self.journal;
        write!(
            f,
            "{batches} batches with {postings} postings, {entries} entries on {} accounts and {hold_events} hold events",
            self.accounts
        )
    }
}

/// The first place at which the books are not right.
#[derive(Debug, thiserror::Error)]
pub enum Unsound {
    #[error("the journal, {0}")]
    Journal(#[from] Broken),
    #[error("the journal after batch {after} cannot be read: {error}")]
    Unreadable { after: i64, error: sqlx::Error },
    #[error("the journal has {found} {what}, and its batches account for {accounted}")]
    Unaccounted { what: &'static str, found: i64, accounted: i64 },
}

/// A verification that ended early.
#[derive(Debug, thiserror::Error)]
pub enum Failed {
    #[error("the books are not sound")]
    Unsound(#[from] Unsound),
    #[error("the database does not answer")]
    Database(#[from] sqlx::Error),
}

impl From<Broken> for Failed {
    fn from(broken: Broken) -> Self {
        Self::Unsound(broken.into())
    }
}

/// Verifies the journal as it is when it begins; reports `progress` now and then.
pub async fn journal(pool: &PgPool, mut progress: impl FnMut(Progress)) -> Result<Sound, Failed> {
    let mut conn = pool.acquire().await?;
    let counts = verify::counts(&mut conn).await?;
    let mut verifier = Verifier::new();
    while verifier.batches() < counts.batches {
        progress(Progress { batches: verifier.batches(), of: counts.batches });
        let after = verifier.batches();
        walk(&mut conn, &mut verifier, counts.batches).await.map_err(|failed| unreadable(failed, after))?;
    }
    nothing_beside(&counts, &verifier)?;
    Ok(Sound { journal: counts, accounts: verifier.balances().len() })
}

/// What cannot be decoded was changed by hand.
fn unreadable(failed: Failed, after: i64) -> Failed {
    match failed {
        Failed::Database(error @ (sqlx::Error::Decode(_) | sqlx::Error::ColumnDecode { .. })) => {
            Failed::Unsound(Unsound::Unreadable { after, error })
        }
        failed => failed,
    }
}

/// Verifies the batches that come next, up to `last`.
async fn walk(conn: &mut PgConnection, verifier: &mut Verifier, last: i64) -> Result<(), Failed> {
    let rows = verify::batches_after(conn, verifier.batches(), BATCHES_AT_ONCE).await?;
    let rows: Vec<BatchRow> = rows.into_iter().filter(|row| row.number.0 <= last).collect();
    if rows.is_empty() {
        let what = "is missing".to_owned();
        return Err(Broken { batch: verifier.batches() + 1, what }.into());
    }
    let mut rows = rows.as_slice();
    while !rows.is_empty() {
        let (group, rest) = rows.split_at(group_size(rows));
        let postings = match span(group, |row| (row.first_posting, row.last_posting)) {
            Some((after, limit)) => postings::after(conn, after, limit).await?,
            None => Vec::new(),
        };
        let events = match span(group, |row| (row.first_hold_event, row.last_hold_event)) {
            Some((after, limit)) => holds::events_after(conn, after, limit).await?,
            None => Vec::new(),
        };
        for row in group {
            verifier.batch(row, postings_of(row, &postings), events_of(row, &events))?;
        }
        rows = rest;
    }
    Ok(())
}

/// How many of the first batches are read together.
fn group_size(rows: &[BatchRow]) -> usize {
    let mut size = 0;
    let mut read: i64 = 0;
    for row in rows {
        let of = |first: Option<i64>, last: Option<i64>| match (first, last) {
            (Some(first), Some(last)) => last.saturating_sub(first).saturating_add(1),
            _ => 0,
        };
        let more = of(row.first_posting, row.last_posting).max(of(row.first_hold_event, row.last_hold_event));
        read = read.saturating_add(more);
        if size > 0 && read > POSTINGS_AT_ONCE {
            break;
        }
        size += 1;
    }
    size
}

/// After which number, and how many, to read for these batches; `None` when they have none.
fn span(rows: &[BatchRow], range: impl Fn(&BatchRow) -> (Option<i64>, Option<i64>)) -> Option<(i64, i64)> {
    let first = rows.iter().find_map(|row| range(row).0)?;
    let last = rows.iter().rev().find_map(|row| range(row).1)?;
    Some((first.saturating_sub(1), last.saturating_sub(first).saturating_add(1).clamp(0, ROWS_MAX)))
}

fn postings_of<'a>(row: &BatchRow, postings: &'a [Posting]) -> &'a [Posting] {
    let (Some(first), Some(last)) = (row.first_posting, row.last_posting) else { return &[] };
    between(postings, first, last, |posting| posting.number.0)
}

fn events_of<'a>(row: &BatchRow, events: &'a [HoldEvent]) -> &'a [HoldEvent] {
    let (Some(first), Some(last)) = (row.first_hold_event, row.last_hold_event) else { return &[] };
    between(events, first, last, |event| event.number)
}

/// Those of `items`, which are in order, that are numbered from `first` to `last`.
fn between<T>(items: &[T], first: i64, last: i64, number: impl Fn(&T) -> i64) -> &[T] {
    let start = items.partition_point(|item| number(item) < first);
    let end = items.partition_point(|item| number(item) <= last);
    items.get(start..end).unwrap_or_default()
}

/// Rows that no batch accounts for would move balances without a trace in the chain.
fn nothing_beside(counts: &Counts, verifier: &Verifier) -> Result<(), Unsound> {
    let entries = i64::try_from(verifier.entries()).unwrap_or(i64::MAX);
    for (what, found, accounted) in [
        ("batches", counts.batches, verifier.batches()),
        ("postings", counts.postings, verifier.postings()),
        ("entries", counts.entries, entries),
        ("hold events", counts.hold_events, verifier.hold_events()),
    ] {
        if found != accounted {
            return Err(Unsound::Unaccounted { what, found, accounted });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::domain::{chain, ids::BatchNumber};

    fn row(postings: Option<(i64, i64)>) -> BatchRow {
        BatchRow {
            number: BatchNumber(1),
            first_posting: postings.map(|(first, _)| first),
            last_posting: postings.map(|(_, last)| last),
            first_hold_event: None,
            last_hold_event: None,
            previous: chain::START,
            hash: chain::START,
            recorded_at: DateTime::UNIX_EPOCH,
        }
    }

    fn postings_span(rows: &[BatchRow]) -> Option<(i64, i64)> {
        span(rows, |row| (row.first_posting, row.last_posting))
    }

    #[test]
    fn batches_are_read_together_up_to_the_bound() {
        let (none, few, many) = (row(None), row(Some((1, 10))), row(Some((11, 5_000))));
        assert_eq!(group_size(&[none.clone(), few.clone(), none.clone()]), 3);
        assert_eq!(group_size(&[few.clone(), many.clone()]), 1);
        assert_eq!(group_size(&[many.clone(), few.clone()]), 1, "one that is large by itself");
        assert_eq!(postings_span(&[none.clone(), few, none.clone()]), Some((0, 10)));
        assert_eq!(postings_span(&[none]), None);
        assert_eq!(postings_span(&[row(Some((i64::MIN, i64::MAX)))]), Some((i64::MIN, ROWS_MAX)));
    }

    #[test]
    fn a_batch_gets_what_its_range_says() {
        let numbers = [3, 4, 5, 6];
        assert_eq!(between(&numbers, 4, 5, |number| *number), [4, 5]);
        assert!(between(&numbers, 7, 9, |number| *number).is_empty());
        assert!(between(&numbers, 5, 4, |number| *number).is_empty(), "a range the wrong way round");
    }
}

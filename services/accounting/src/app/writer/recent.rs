//! The latest postings, kept for the relay: while it keeps pace, it need not read back what the writer has just written.

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use crate::domain::transaction::Posting;

/// Postings kept at most: what a busy second writes, some 10 MiB.
const POSTINGS_MAX: usize = 10_000;

/// The last postings that are certainly in the journal, without a gap. Empty while this replica does not write the book.
#[derive(Clone, Debug, Default)]
pub struct Recent {
    postings: Arc<Mutex<VecDeque<Arc<Posting>>>>,
}

impl Recent {
    /// Adds postings that were written; they follow directly on those added before.
    pub(super) fn push(&self, written: &[Arc<Posting>]) {
        let mut postings = self.lock();
        postings.extend(written.iter().cloned());
        let over = postings.len().saturating_sub(POSTINGS_MAX);
        postings.drain(..over);
    }

    /// Clears it: another replica may write the book now.
    pub(super) fn clear(&self) {
        self.lock().clear();
    }

    /// At most `limit` postings after a number, in order. None when the next one is not here, written or not.
    pub fn after(&self, number: i64, limit: usize) -> Vec<Arc<Posting>> {
        let postings = self.lock();
        let Some(first) = postings.front() else { return Vec::new() };
        match usize::try_from(number + 1 - first.number.0) {
            Ok(place) => postings.range(place.min(postings.len())..).take(limit).cloned().collect(),
            Err(_before) => Vec::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, VecDeque<Arc<Posting>>> {
        self.postings.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{
        Digest,
        base::TransactionKind,
        ids::{BranchCode, OperatorCode, PostingNumber},
    };

    fn posting(number: i64) -> Arc<Posting> {
        let date = chrono::NaiveDate::default();
        Arc::new(Posting {
            number: PostingNumber(number),
            request_id: uuid::Uuid::nil(),
            digest: Digest([0; 32]),
            branch: BranchCode::new("110101"),
            code: "TRANSFER".to_owned(),
            kind: TransactionKind::Transfer,
            transaction_date: date,
            accounting_date: date,
            value_date: date,
            recorded_at: chrono::DateTime::default(),
            operator: OperatorCode::new("T110101"),
            authoriser: None,
            source: String::new(),
            narrative: String::new(),
            voucher: None,
            hold: None,
            traceparent: None,
            entries: Vec::new(),
        })
    }

    fn numbers(recent: &Recent, after: i64, limit: usize) -> Vec<i64> {
        recent.after(after, limit).iter().map(|posting| posting.number.0).collect()
    }

    #[test]
    fn gives_what_comes_next_or_nothing() {
        let recent = Recent::default();
        assert_eq!(numbers(&recent, 0, 10), [0; 0]);
        recent.push(&[posting(5), posting(6)]);
        recent.push(&[posting(7)]);
        assert_eq!(numbers(&recent, 4, 2), [5, 6]);
        assert_eq!(numbers(&recent, 6, 10), [7]);
        // The journal has 4, and it is not here; 8 is not written yet.
        assert_eq!(numbers(&recent, 3, 10), [0; 0]);
        assert_eq!(numbers(&recent, 7, 10), [0; 0]);
        assert_eq!(numbers(&recent, 100, 10), [0; 0]);
        recent.clear();
        assert_eq!(numbers(&recent, 4, 2), [0; 0]);
    }

    #[test]
    fn keeps_the_last_ones() {
        let recent = Recent::default();
        let all: Vec<_> = (1..=i64::try_from(POSTINGS_MAX).unwrap() + 3).map(posting).collect();
        recent.push(&all);
        assert_eq!(numbers(&recent, 2, 10), [0; 0]);
        assert_eq!(numbers(&recent, 3, 1), [4]);
    }
}

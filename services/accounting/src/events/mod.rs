//! The facts that the service publishes (`proto/countinghouse/accounting/v1/events.proto`). Postings and holds are read from
//! the journal, where they are in order already; all other changes go through the outbox. [`on_business_fact`] handles the business
//! facts of other services.

mod holds;
mod on_business_fact;
mod postings;

use platform::{
    facts::{Fact, FactError},
    relay::PAGE_BYTES_MAX,
};

pub use self::{
    holds::HoldJournal,
    on_business_fact::{BusinessFactConsumer, BusinessFacts},
    postings::PostingJournal,
};

/// Rows of the journal that are read at once; a page is filled with them step by step.
const ROWS_READ_AT_ONCE: i64 = 256;

/// A page of a relay while it is read.
#[derive(Default)]
struct Page {
    facts: Vec<(i64, Fact)>,
    bytes: usize,
}

impl Page {
    fn push(&mut self, position: i64, fact: Result<Fact, FactError>) -> Result<(), sqlx::Error> {
        let fact = fact.map_err(|error| sqlx::Error::Decode(error.into()))?;
        self.bytes += fact.payload.len();
        self.facts.push((position, fact));
        Ok(())
    }

    /// How many more rows to read at once, and after which position; `None` when it is full.
    fn next(&self, after: i64, limit: i64) -> Option<(i64, i64)> {
        let room = limit - i64::try_from(self.facts.len()).unwrap_or(i64::MAX);
        let is_full = room <= 0 || i64::try_from(self.bytes).unwrap_or(i64::MAX) >= PAGE_BYTES_MAX;
        let last = self.facts.last().map_or(after, |(position, _)| *position);
        (!is_full).then_some((last, room.min(ROWS_READ_AT_ONCE)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_ends_at_its_rows_or_its_bytes() {
        let mut page = Page::default();
        assert_eq!(page.next(40, 300), Some((40, ROWS_READ_AT_ONCE)));
        page.bytes = usize::try_from(PAGE_BYTES_MAX).unwrap();
        assert_eq!(page.next(40, 300), None);
        assert_eq!(Page::default().next(40, 0), None);
    }
}

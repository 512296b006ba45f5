//! The facts that the service publishes (`proto/countinghouse/accounting/v1/events.proto`). Postings and holds are read from
//! the journal, where they are in order already; what changes besides goes through the outbox. And the business facts of other
//! services that it takes in ([`on_business_fact`]).

mod holds;
mod on_business_fact;
mod postings;
mod register;

use chrono::{DateTime, Utc};
use platform::{
    facts::{Contract, FactError, Stamp, Topic, TopicSettings},
    relay::PAGE_BYTES_MAX,
};
use uuid::Uuid;

pub use self::{
    holds::HoldJournal,
    on_business_fact::{BusinessFacts, Intake},
    postings::PostingJournal,
    register::facts_of,
};
use crate::{SERVICE, domain::command::Recorded};

/// Rows of the journal that are read at once: a page is put together of these until it is full.
const ROWS_READ_AT_ONCE: i64 = 256;

/// The topics that the service publishes to.
pub fn topics(settings: &TopicSettings) -> Vec<Topic> {
    Contract::shipped().topics(SERVICE, settings)
}

/// A page of a relay while it is read.
#[derive(Default)]
struct Page {
    facts: Vec<(i64, platform::facts::Fact)>,
    bytes: usize,
}

impl Page {
    fn push(
        &mut self,
        position: i64,
        fact: Result<platform::facts::Fact, FactError>,
    ) -> Result<(), sqlx::Error> {
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

/// What makes a fact the one that it is: made from rows that never change, it is the same however often it is published.
struct Identity<'a> {
    message: &'a str,
    key: &'a str,
    version: i64,
    recorded: &'a Recorded,
}

impl Identity<'_> {
    fn stamp(&self) -> Stamp {
        let Recorded { request_id, operator, at, traceparent, .. } = self.recorded;
        Stamp {
            id: self.id(*request_id, *at),
            time: *at,
            actor: operator.to_string(),
            correlation_id: *request_id,
            traceparent: traceparent.clone(),
        }
    }

    /// The request and the time tell the facts of two books apart, whose numbers are the same.
    fn id(&self, request_id: Uuid, at: DateTime<Utc>) -> Uuid {
        let mut hasher = blake3::Hasher::new_derive_key("countinghouse accounting fact id v1");
        for text in [self.message, self.key] {
            hasher.update(text.as_bytes()).update(&[0]);
        }
        hasher.update(&self.version.to_be_bytes());
        hasher.update(request_id.as_bytes());
        hasher.update(&at.timestamp_micros().to_be_bytes());
        let mut id = [0; 16];
        hasher.finalize_xof().fill(&mut id);
        Uuid::new_v8(id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::ids::OperatorCode;

    fn recorded(second: i64) -> Recorded {
        Recorded {
            request_id: Uuid::from_u128(7),
            operator: OperatorCode::new("T110101"),
            authoriser: None,
            at: DateTime::from_timestamp(second, 0).unwrap(),
            traceparent: None,
        }
    }

    #[test]
    fn the_id_of_a_fact_is_always_the_same_and_of_another_fact_another() {
        let (recorded, later) = (recorded(1), recorded(2));
        let fact = Identity { message: "m", key: "accounts/1", version: 1, recorded: &recorded };
        assert_eq!(fact.stamp().id, fact.stamp().id);
        for other in [
            Identity { message: "n", ..fact },
            Identity { key: "accounts/2", ..fact },
            Identity { version: 2, ..fact },
            Identity { recorded: &later, ..fact },
        ] {
            assert_ne!(fact.stamp().id, other.stamp().id);
        }
    }

    #[test]
    fn every_topic_is_the_services_own() {
        let topics = topics(&TopicSettings::default());
        assert_eq!(topics.len(), 14);
        assert!(topics.iter().all(|topic| topic.name.starts_with("countinghouse.accounting.")));
    }

    #[test]
    fn a_page_ends_at_its_rows_or_its_bytes() {
        let mut page = Page::default();
        assert_eq!(page.next(40, 300), Some((40, ROWS_READ_AT_ONCE)));
        page.bytes = usize::try_from(PAGE_BYTES_MAX).unwrap();
        assert_eq!(page.next(40, 300), None);
        assert_eq!(Page::default().next(40, 0), None);
    }
}

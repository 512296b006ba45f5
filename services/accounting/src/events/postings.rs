//! Postings as facts, read from the journal: their numbers have no gaps and commit in order.

use countinghouse_proto::accounting::v1 as pb;
use platform::{
    facts::{Fact, FactError, fact},
    relay::JournalReader,
};
use sqlx::PgConnection;

use super::{Identity, Page};
use crate::{
    app::writer::Recent,
    domain::{command::Recorded, transaction::Posting},
    store::{journal, postings},
    wire::posting::{posting_name, told_posting},
};

const BOOKED: &str = "countinghouse.accounting.v1.PostingBooked";

/// The postings of the journal.
#[derive(Clone, Debug)]
pub struct PostingJournal {
    /// Those that this process wrote itself just now are not read back.
    pub recent: Recent,
}

impl JournalReader for PostingJournal {
    fn name(&self) -> &'static str {
        "accounting.posting"
    }

    fn channel(&self) -> &'static str {
        journal::CHANNEL
    }

    async fn read_after(
        &self,
        conn: &mut PgConnection,
        position: i64,
        limit: i64,
    ) -> Result<Vec<(i64, Fact)>, sqlx::Error> {
        let mut page = Page::default();
        while let Some((after, rows)) = page.next(position, limit) {
            let recent = self.recent.after(after, usize::try_from(rows).unwrap_or_default());
            if !recent.is_empty() {
                for posting in recent {
                    page.push(posting.number.0, booked(&posting))?;
                }
                continue;
            }
            let read = postings::after(conn, after, rows).await?;
            if read.is_empty() {
                break;
            }
            for posting in read {
                page.push(posting.number.0, booked(&posting))?;
            }
        }
        Ok(page.facts)
    }

    async fn head(&self, conn: &mut PgConnection) -> Result<i64, sqlx::Error> {
        postings::last(conn).await
    }
}

fn booked(posting: &Posting) -> Result<Fact, FactError> {
    let name = posting_name(posting.number.0);
    let recorded = Recorded {
        request_id: posting.request_id,
        operator: posting.operator.clone(),
        authoriser: posting.authoriser.clone(),
        at: posting.recorded_at,
        traceparent: posting.traceparent.clone(),
    };
    let identity = Identity { message: BOOKED, key: &name, version: 1, recorded: &recorded };
    let stamp = identity.stamp();
    fact(BOOKED, &pb::PostingBooked { name, posting: Some(told_posting(posting)) }, stamp)
}

//! Postings as facts, read from the journal: their numbers have no gaps and commit in order.

use platform::{facts::Fact, relay::JournalReader};
use sqlx::PgConnection;

use super::Page;
use crate::{
    app::writer::Recent,
    store::{journal, postings},
    wire::fact,
};

/// The postings of the journal.
#[derive(Clone, Debug)]
pub struct PostingJournal {
    /// Postings that this process has just written are not read back.
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
                    page.push(posting.number.0, fact::posting_booked(&posting))?;
                }
                continue;
            }
            let read = postings::after(conn, after, rows).await?;
            if read.is_empty() {
                break;
            }
            for posting in read {
                page.push(posting.number.0, fact::posting_booked(&posting))?;
            }
        }
        Ok(page.facts)
    }

    async fn head(&self, conn: &mut PgConnection) -> Result<i64, sqlx::Error> {
        postings::last(conn).await
    }
}

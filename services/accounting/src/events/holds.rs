//! Hold events as facts, read from the journal: the numbers of hold events have no gaps and commit in order.

use platform::{facts::Fact, relay::JournalReader};
use sqlx::PgConnection;

use super::Page;
use crate::{
    store::{holds, journal},
    wire::fact,
};

/// The hold events of the journal.
#[derive(Clone, Copy, Debug)]
pub struct HoldJournal;

impl JournalReader for HoldJournal {
    fn name(&self) -> &'static str {
        "accounting.hold"
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
            let read = holds::events_after(conn, after, rows).await?;
            if read.is_empty() {
                break;
            }
            for event in read {
                page.push(event.number, fact::hold_changed(&event))?;
            }
        }
        Ok(page.facts)
    }

    async fn head(&self, conn: &mut PgConnection) -> Result<i64, sqlx::Error> {
        holds::last_event(conn).await
    }
}

//! What happens to holds as facts, read from the journal: the numbers of hold events have no gaps and commit in order.

use countinghouse_proto::accounting::v1 as pb;
use platform::{
    facts::{Fact, FactError, fact},
    relay::JournalReader,
};
use sqlx::PgConnection;

use super::{Identity, Page};
use crate::{
    domain::{command::Recorded, hold::HoldEvent},
    store::{holds, journal},
    wire::{hold, posting::posting_name},
};

const CHANGED: &str = "countinghouse.accounting.v1.HoldChanged";

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
                page.push(event.number, changed(&event))?;
            }
        }
        Ok(page.facts)
    }

    async fn head(&self, conn: &mut PgConnection) -> Result<i64, sqlx::Error> {
        holds::last_event(conn).await
    }
}

fn changed(event: &HoldEvent) -> Result<Fact, FactError> {
    let told = hold::told(&event.hold);
    let recorded = Recorded {
        request_id: event.request_id,
        operator: event.operator.clone(),
        authoriser: None,
        at: event.recorded_at,
        traceparent: event.traceparent.clone(),
    };
    let identity = Identity {
        message: CHANGED,
        key: &told.name,
        version: event.hold.version.into(),
        recorded: &recorded,
    };
    let stamp = identity.stamp();
    let posting = event.posting.map(|number| posting_name(number.0)).unwrap_or_default();
    fact(CHANGED, &pb::HoldChanged { name: told.name.clone(), hold: Some(told), posting }, stamp)
}

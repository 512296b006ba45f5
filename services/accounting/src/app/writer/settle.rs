//! Finds out whether an append of unknown outcome was committed.

use std::time::Duration;

use tracing::warn;

use super::{
    Writer,
    database::{Append, Database, Fault, Session},
};
use crate::domain::{Digest, ids::BatchNumber};

/// How long an append of unknown outcome is looked for before its callers get that answer.
const SETTLE_MAX: Duration = Duration::from_secs(5);
/// How long to wait between two attempts to look.
const SETTLE_EVERY: Duration = Duration::from_millis(50);

/// Whether a batch of unknown outcome is in the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Settled {
    Written,
    NotWritten,
    Unknown,
}

impl<D: Database> Writer<D> {
    /// Whether the batch is there. Its absence is certain only when the session that was writing it is over.
    pub(super) async fn settle(&self, append: &Append, writer: &<D::Session as Session>::Name) -> Settled {
        let Some(batch) = &append.batch else { return Settled::NotWritten };
        let look = async {
            loop {
                match self.look_for(batch.number, writer).await {
                    Ok((_, Some(hash))) if hash == batch.hash => return Settled::Written,
                    Ok((_, Some(_)) | (true, None)) => return Settled::NotWritten,
                    Ok((false, None)) => {}
                    Err(error) => warn!(%error, "an append of unknown outcome cannot be looked for yet"),
                }
                self.database.sleep(SETTLE_EVERY).await;
            }
        };
        self.within(SETTLE_MAX, look).await.unwrap_or(Settled::Unknown)
    }

    /// Whether the earlier session is over, and the hash of the batch with this number.
    async fn look_for(
        &self,
        number: BatchNumber,
        writer: &<D::Session as Session>::Name,
    ) -> Result<(bool, Option<Digest>), Fault> {
        let mut session = self.database.connect().await?;
        let is_over = session.is_over(writer).await?;
        let hash = session.hash_of(number).await?;
        session.close().await;
        Ok((is_over, hash))
    }
}

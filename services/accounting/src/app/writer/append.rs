//! The append: what it writes, how it fails, and how one is settled whose outcome is unknown.

use std::time::Duration;

use platform::{audit, db, outbox};
use sqlx::{Connection, PgConnection};
use tokio::time;
use tracing::warn;

use super::{Writer, batch::Decided, in_time};
use crate::store::{
    journal,
    leader::{self, Session},
    register,
};

/// How long an append of unknown outcome is looked for before its callers are told so.
const SETTLE_MAX: Duration = Duration::from_secs(5);
/// How long to wait between two looks.
const SETTLE_EVERY: Duration = Duration::from_millis(50);

/// What became of an append.
#[derive(Debug)]
pub(super) enum Appended {
    Written,
    /// The batch number is another writer's. Nothing was written.
    Fenced,
    /// Postgres refused a row, and will refuse it again. Nothing was written, and the connection is good.
    Refused(sqlx::Error),
    /// Whether it was written is not known.
    Unknown(sqlx::Error),
}

/// Whether a batch of unknown outcome is in the journal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Settled {
    Written,
    NotWritten,
    Unknown,
}

impl Writer {
    /// Writes what a batch decided.
    pub(super) async fn append(&self, conn: &mut PgConnection, decided: &Decided) -> Appended {
        match in_time(self.patience(), self.write(conn, decided)).await {
            Ok(()) => Appended::Written,
            Err(error) if db::constraint(&error) == Some(journal::FENCE) => Appended::Fenced,
            Err(error) if is_refusal(&error) => Appended::Refused(error),
            Err(error) => Appended::Unknown(error),
        }
    }

    async fn write(&self, conn: &mut PgConnection, decided: &Decided) -> Result<(), sqlx::Error> {
        let Decided { records, batch, audits, at, .. } = decided;
        if audits.is_empty() && !register::concerns(records) {
            return match batch {
                Some(batch) => journal::append(conn, batch, records).await,
                None => Ok(()),
            };
        }
        let facts = (self.facts_of)(records).map_err(|error| sqlx::Error::Encode(error.into()))?;
        let mut transaction = conn.begin().await?;
        register::write(&mut transaction, records, *at).await?;
        if let Some(batch) = batch {
            journal::append(&mut transaction, batch, records).await?;
        }
        outbox::append(&mut transaction, &facts).await.map_err(|error| match error {
            outbox::AppendError::Database(error) => error,
            too_large @ outbox::AppendError::TooLarge { .. } => sqlx::Error::Encode(too_large.into()),
        })?;
        audit::append(&mut transaction, audits).await?;
        transaction.commit().await
    }

    /// Whether the batch is there. That it is not, is only certain once the session that was writing it is over.
    pub(super) async fn settle(&self, decided: &Decided, session: Session) -> Settled {
        let Some(batch) = &decided.batch else { return Settled::NotWritten };
        let look = async {
            loop {
                match self.look_for(batch.number.0, session).await {
                    Ok((_, Some(hash))) if hash == batch.hash => return Settled::Written,
                    Ok((_, Some(_)) | (true, None)) => return Settled::NotWritten,
                    Ok((false, None)) => {}
                    Err(error) => warn!(%error, "an append of unknown outcome cannot be looked for yet"),
                }
                time::sleep(SETTLE_EVERY).await;
            }
        };
        time::timeout(SETTLE_MAX, look).await.unwrap_or(Settled::Unknown)
    }

    /// Whether the session that wrote before is over, and the hash under which the batch number stands.
    async fn look_for(
        &self,
        number: i64,
        session: Session,
    ) -> Result<(bool, Option<crate::domain::Digest>), sqlx::Error> {
        let mut conn = self.connect().await?;
        let is_over = leader::is_over(&mut conn, session).await?;
        let hash = journal::hash_of(&mut conn, number).await?;
        conn.close().await?;
        Ok((is_over, hash))
    }
}

/// Whether Postgres refuses the data: class 22 of its codes (data exception) or 23 (integrity constraint violation). Any other
/// error, also one of a server that shuts down, may come after the commit.
pub(super) fn is_refusal(error: &sqlx::Error) -> bool {
    match error {
        sqlx::Error::Encode(_) => true,
        sqlx::Error::Database(error) => {
            error.code().is_some_and(|code| code.starts_with("22") || code.starts_with("23"))
        }
        _ => false,
    }
}

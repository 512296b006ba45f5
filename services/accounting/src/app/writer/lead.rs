//! Leading: of all replicas the one that holds the book's advisory lock writes. The lock only spares the others the attempt;
//! what makes it safe is the fence on the batch number.

use std::time::Duration;

use platform::db;
use sqlx::{Connection, PgConnection};
use tokio::{sync::mpsc, time};
use tracing::{info, warn};

use super::{Job, Writer, batch::Outcome};
use crate::{
    domain::{book::Book, reference::Reference},
    error,
    store::{load, opening},
};

/// Names the book's lock among the advisory locks of its database.
pub(super) const LOCK: &str = "accounting.writer";

impl Writer {
    /// Leads whenever it can, until the queue is closed and empty.
    pub async fn run(self, mut queue: mpsc::Receiver<Job>) -> Result<(), std::convert::Infallible> {
        while !(queue.is_closed() && queue.is_empty()) {
            match self.take_lead().await {
                Ok(Some((mut conn, book))) => {
                    self.leading.send_replace(true);
                    info!(batch = book.heads().batch, posting = book.heads().posting, "writing the book");
                    let outcome = self.serve(&mut conn, book, &mut queue).await;
                    self.leading.send_replace(false);
                    match outcome {
                        Outcome::QueueClosed => break,
                        Outcome::Fenced => warn!("another replica writes the book: stepping down"),
                        Outcome::Lost(error) => warn!(%error, "lost the database: stepping down"),
                    }
                    drop(conn.close().await);
                }
                Ok(None) => self.stand_by(&mut queue).await,
                Err(error) => {
                    warn!(%error, "cannot open the book yet");
                    self.stand_by(&mut queue).await;
                }
            }
        }
        Ok(())
    }

    /// Connects, and opens the book when nobody else writes it.
    async fn take_lead(&self) -> Result<Option<(PgConnection, Book)>, sqlx::Error> {
        let mut conn = self.connect().await?;
        if !db::try_lock(&mut conn, LOCK).await? {
            return Ok(None);
        }
        let versions = opening::base_versions(&mut conn).await?;
        let reference = Reference::from_versions(versions).map_err(|error| sqlx::Error::Decode(error.into()))?;
        let day = opening::business_day(&mut conn).await?;
        if let Some(day) = &day {
            opening::ensure_month(&mut conn, day.date).await?;
        }
        let heads = opening::heads(&mut conn).await?;
        let mut book = Book::new(reference, day, heads, self.config.accounts_max);
        let pinned = load::inter_branch_accounts(&mut conn).await?;
        book.learn(crate::domain::book::Loaded { accounts: pinned, earlier: Default::default() });
        Ok(Some((conn, book)))
    }

    /// A connection for the writer alone. Sequential scans are off: its statements may be prepared while a table is still
    /// empty, and would keep the scan.
    pub(super) async fn connect(&self) -> Result<PgConnection, sqlx::Error> {
        let timeout = self.config.statement_timeout_ms.to_string();
        let options = self.database.clone().options([("enable_seqscan", "off"), ("statement_timeout", timeout.as_str())]);
        PgConnection::connect_with(&options).await
    }

    /// Refuses what comes in until it is time to try again.
    async fn stand_by(&self, queue: &mut mpsc::Receiver<Job>) {
        let until = time::Instant::now() + Duration::from_millis(self.config.lead_retry_ms);
        while let Ok(Some(job)) = time::timeout_at(until, queue.recv()).await {
            job.answer(Err(error::not_the_writer()));
        }
    }
}

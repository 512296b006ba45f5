//! Leading: of all replicas the one that holds the book's advisory lock writes. The lock only spares the others the attempt;
//! what makes it safe is the fence on the batch number.

use std::{convert::Infallible, time::Duration};

use platform::db;
use sqlx::{Connection, PgConnection};
use tokio::{sync::mpsc, time};
use tracing::{info, warn};

use super::{Job, Writer, append::Settled, batch::Outcome, in_time};
use crate::{
    domain::{
        book::{Book, Loaded},
        reference::Reference,
    },
    error::not_the_writer,
    store::{load, opening},
};

/// Names the book's lock among the advisory locks of its database.
pub(super) const LOCK: &str = "accounting.writer";

/// How long a connection may take.
const CONNECT_MAX: Duration = Duration::from_secs(5);
/// How long the server may take over closing one.
const CLOSE_MAX: Duration = Duration::from_secs(1);

/// Sequential scans are off: the writer's statements may be prepared while a table is still empty, and would keep the scan. The
/// server notices a dead host within 11 seconds, and frees the lock.
const SESSION: [(&str, &str); 5] = [
    ("application_name", "accounting.writer"),
    ("enable_seqscan", "off"),
    ("tcp_keepalives_idle", "5"),
    ("tcp_keepalives_interval", "2"),
    ("tcp_keepalives_count", "3"),
];

impl Writer {
    /// Leads whenever it can, until the queue is closed and empty.
    pub async fn run(self, mut queue: mpsc::Receiver<Job>) -> Result<(), Infallible> {
        while !(queue.is_closed() && queue.is_empty()) {
            match self.seek_lead(&mut queue).await {
                Ok(Some((conn, book))) => self.lead(conn, book, &mut queue).await,
                Ok(None) => {}
                Err(error) => {
                    warn!(%error, "cannot open the book yet");
                    self.stand_by(&mut queue).await;
                }
            }
        }
        Ok(())
    }

    /// Waits until nobody else writes the book, and opens it. `None` when the queue closes meanwhile.
    async fn seek_lead(
        &self,
        queue: &mut mpsc::Receiver<Job>,
    ) -> Result<Option<(PgConnection, Book)>, sqlx::Error> {
        let mut conn = self.connect().await?;
        while !in_time(self.patience(), db::try_lock(&mut conn, LOCK)).await? {
            self.stand_by(queue).await;
            if queue.is_closed() && queue.is_empty() {
                return Ok(None);
            }
        }
        let book = self.open(&mut conn).await?;
        Ok(Some((conn, book)))
    }

    async fn lead(&self, mut conn: PgConnection, book: Book, queue: &mut mpsc::Receiver<Job>) {
        let heads = book.heads();
        info!(batch = heads.batch, posting = heads.posting, "writing the book");
        self.leading.send_replace(true);
        let outcome = self.serve(&mut conn, book, queue).await;
        self.leading.send_replace(false);
        self.recent.clear();
        // The lock goes with the session; one that does not answer is left to the server's keepalive.
        drop(time::timeout(CLOSE_MAX, conn.close()).await);
        match outcome {
            Outcome::QueueClosed => info!("nobody can ask any more: the book is closed"),
            Outcome::Fenced => warn!("another replica writes the book: stepping down"),
            Outcome::Lost(error) => warn!(%error, "lost the database: stepping down"),
            Outcome::Unknown(decided, error) => {
                warn!(%error, "lost the database while writing: stepping down");
                let settled = self.settle(&decided).await;
                if settled == Settled::Unknown {
                    warn!("an append could not be settled: repeats of its requests will settle it");
                }
                decided.answer(settled);
            }
        }
    }

    /// Opens the book as the database has it. Each step is waited for no longer than an append: a host that has gone silent
    /// would otherwise hold the queue for as long as the network takes to say so.
    pub(super) async fn open(&self, conn: &mut PgConnection) -> Result<Book, sqlx::Error> {
        let bound = self.patience();
        let versions = in_time(bound, opening::base_versions(conn)).await?;
        let reference =
            Reference::from_versions(versions).map_err(|error| sqlx::Error::Decode(error.into()))?;
        let day = in_time(bound, opening::business_day(conn)).await?;
        if let Some(day) = &day {
            in_time(bound, opening::ensure_month(conn, day.date)).await?;
        }
        let first_day = in_time(bound, opening::first_day(conn)).await?;
        let heads = in_time(bound, opening::heads(conn)).await?;
        let mut book = Book::new(reference, day, heads, self.config.accounts_max).begun_on(first_day);
        let accounts = in_time(bound, load::inter_branch_accounts(conn)).await?;
        book.learn(Loaded { accounts, ..Loaded::default() });
        Ok(book)
    }

    /// A connection for the writer alone.
    pub(super) async fn connect(&self) -> Result<PgConnection, sqlx::Error> {
        let timeout = self.config.statement_timeout_ms.to_string();
        let options = self.database.clone().options(SESSION).options([("statement_timeout", timeout)]);
        in_time(CONNECT_MAX, PgConnection::connect_with(&options)).await
    }

    /// Refuses what comes in until it is time to try again.
    async fn stand_by(&self, queue: &mut mpsc::Receiver<Job>) {
        let until = time::Instant::now() + Duration::from_millis(self.config.lead_retry_ms);
        while let Ok(Some(job)) = time::timeout_at(until, queue.recv()).await {
            job.answer(Err(not_the_writer()));
        }
    }
}

//! Leading: of all replicas the one that holds the book's advisory lock writes, and its heartbeat tells the others that it is
//! alive. One that has fallen silent loses its session to the first that notices. All this only spares the others the attempt;
//! what makes it safe is the fence on the batch number.

use std::{convert::Infallible, time::Duration};

use platform::leadership::Lead;
use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};
use tokio::{sync::mpsc, time};
use tokio_util::task::AbortOnDropHandle;
use tracing::{info, warn};

use super::{Job, Writer, append::Settled, batch::Outcome, heartbeat::Heartbeat, in_time};
use crate::{
    domain::{
        book::{Book, Loaded},
        reference::Reference,
    },
    error::not_the_writer,
    store::{
        leader::{self, Seen, Session},
        load, opening,
    },
};

/// Names the book's lock among the advisory locks of its database.
const LOCK: &str = "accounting.writer";

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

/// What a replica leads with.
struct Leading {
    conn: PgConnection,
    session: Session,
    book: Book,
    /// Beats as long as it is there.
    _heartbeat: AbortOnDropHandle<()>,
}

impl Writer {
    /// Leads whenever it can, until the queue is closed and empty.
    pub async fn run(self, mut queue: mpsc::Receiver<Job>) -> Result<(), Infallible> {
        while !(queue.is_closed() && queue.is_empty()) {
            match self.seek_lead(&mut queue).await {
                Ok(Some(leading)) => self.lead(leading, &mut queue).await,
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
    async fn seek_lead(&self, queue: &mut mpsc::Receiver<Job>) -> Result<Option<Leading>, sqlx::Error> {
        let mut conn = self.connect().await?;
        let heartbeat = self.heartbeat().await?;
        let session = loop {
            let claimed = leader::claim(&mut conn, LOCK, &self.address);
            if let Some(session) = in_time(self.patience(), claimed).await? {
                break session;
            }
            if self.look(&mut conn).await? == Seen::Ended {
                continue;
            }
            self.stand_by(queue).await;
            if queue.is_closed() && queue.is_empty() {
                return Ok(None);
            }
        };
        let heartbeat = heartbeat.start(session);
        let book = self.open(&mut conn).await?;
        Ok(Some(Leading { conn, session, book, _heartbeat: heartbeat }))
    }

    /// Looks who leads, and tells whoever passes calls on.
    async fn look(&self, conn: &mut PgConnection) -> Result<Seen, sqlx::Error> {
        let silence = Duration::from_millis(self.config.heartbeat_lost_ms);
        let seen = in_time(self.patience(), leader::look(conn, silence)).await?;
        let lead = match &seen {
            Seen::Alive { address } if *address != self.address => Lead::at(address),
            _ => Lead::Unknown,
        };
        self.leading.send_if_modified(|now| {
            let is_news = *now != lead;
            *now = lead;
            is_news
        });
        if seen == Seen::Ended {
            warn!("the writer had fallen silent: its session was ended");
        }
        Ok(seen)
    }

    async fn heartbeat(&self) -> Result<Heartbeat, sqlx::Error> {
        let [every, lost_after] =
            [self.config.heartbeat_ms, self.config.heartbeat_lost_ms].map(Duration::from_millis);
        Heartbeat::ready(&self.database, every, lost_after).await
    }

    async fn lead(&self, leading: Leading, queue: &mut mpsc::Receiver<Job>) {
        let Leading { mut conn, session, book, _heartbeat } = leading;
        let heads = book.heads();
        info!(batch = heads.batch, posting = heads.posting, "writing the book");
        self.leading.send_replace(Lead::Here);
        let outcome = self.serve(&mut conn, book, queue).await;
        self.leading.send_replace(Lead::Unknown);
        self.recent.clear();
        // The lock goes with the session; one that does not answer is left to the server's keepalive.
        drop(time::timeout(CLOSE_MAX, conn.close()).await);
        match outcome {
            Outcome::QueueClosed => info!("nobody can ask any more: the book is closed"),
            Outcome::Fenced => warn!("another replica writes the book: stepping down"),
            Outcome::Lost(error) => warn!(%error, "lost the database: stepping down"),
            Outcome::Unknown(decided, error) => {
                warn!(%error, "lost the database while writing: stepping down");
                let settled = self.settle(&decided, session).await;
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
        let statement_max = Duration::from_millis(self.config.statement_timeout_ms.into());
        connect(&self.database, &SESSION, statement_max).await
    }

    /// Refuses what comes in until it is time to try again.
    async fn stand_by(&self, queue: &mut mpsc::Receiver<Job>) {
        let until = time::Instant::now() + Duration::from_millis(self.config.lead_retry_ms);
        while let Ok(Some(job)) = time::timeout_at(until, queue.recv()).await {
            job.answer(Err(not_the_writer()));
        }
    }
}

/// A connection with these settings, whose statements take no longer than `statement_max`.
pub(super) async fn connect(
    database: &PgConnectOptions,
    session: &[(&str, &str)],
    statement_max: Duration,
) -> Result<PgConnection, sqlx::Error> {
    let timeout = statement_max.as_millis().to_string();
    let options = database.clone().options(session.iter().copied()).options([("statement_timeout", timeout)]);
    in_time(CONNECT_MAX, PgConnection::connect_with(&options)).await
}

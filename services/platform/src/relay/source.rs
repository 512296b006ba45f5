//! Where a relay gets its facts from.

use chrono::{DateTime, Utc};
use sqlx::PgConnection;

use crate::facts::Fact;

/// Facts that wait to be published, in the order in which they must be.
pub trait FactSource: Send + Sync + 'static {
    /// Names the source in its database: its lock, its cursor and its metrics. Never changed once deployed.
    fn name(&self) -> &str;

    /// The channel on which new facts are announced by NOTIFY.
    fn channel(&self) -> &str;

    /// The position after which a pass over the source begins.
    fn start(&self, conn: &mut PgConnection) -> impl Future<Output = Result<i64, sqlx::Error>> + Send;

    /// The next facts after a position, at most `limit`; none only when nothing more waits there. Pages hold whole positions:
    /// when a position has several facts, all are in one page. A page holds at most about [`super::PAGE_BYTES_MAX`] bytes.
    fn pending(
        &self,
        conn: &mut PgConnection,
        after: i64,
        limit: i64,
    ) -> impl Future<Output = Result<Vec<(i64, Fact)>, sqlx::Error>> + Send;

    /// Remembers what the broker has acknowledged.
    fn confirm(
        &self,
        conn: &mut PgConnection,
        delivered: &Delivered,
        at: DateTime<Utc>,
    ) -> impl Future<Output = Result<(), sqlx::Error>> + Send;

    /// How much waits.
    fn backlog(&self, conn: &mut PgConnection) -> impl Future<Output = Result<Backlog, sqlx::Error>> + Send;

    /// Whether everything up to a position, it included, has been published.
    fn drained(
        &self,
        conn: &mut PgConnection,
        position: i64,
    ) -> impl Future<Output = Result<bool, sqlx::Error>> + Send;
}

/// What the broker has acknowledged of one page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Delivered {
    /// Every position of which all facts were acknowledged, in order.
    pub positions: Vec<i64>,
    /// The last position before which, it included, the page has no gap.
    pub through: Option<i64>,
}

/// How much waits to be published.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backlog {
    /// How many facts.
    pub facts: i64,
    /// When the oldest of them was recorded.
    pub oldest: Option<DateTime<Utc>>,
}

/// A journal of a service: a table that is only appended to, whose positions (1, 2, 3 ...) have no gaps and commit in order.
pub trait JournalReader: Send + Sync + 'static {
    /// Names the journal in its database. Never changed once deployed: the cursor is kept under it.
    fn name(&self) -> &str;

    /// The channel on which an append is announced by NOTIFY.
    fn channel(&self) -> &str;

    /// The facts of the positions after `position`, in order, at most `limit` of them; none only at the journal's end. Whole
    /// positions, even when that makes them a few more than `limit`. A journal with large facts returns fewer, so that a
    /// page stays under about [`super::PAGE_BYTES_MAX`] bytes.
    fn read_after(
        &self,
        conn: &mut PgConnection,
        position: i64,
        limit: i64,
    ) -> impl Future<Output = Result<Vec<(i64, Fact)>, sqlx::Error>> + Send;

    /// The last position of the journal; 0 when it is empty.
    fn head(&self, conn: &mut PgConnection) -> impl Future<Output = Result<i64, sqlx::Error>> + Send;
}

/// A journal as the relay reads it: no second copy of a fact, only a cursor.
#[derive(Debug, Clone)]
pub struct JournalSource<R> {
    journal: R,
}

impl<R: JournalReader> JournalSource<R> {
    pub const fn new(journal: R) -> JournalSource<R> {
        JournalSource { journal }
    }
}

impl<R: JournalReader> FactSource for JournalSource<R> {
    fn name(&self) -> &str {
        self.journal.name()
    }

    fn channel(&self) -> &str {
        self.journal.channel()
    }

    async fn start(&self, conn: &mut PgConnection) -> Result<i64, sqlx::Error> {
        let cursor =
            sqlx::query_scalar!("SELECT position FROM platform.relay_cursor WHERE source = $1", self.name())
                .fetch_optional(conn)
                .await?;
        Ok(cursor.unwrap_or(0))
    }

    async fn pending(
        &self,
        conn: &mut PgConnection,
        after: i64,
        limit: i64,
    ) -> Result<Vec<(i64, Fact)>, sqlx::Error> {
        self.journal.read_after(conn, after, limit).await
    }

    /// One statement; a cursor that is ahead already stays where it is.
    async fn confirm(
        &self,
        conn: &mut PgConnection,
        delivered: &Delivered,
        at: DateTime<Utc>,
    ) -> Result<(), sqlx::Error> {
        let Some(position) = delivered.through else { return Ok(()) };
        sqlx::query!(
            "INSERT INTO platform.relay_cursor AS cursor (source, position, advanced_at) VALUES ($1, $2, $3)
             ON CONFLICT ON CONSTRAINT relay_cursor_pk
             DO UPDATE SET position = excluded.position, advanced_at = excluded.advanced_at
             WHERE cursor.position < excluded.position",
            self.name(),
            position,
            at,
        )
        .execute(conn)
        .await?;
        Ok(())
    }

    async fn backlog(&self, conn: &mut PgConnection) -> Result<Backlog, sqlx::Error> {
        let cursor = self.start(conn).await?;
        let head = self.journal.head(conn).await?;
        let oldest = self.journal.read_after(conn, cursor, 1).await?;
        Ok(Backlog { facts: (head - cursor).max(0), oldest: oldest.first().map(|(_, fact)| fact.time) })
    }

    async fn drained(&self, conn: &mut PgConnection, position: i64) -> Result<bool, sqlx::Error> {
        Ok(self.start(conn).await? >= position)
    }
}

//! The writer's real database: one connection whose statements are bounded in time and whose errors are classified, and a
//! heartbeat beside it while this replica leads.

use std::time::Duration;

use chrono::NaiveDate;
use platform::{audit, db, leadership::Lead, outbox};
use sqlx::{
    Connection, PgConnection,
    postgres::{PgConnectOptions, PgDatabaseError, PgSeverity},
};
use tokio::time;
use tokio_util::task::AbortOnDropHandle;
use tracing::warn;

use super::{
    WriterConfig,
    bounds::{CONNECT_MAX, in_time},
    database::{Append, Claim, Database, Fault, Opened, Session},
    heartbeat::{Beat, Heartbeat},
};
use crate::{
    domain::{
        Digest,
        book::{Loaded, Needs},
        ids::BatchNumber,
    },
    store::{
        base_records, journal,
        leader::{self, Seen},
        load, opening, register,
    },
    wire::fact,
};

/// Names the book's lock among the advisory locks of its database.
const LOCK: &str = "accounting.writer";

/// How long the server may take over closing one.
const CLOSE_MAX: Duration = Duration::from_secs(1);
/// How long after the server's own time-out a statement is still waited for. After that the server counts as lost.
const PATIENCE: Duration = Duration::from_secs(5);

/// Sequential scans are off: the writer's statements may be prepared while a table is still empty, and would keep the scan. The
/// server notices a dead host within 11 seconds, and frees the lock.
const SESSION: [(&str, &str); 5] = [
    ("application_name", "accounting.writer"),
    ("enable_seqscan", "off"),
    ("tcp_keepalives_idle", "5"),
    ("tcp_keepalives_interval", "2"),
    ("tcp_keepalives_count", "3"),
];

/// The Postgres that the book is kept in.
#[derive(Clone, Debug)]
pub struct Postgres {
    options: PgConnectOptions,
    /// How the heartbeat connects.
    beside: PgConnectOptions,
    /// How long a statement is waited for. Without this bound, a host that does not respond would hold up the queue until the
    /// network reports it.
    patience: Duration,
    /// How often the heartbeat beats, and after how long without one a writer is considered dead.
    beat: Beat,
}

impl Postgres {
    pub fn new(options: PgConnectOptions, config: &WriterConfig) -> Self {
        let timeout_ms = config.statement_timeout_ms;
        let [every, lost_after] = [config.heartbeat_ms, config.heartbeat_lost_ms].map(Duration::from_millis);
        Self {
            beside: options.clone(),
            options: options.options(SESSION).options([("statement_timeout", timeout_ms.to_string())]),
            patience: Duration::from_millis(timeout_ms.into()) + PATIENCE,
            beat: Beat { every, lost_after },
        }
    }
}

impl Database for Postgres {
    type Session = PostgresSession;

    async fn connect(&self) -> Result<PostgresSession, Fault> {
        let conn = in_time(CONNECT_MAX, PgConnection::connect_with(&self.options)).await?;
        Ok(PostgresSession { conn, of: self.clone(), heart: Heart::Still })
    }

    async fn sleep(&self, time: Duration) {
        time::sleep(time).await;
    }
}

/// A connection.
#[derive(Debug)]
pub struct PostgresSession {
    conn: PgConnection,
    of: Postgres,
    heart: Heart,
}

/// The heartbeat of a session.
#[derive(Debug)]
enum Heart {
    Still,
    /// Connected before the first beat is due: on a busy machine a login takes longer than a writer may be silent.
    Ready(Box<Heartbeat>),
    /// Beats until it is dropped.
    Beating(#[expect(dead_code, reason = "kept for its drop")] AbortOnDropHandle<()>),
}

impl PostgresSession {
    /// Takes the lead if it is free. The session of a silent writer is ended, which frees its lead.
    async fn take_lead(&mut self, address: &str) -> Result<Claim<leader::Session>, Fault> {
        let bound = self.of.patience;
        loop {
            let claimed = leader::claim(&mut self.conn, LOCK, address);
            if let Some(session) = in_time(bound, claimed).await? {
                return Ok(Claim::Won(session));
            }
            match in_time(bound, leader::look(&mut self.conn, self.of.beat.lost_after)).await? {
                Seen::Ended => warn!("the writer had fallen silent: its session was ended"),
                Seen::Alive { address: elsewhere } if elsewhere != address => {
                    return Ok(Claim::Held(Lead::at(&elsewhere)));
                }
                Seen::Alive { .. } | Seen::Nobody | Seen::Silent => return Ok(Claim::Held(Lead::Unknown)),
            }
        }
    }
}

impl Session for PostgresSession {
    type Name = leader::Session;

    async fn claim(&mut self, address: &str) -> Result<Claim<leader::Session>, Fault> {
        if matches!(self.heart, Heart::Still) {
            self.heart = Heart::Ready(Box::new(Heartbeat::ready(&self.of.beside, self.of.beat).await?));
        }
        let claim = self.take_lead(address).await?;
        if let Claim::Won(session) = &claim {
            self.heart = match std::mem::replace(&mut self.heart, Heart::Still) {
                Heart::Ready(heartbeat) => Heart::Beating(heartbeat.start(*session)),
                other => other,
            };
        }
        Ok(claim)
    }

    async fn is_over(&mut self, session: &leader::Session) -> Result<bool, Fault> {
        in_time(self.of.patience, leader::is_over(&mut self.conn, *session)).await
    }

    async fn open(&mut self) -> Result<Opened, Fault> {
        let (conn, bound) = (&mut self.conn, self.of.patience);
        let base = in_time(bound, base_records::load(conn)).await?;
        let day = in_time(bound, opening::business_day(conn)).await?;
        if let Some(day) = &day {
            in_time(bound, opening::ensure_month(conn, day.date)).await?;
        }
        let first_day = in_time(bound, opening::first_day(conn)).await?;
        let heads = in_time(bound, opening::heads(conn)).await?;
        let accounts = in_time(bound, load::inter_branch_accounts(conn)).await?;
        Ok(Opened { base, day, first_day, heads, accounts })
    }

    async fn load(&mut self, needs: &Needs, remembered_from: NaiveDate) -> Result<Loaded, Fault> {
        for month in &needs.months {
            in_time(self.of.patience, opening::ensure_month(&mut self.conn, *month)).await?;
        }
        in_time(self.of.patience, load::load(&mut self.conn, needs, remembered_from)).await
    }

    async fn append(&mut self, append: &Append) -> Result<(), Fault> {
        in_time(self.of.patience, write(&mut self.conn, append)).await
    }

    async fn hash_of(&mut self, batch: BatchNumber) -> Result<Option<Digest>, Fault> {
        in_time(self.of.patience, journal::hash_of(&mut self.conn, batch.0)).await
    }

    async fn ping(&mut self) -> Result<(), Fault> {
        in_time(self.of.patience, self.conn.ping()).await
    }

    async fn close(self) {
        drop(self.heart);
        // The lock goes with the session; one that does not answer is left to the server's keepalive.
        drop(time::timeout(CLOSE_MAX, self.conn.close()).await);
    }
}

async fn write(conn: &mut PgConnection, append: &Append) -> Result<(), sqlx::Error> {
    let Append { records, batch, audits, at } = append;
    if audits.is_empty() && !register::concerns(records) {
        return match batch {
            Some(batch) => journal::append(conn, batch, records).await,
            None => Ok(()),
        };
    }
    let facts = fact::of_records(records).map_err(|error| sqlx::Error::Encode(error.into()))?;
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

impl From<sqlx::Error> for Fault {
    fn from(error: sqlx::Error) -> Self {
        if db::constraint(&error) == Some(journal::FENCE) {
            return Self::Fenced;
        }
        let sort = match &error {
            // A value cannot be decoded or encoded.
            sqlx::Error::Encode(_) | sqlx::Error::Decode(_) | sqlx::Error::ColumnDecode { .. } => {
                Self::Refused
            }
            sqlx::Error::Database(error) => match error.try_downcast_ref::<PgDatabaseError>() {
                Some(error) if error.severity() == PgSeverity::Error => of_statement(error.code()),
                _ => Self::Lost,
            },
            _ => Self::Lost,
        };
        sort(error)
    }
}

/// Whether an error ends the statement but not the session. Postgres sends no such error after a commit.
fn of_statement(code: &str) -> fn(sqlx::Error) -> Fault {
    match code.get(..2) {
        // The connection, and the state of the transaction: 25006 is a server that has become a standby.
        Some("08" | "25") => Fault::Lost,
        // A conflict, a lack of space or memory, an object in use, a time-out, the operating system.
        Some("40" | "53" | "55" | "57" | "58") => Fault::Busy,
        _ => Fault::Refused,
    }
}

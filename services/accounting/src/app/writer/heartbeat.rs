//! The heartbeat: the leading replica keeps recording that it is alive, on a separate connection, so that a slow append is not
//! mistaken for a dead writer. Another replica that sees no beat for a while ends the writer's session and leads.

use std::time::Duration;

use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};
use tokio::time;
use tokio_util::task::AbortOnDropHandle;
use tracing::{debug, warn};

use super::{
    bounds::{CONNECT_MAX, in_time},
    database::Fault,
};
use crate::store::leader::{self, Session};

/// A beat need not survive a crash of the server, after which no replica leads; so it does not wait for the disk.
const SESSION: [(&str, &str); 2] =
    [("application_name", "accounting.heartbeat"), ("synchronous_commit", "off")];

/// The pace of a heartbeat.
#[derive(Clone, Copy, Debug)]
pub(super) struct Beat {
    pub every: Duration,
    pub lost_after: Duration,
}

/// The heartbeat of one session.
#[derive(Debug)]
pub(super) struct Heartbeat {
    database: PgConnectOptions,
    conn: PgConnection,
    pace: Beat,
}

impl Heartbeat {
    /// Connects before the first beat is due: on a busy machine a login takes longer than a writer may be silent. A beat that
    /// takes longer than `lost_after` is of no use.
    pub async fn ready(database: &PgConnectOptions, pace: Beat) -> Result<Self, Fault> {
        let timeout = pace.lost_after.as_millis().to_string();
        let database = database.clone().options(SESSION).options([("statement_timeout", timeout)]);
        let conn = connect(&database).await?;
        Ok(Self { database, conn, pace })
    }

    /// Reports that `session` is alive, until the returned handle is dropped.
    pub fn start(self, session: Session) -> AbortOnDropHandle<()> {
        AbortOnDropHandle::new(tokio::spawn(self.run(session)))
    }

    async fn run(mut self, session: Session) {
        while let Err(error) = self.beat(session).await {
            debug!(%error, "the heartbeat missed");
            time::sleep(self.pace.every).await;
            if let Ok(conn) = connect(&self.database).await {
                self.conn = conn;
            }
        }
        warn!("another replica has taken the lead");
    }

    /// Beats until the connection fails, or another replica has taken the lead. The writer's session is over then, and the writer
    /// finds that out itself.
    async fn beat(&mut self, session: Session) -> Result<(), Fault> {
        while in_time(self.pace.lost_after, leader::beat(&mut self.conn, session)).await? {
            time::sleep(self.pace.every).await;
        }
        Ok(())
    }
}

async fn connect(database: &PgConnectOptions) -> Result<PgConnection, Fault> {
    in_time(CONNECT_MAX, PgConnection::connect_with(database)).await
}

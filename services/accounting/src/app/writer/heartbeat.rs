//! The heartbeat: the leading replica says again and again that it is alive, on a connection of its own, so that a slow append
//! is not taken for a dead writer. Another replica that hears nothing for a while ends the writer's session and leads.

use sqlx::{Connection, PgConnection, postgres::PgConnectOptions};
use tokio::time;
use tokio_util::task::AbortOnDropHandle;
use tracing::{debug, warn};

use super::{
    database::Fault,
    postgres::{Beat, CONNECT_MAX, in_time},
};
use crate::store::leader::{self, Session};

/// A beat need not outlive a crash of the server, after which nobody leads anyway; so it waits for no disk.
const SESSION: [(&str, &str); 2] =
    [("application_name", "accounting.heartbeat"), ("synchronous_commit", "off")];

/// What beats.
#[derive(Debug)]
pub(super) struct Heartbeat {
    database: PgConnectOptions,
    conn: PgConnection,
    pace: Beat,
}

impl Heartbeat {
    /// Gets ready, before there is anything to tell: logging in takes a busy machine longer than a writer may be silent. A beat
    /// that takes longer than `lost_after` is of no use.
    pub async fn ready(database: &PgConnectOptions, pace: Beat) -> Result<Self, Fault> {
        let timeout = pace.lost_after.as_millis().to_string();
        let database = database.clone().options(SESSION).options([("statement_timeout", timeout)]);
        let conn = connect(&database).await?;
        Ok(Self { database, conn, pace })
    }

    /// Tells of the life of `session`, until what this gives is dropped.
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

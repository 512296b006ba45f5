//! The heartbeat: the leading replica says again and again that it is alive, on a connection of its own, so that a slow append
//! is not taken for a dead writer. Another replica that hears nothing for a while ends the writer's session and leads.

use std::time::Duration;

use sqlx::{PgConnection, postgres::PgConnectOptions};
use tokio::time;
use tokio_util::task::AbortOnDropHandle;
use tracing::{debug, warn};

use super::{in_time, lead::connect};
use crate::store::leader::{self, Session};

/// A beat need not outlive a crash of the server, after which nobody leads anyway; so it waits for no disk.
const SESSION: [(&str, &str); 2] =
    [("application_name", "accounting.heartbeat"), ("synchronous_commit", "off")];

/// What beats.
pub(super) struct Heartbeat {
    database: PgConnectOptions,
    conn: PgConnection,
    every: Duration,
    lost_after: Duration,
}

impl Heartbeat {
    /// Gets ready, before there is anything to tell: logging in takes a busy machine longer than a writer may be silent. A beat
    /// that takes longer than `lost_after` is of no use.
    pub async fn ready(
        database: &PgConnectOptions,
        every: Duration,
        lost_after: Duration,
    ) -> Result<Self, sqlx::Error> {
        let conn = connect(database, &SESSION, lost_after).await?;
        Ok(Self { database: database.clone(), conn, every, lost_after })
    }

    /// Tells of the life of `session`, until what this gives is dropped.
    pub fn start(self, session: Session) -> AbortOnDropHandle<()> {
        AbortOnDropHandle::new(tokio::spawn(self.run(session)))
    }

    async fn run(mut self, session: Session) {
        while let Err(error) = self.beat(session).await {
            debug!(%error, "the heartbeat missed");
            time::sleep(self.every).await;
            if let Ok(conn) = connect(&self.database, &SESSION, self.lost_after).await {
                self.conn = conn;
            }
        }
        warn!("another replica has taken the lead");
    }

    /// Beats until the connection fails, or another replica has taken the lead. The writer's session is over then, and the writer
    /// finds that out itself.
    async fn beat(&mut self, session: Session) -> Result<(), sqlx::Error> {
        while in_time(self.lost_after, leader::beat(&mut self.conn, session)).await? {
            time::sleep(self.every).await;
        }
        Ok(())
    }
}

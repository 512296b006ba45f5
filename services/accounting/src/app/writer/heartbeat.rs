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
    pub database: PgConnectOptions,
    /// Whose life it tells of.
    pub session: Session,
    pub every: Duration,
    /// When it is not heard any more. A beat that takes longer is of no use.
    pub lost_after: Duration,
}

impl Heartbeat {
    /// Beats until what this gives is dropped.
    pub fn start(self) -> AbortOnDropHandle<()> {
        AbortOnDropHandle::new(tokio::spawn(self.run()))
    }

    async fn run(self) {
        while let Err(error) = self.beat().await {
            debug!(%error, "the heartbeat missed");
            time::sleep(self.every).await;
        }
        warn!("another replica has taken the lead");
    }

    /// Beats until the connection fails, or another replica has taken the lead. The writer's session is over then, and the writer
    /// finds that out itself.
    async fn beat(&self) -> Result<(), sqlx::Error> {
        let mut conn = self.connect().await?;
        while in_time(self.lost_after, leader::beat(&mut conn, self.session)).await? {
            time::sleep(self.every).await;
        }
        Ok(())
    }

    async fn connect(&self) -> Result<PgConnection, sqlx::Error> {
        connect(&self.database, &SESSION, self.lost_after).await
    }
}

//! Some work may be done by one replica of a service at a time: by the one that holds the work's advisory lock.
//!
//! The lock belongs to the connection on which the leader also reads and writes. A leader that lost it has lost the connection,
//! so it cannot confirm anything either.

use std::{sync::Arc, time::Duration};

use sqlx::{Connection, PgConnection, PgPool};
use tokio::time;
use tokio_util::sync::CancellationToken;

use crate::db;

/// A database that takes longer for one step is considered dead.
pub const DATABASE_WAIT_MAX: Duration = Duration::from_secs(30);

/// How often a standby tries to take the lead.
const SOUGHT_EVERY: Duration = Duration::from_millis(500);

/// A replica that has tried so often is a standby: another replica leads, and not an earlier session of this one, which would have
/// ended by then.
const STANDS_BY_AFTER: u32 = 20;

/// A dead host is noticed within this many seconds by the server, which then frees the lock for another replica.
const KEEPALIVE_IDLE_S: &str = "5";
const KEEPALIVE_INTERVAL_S: &str = "2";
const KEEPALIVE_COUNT: &str = "3";

/// The leader's database failed.
#[derive(Debug, thiserror::Error)]
pub enum NoAnswer {
    #[error("the database does not answer")]
    Database(#[from] sqlx::Error),
    #[error("the database took longer than {DATABASE_WAIT_MAX:?}")]
    Slow(#[from] time::error::Elapsed),
}

/// Where the work of the leader is done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Lead {
    /// Here.
    Here,
    /// At another replica, which is reached at this address (`host:port`).
    At(Arc<str>),
    /// Not known here.
    #[default]
    Unknown,
}

impl Lead {
    /// At the replica with this address; unknown when the leader gave none.
    pub fn at(address: &str) -> Self {
        if address.is_empty() { Lead::Unknown } else { Lead::At(address.into()) }
    }
}

/// The right to do a work, as long as the connection lives.
pub struct Leadership {
    pub conn: PgConnection,
}

impl Leadership {
    /// Waits for the lead in `work`; none when stopped first. Tries again and again instead of waiting in the database: a
    /// waiting statement would hold back the clean-up of all its tables. Calls `stands_by` once it is clear that another leads.
    pub async fn win(
        pool: &PgPool,
        work: &str,
        stop: &CancellationToken,
        stands_by: impl Fn(),
    ) -> Result<Option<Leadership>, NoAnswer> {
        let mut conn = in_time(PgConnection::connect_with(&pool.connect_options())).await?;
        in_time(prepare(&mut conn)).await?;
        let mut attempts: u32 = 0;
        while !in_time(db::try_lock(&mut conn, work)).await? {
            attempts = attempts.saturating_add(1);
            if attempts == STANDS_BY_AFTER {
                stands_by();
            }
            tokio::select! {
                () = stop.cancelled() => return Ok(None),
                () = time::sleep(SOUGHT_EVERY) => {}
            }
        }
        tracing::info!(work, "this replica leads");
        Ok(Some(Leadership { conn }))
    }

    /// Releases the lead.
    pub async fn resign(self) {
        if let Err(error) = self.conn.close().await {
            tracing::debug!(%error, "the leader's connection was gone already");
        }
    }
}

/// Bounds one step at the database.
pub async fn in_time<T>(step: impl Future<Output = Result<T, sqlx::Error>>) -> Result<T, NoAnswer> {
    Ok(time::timeout(DATABASE_WAIT_MAX, step).await??)
}

/// Lets the server notice a dead host, and rules sequential scans out: plans are made while tables may still be empty, and kept.
async fn prepare(conn: &mut PgConnection) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "SELECT set_config('tcp_keepalives_idle', $1, false) AS idle,
                set_config('tcp_keepalives_interval', $2, false) AS interval,
                set_config('tcp_keepalives_count', $3, false) AS count,
                set_config('enable_seqscan', 'off', false) AS sequential_scans",
        KEEPALIVE_IDLE_S,
        KEEPALIVE_INTERVAL_S,
        KEEPALIVE_COUNT,
    )
    .fetch_one(conn)
    .await?;
    Ok(())
}

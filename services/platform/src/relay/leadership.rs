//! One relay is active for a source of a database: the one that holds its advisory lock.
//!
//! The lock belongs to the connection on which the leader also reads and confirms. A leader that lost it has lost the
//! connection, so it cannot confirm anything either.

use std::time::Duration;

use sqlx::{Connection, PgConnection, PgPool};
use tokio::time;
use tokio_util::sync::CancellationToken;

use super::{RelayError, in_time};

/// How often a standby asks for the lead.
const SOUGHT_EVERY: Duration = Duration::from_millis(500);

/// A dead host is noticed within this many seconds by the server, which then frees the lock for another replica.
const KEEPALIVE_IDLE_S: &str = "5";
const KEEPALIVE_INTERVAL_S: &str = "2";
const KEEPALIVE_COUNT: &str = "3";

/// The right to publish a source, as long as the connection lives.
pub struct Leadership {
    pub conn: PgConnection,
}

impl Leadership {
    /// Waits for the lead; none when stopped first. Asks again and again instead of waiting in the database: a waiting
    /// statement would hold back the clean-up of all its tables.
    pub async fn win(
        pool: &PgPool,
        source: &str,
        stop: &CancellationToken,
    ) -> Result<Option<Leadership>, RelayError> {
        let mut conn = in_time(PgConnection::connect_with(&pool.connect_options())).await?;
        in_time(prepare(&mut conn)).await?;
        while !in_time(lock(&mut conn, source)).await? {
            tokio::select! {
                () = stop.cancelled() => return Ok(None),
                () = time::sleep(SOUGHT_EVERY) => {}
            }
        }
        tracing::info!(source, "the relay leads");
        Ok(Some(Leadership { conn }))
    }

    /// Gives the lead back.
    pub async fn resign(self) {
        if let Err(error) = self.conn.close().await {
            tracing::debug!(%error, "the relay's connection was gone already");
        }
    }
}

async fn lock(conn: &mut PgConnection, source: &str) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT pg_try_advisory_lock(hashtextextended('platform.relay/' || $1, 0)) AS "held!""#,
        source,
    )
    .fetch_one(conn)
    .await
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

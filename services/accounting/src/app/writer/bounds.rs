//! Time limits of the writer's connections.

use std::{io, time::Duration};

use tokio::time;

use super::database::Fault;

/// How long a connection may take.
pub(super) const CONNECT_MAX: Duration = Duration::from_secs(5);

/// Waits for the database, and no longer than `bound`.
pub(super) async fn in_time<T>(
    bound: Duration,
    step: impl Future<Output = Result<T, sqlx::Error>>,
) -> Result<T, Fault> {
    let late = || sqlx::Error::Io(io::Error::new(io::ErrorKind::TimedOut, "the database does not answer"));
    time::timeout(bound, step).await.unwrap_or_else(|_| Err(late())).map_err(Fault::from)
}

//! What handles facts, and how it is called.

use std::{error::Error, panic::AssertUnwindSafe, time::Duration};

use futures::FutureExt;
use sqlx::PgConnection;
use tokio::time;

use crate::facts::Record;

/// A handler that takes longer over one fact has failed for now.
pub const HANDLE_WAIT_MAX: Duration = Duration::from_secs(30);

/// Handles facts.
pub trait Handler: Send + Sync + 'static {
    /// Names the handler: its group, its marks and its dead letters. Never changed once deployed.
    fn name(&self) -> &str;

    /// The topics it reads, by their contract names.
    fn topics(&self) -> Vec<String>;

    /// Takes one fact in. Everything it does, it does through `conn`, in whose transaction the inbox is marked too: the
    /// transaction may be rolled back, and the handler called again with the same fact.
    fn handle(
        &self,
        conn: &mut PgConnection,
        record: &Record,
    ) -> impl Future<Output = Result<(), HandleError>> + Send;
}

/// Why a handler did not take a fact in.
#[derive(Debug, thiserror::Error)]
pub enum HandleError {
    /// It never can be: the record becomes a dead letter.
    #[error("refused permanently: {0}")]
    Permanent(String),
    /// It may be later: the same record is tried again.
    #[error("failed for now")]
    Transient(#[source] Box<dyn Error + Send + Sync>),
}

impl HandleError {
    pub fn permanent(reason: impl Into<String>) -> HandleError {
        HandleError::Permanent(reason.into())
    }

    pub fn transient(error: impl Into<Box<dyn Error + Send + Sync>>) -> HandleError {
        HandleError::Transient(error.into())
    }
}

/// Data that the database will never take (classes 22 and 23: data exceptions, violated constraints) is refused permanently;
/// every other error may be gone at the next try.
impl From<sqlx::Error> for HandleError {
    fn from(error: sqlx::Error) -> HandleError {
        let never = error
            .as_database_error()
            .and_then(sqlx::error::DatabaseError::code)
            .is_some_and(|code| code.starts_with("22") || code.starts_with("23"));
        if never { HandleError::permanent(error.to_string()) } else { HandleError::transient(error) }
    }
}

/// A payload that its contract does not allow is the same at every try.
impl From<serde_json::Error> for HandleError {
    fn from(error: serde_json::Error) -> HandleError {
        HandleError::permanent(error.to_string())
    }
}

/// Calls a handler. A panic is permanent, since it would happen again; a timeout is transient.
pub async fn handle<H: Handler>(
    handler: &H,
    conn: &mut PgConnection,
    record: &Record,
) -> Result<(), HandleError> {
    let work = AssertUnwindSafe(handler.handle(conn, record)).catch_unwind();
    match time::timeout(HANDLE_WAIT_MAX, work).await {
        Ok(Ok(outcome)) => outcome,
        Ok(Err(_panic)) => Err(HandleError::permanent("the handler panicked")),
        Err(elapsed) => Err(HandleError::transient(elapsed)),
    }
}

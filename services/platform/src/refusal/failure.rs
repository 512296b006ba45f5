//! How refusals and faults are answered over gRPC, with google.rpc details.

use std::{error::Error, time::Duration};

use tonic::{Code, Status};
use tonic_types::{ErrorDetails, StatusExt};
use uuid::Uuid;

use super::{Kind, Refusal, Rule, Violation};

/// The domain of every reason.
pub const ERROR_DOMAIN: &str = "countinghouse";

/// When a caller may repeat a call that met a lost database connection.
const DATABASE_RETRY_AFTER: Duration = Duration::from_millis(500);

type Fault = Box<dyn Error + Send + Sync>;

/// Why a call was not done.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The caller can act on it.
    #[error(transparent)]
    Refused(Box<Refusal>),
    /// We must act on it.
    #[error("fault")]
    Faulted(#[source] Fault),
}

impl Failure {
    pub fn fault(fault: impl Into<Fault>) -> Self {
        Self::Faulted(fault.into())
    }

    /// The refusal, if it is one.
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            Self::Faulted(_) => None,
        }
    }

    /// The database error that caused it, if there is one.
    pub fn database_error(&self) -> Option<&sqlx::Error> {
        match self {
            Self::Refused(_) => None,
            Self::Faulted(fault) => database_error(&**fault),
        }
    }

    /// What the caller gets. A fault is logged here, once, with its sources.
    pub fn into_status(self, correlation_id: Uuid) -> Status {
        match self {
            Self::Refused(refusal) => refusal_status(&refusal),
            Self::Faulted(fault) => faulted(&*fault, correlation_id),
        }
    }
}

impl From<Refusal> for Failure {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(Box::new(refusal))
    }
}

impl<R: Rule> From<Violation<R>> for Failure {
    fn from(violation: Violation<R>) -> Self {
        violation.to_refusal().into()
    }
}

impl From<sqlx::Error> for Failure {
    fn from(error: sqlx::Error) -> Self {
        Self::fault(error)
    }
}

impl From<serde_json::Error> for Failure {
    fn from(error: serde_json::Error) -> Self {
        Self::fault(error)
    }
}

/// The gRPC code of a kind of refusal.
pub const fn code(kind: Kind) -> Code {
    match kind {
        Kind::InvalidArgument => Code::InvalidArgument,
        Kind::FailedPrecondition => Code::FailedPrecondition,
        Kind::NotFound => Code::NotFound,
        Kind::AlreadyExists => Code::AlreadyExists,
        Kind::Unauthenticated => Code::Unauthenticated,
        Kind::PermissionDenied => Code::PermissionDenied,
        Kind::Aborted => Code::Aborted,
        Kind::ResourceExhausted => Code::ResourceExhausted,
        Kind::Unavailable => Code::Unavailable,
        Kind::DeadlineExceeded => Code::DeadlineExceeded,
        Kind::Unimplemented => Code::Unimplemented,
    }
}

fn refusal_status(refusal: &Refusal) -> Status {
    let reason = refusal.reason();
    let values = refusal.values().iter().map(|(name, value)| (name.to_string(), value.clone()));
    let mut details = ErrorDetails::with_error_info(
        reason.name,
        ERROR_DOMAIN,
        values.collect::<std::collections::HashMap<_, _>>(),
    );
    for violation in refusal.field_violations() {
        details.add_bad_request_violation(&violation.field, &violation.rule);
    }
    if reason.kind == Kind::FailedPrecondition {
        let subject = refusal.values().first().map_or("", |(_, value)| value.as_str());
        details.add_precondition_failure_violation(reason.name, subject, refusal.message());
    }
    if let Some(delay) = refusal.retry_delay() {
        details.set_retry_info(Some(delay));
    }
    Status::with_error_details(code(reason.kind), refusal.message(), details)
}

fn faulted(fault: &(dyn Error + Send + Sync + 'static), correlation_id: Uuid) -> Status {
    tracing::error!(%correlation_id, error = %chain(fault), "a call met a fault");
    let message = format!("fault {correlation_id}: report this id to the operators of the service");
    let mut details = ErrorDetails::with_request_info(correlation_id.to_string(), "");
    let code = if is_lost_database(fault) {
        details.set_retry_info(Some(DATABASE_RETRY_AFTER));
        Code::Unavailable
    } else {
        Code::Internal
    };
    Status::with_error_details(code, message, details)
}

fn chain(fault: &(dyn Error + 'static)) -> String {
    let mut text = fault.to_string();
    let mut source = fault.source();
    while let Some(error) = source {
        text.push_str(": ");
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}

/// The database's error in a fault, however deep.
fn database_error<'a>(fault: &'a (dyn Error + 'static)) -> Option<&'a sqlx::Error> {
    std::iter::successors(Some(fault), |error| (**error).source()).find_map(|error| error.downcast_ref())
}

/// Whether the database could not be reached or ended the connection, so that a repeat may succeed.
fn is_lost_database(fault: &(dyn Error + 'static)) -> bool {
    match database_error(fault) {
        Some(sqlx::Error::Database(error)) => error.code().is_some_and(|code| {
            // Class 08 connection exception; shutting down, crashed, starting up; too many connections.
            code.starts_with("08") || matches!(&*code, "57P01" | "57P02" | "57P03" | "53300")
        }),
        Some(
            sqlx::Error::Io(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed
            | sqlx::Error::WorkerCrashed,
        ) => true,
        // How sqlx takes a connection that ends before it is agreed on whether there is TLS.
        Some(sqlx::Error::Protocol(problem)) => problem.contains("SSLRequest"),
        _ => false,
    }
}

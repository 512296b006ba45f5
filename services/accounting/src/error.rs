//! The reasons for which the service refuses beyond the rules of its book, and the refusals that the writer answers with.

use std::time::Duration;

use platform::refusal::{Failure, Kind, Reason};

use crate::domain::refusal::Rule;

pub static NOT_THE_WRITER: Reason = Reason {
    name: "NOT_THE_WRITER",
    kind: Kind::Unavailable,
    meaning: "This replica does not write the book at the moment.",
    remedy: "Repeat the request with the same `request_id`.",
};
pub static OUTCOME_UNKNOWN: Reason = Reason {
    name: "OUTCOME_UNKNOWN",
    kind: Kind::Unavailable,
    meaning: "The connection to the database was lost while the request was being written.",
    remedy: "Repeat the request with the same `request_id`: it is done once at most.",
};
pub static DATABASE_BUSY: Reason = Reason {
    name: "DATABASE_BUSY",
    kind: Kind::Unavailable,
    meaning: "The database is full, or took too long over this. Nothing was written.",
    remedy: "Repeat the request with the same `request_id` after the delay in the details.",
};

/// Every reason of this service, for `docs/errors.md`.
pub fn reasons() -> impl Iterator<Item = &'static Reason> {
    Rule::REASONS.iter().copied().chain([&NOT_THE_WRITER, &OUTCOME_UNKNOWN, &DATABASE_BUSY])
}

/// How long a caller waits before it repeats a request that met a change of writer.
const RETRY_AFTER: Duration = Duration::from_millis(200);

/// How long a caller waits before it repeats a request for which the database had no room or no time.
const RETRY_BUSY_AFTER: Duration = Duration::from_secs(1);

/// The refusal of a request that found no writer here.
pub fn not_the_writer() -> Failure {
    NOT_THE_WRITER
        .refuse("this replica does not write the book at the moment")
        .retry_after(RETRY_AFTER)
        .into()
}

/// The refusal of a request that the database could not take, and that may be taken later.
pub fn database_busy() -> Failure {
    DATABASE_BUSY.refuse("the database cannot take this at the moment").retry_after(RETRY_BUSY_AFTER).into()
}

/// The refusal of a request of which nobody knows yet whether it was written.
pub fn outcome_unknown() -> Failure {
    OUTCOME_UNKNOWN
        .refuse("the connection to the database was lost while the request was being written")
        .retry_after(RETRY_AFTER)
        .into()
}

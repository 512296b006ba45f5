//! A refusal as a value: what a caller can act on. Pure, so that domains refuse without knowing how they are called.
//!
//! A [`Reason`] is what a caller's program decides by, stable over releases. A domain declares its rules once, with [`rules!`]:
//! each rule has its values, its message and its reason. A broken rule at a field is a [`Violation`]; whoever answers a call
//! turns it into a [`Refusal`], which no longer knows its rule and is the same for all services.

mod declare;
pub mod reasons;
mod violation;

use std::{borrow::Cow, time::Duration};

pub use violation::{Rule, Violation};

/// What kind of refusal a reason is: what a caller does about it without knowing the reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// The request is wrong whatever the state of the service.
    InvalidArgument,
    /// The state of something forbids it now.
    FailedPrecondition,
    /// There is no such thing.
    NotFound,
    /// There is such a thing already.
    AlreadyExists,
    /// The caller is unknown.
    Unauthenticated,
    /// The caller may not do this.
    PermissionDenied,
    /// Others changed the same thing meanwhile.
    Aborted,
    /// A bound was reached.
    ResourceExhausted,
    /// The service, or a part of it, cannot answer now.
    Unavailable,
    /// It was not done in the time it had.
    DeadlineExceeded,
    /// The service has no such call.
    Unimplemented,
}

/// A reason for refusals, stable over releases. Programs decide by its name, people read the rest in `docs/errors.md`.
#[derive(Debug)]
pub struct Reason {
    /// `SCREAMING_SNAKE_CASE`, unique in its service.
    pub name: &'static str,
    pub kind: Kind,
    /// What it means.
    pub meaning: &'static str,
    /// What to do about it.
    pub remedy: &'static str,
}

impl Reason {
    /// A refusal for this reason, with what happened this time.
    pub fn refuse(&'static self, message: impl Into<String>) -> Refusal {
        Refusal {
            reason: self,
            message: message.into(),
            values: Vec::new(),
            field_violations: Vec::new(),
            retry_after: None,
        }
    }
}

/// A field that broke a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FieldViolation {
    /// Path of the field in the request.
    pub field: String,
    /// The rule that it broke.
    pub rule: String,
}

/// A refusal, ready for a caller.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{}: {message}", reason.name)]
pub struct Refusal {
    reason: &'static Reason,
    message: String,
    values: Vec<(Cow<'static, str>, String)>,
    field_violations: Vec<FieldViolation>,
    retry_after: Option<Duration>,
}

impl Refusal {
    /// Names a field that broke a rule.
    #[must_use]
    pub fn field(mut self, field: impl Into<String>, rule: impl Into<String>) -> Self {
        self.field_violations.push(FieldViolation { field: field.into(), rule: rule.into() });
        self
    }

    /// Adds a value for programs to read.
    #[must_use]
    pub fn with(mut self, name: impl Into<Cow<'static, str>>, value: impl Into<String>) -> Self {
        self.values.push((name.into(), value.into()));
        self
    }

    /// Sets when a repeat may succeed.
    #[must_use]
    pub fn retry_after(mut self, delay: Duration) -> Self {
        self.retry_after = Some(delay);
        self
    }

    pub fn reason(&self) -> &'static Reason {
        self.reason
    }

    /// Whether this is the reason.
    pub fn is(&self, reason: &Reason) -> bool {
        self.reason.name == reason.name
    }

    pub fn message(&self) -> &str {
        &self.message
    }

    /// The values that the reason speaks of, by name.
    pub fn values(&self) -> &[(Cow<'static, str>, String)] {
        &self.values
    }

    pub fn field_violations(&self) -> &[FieldViolation] {
        &self.field_violations
    }

    pub fn retry_delay(&self) -> Option<Duration> {
        self.retry_after
    }
}

/// A field whose form breaks the contract.
pub fn field_invalid(field: impl std::fmt::Display, rule: impl Into<String>) -> Refusal {
    let rule = rule.into();
    reasons::FIELD_INVALID.refuse(rule.clone()).field(field.to_string(), rule)
}

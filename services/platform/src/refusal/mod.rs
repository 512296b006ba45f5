//! Refusals and faults. A refusal is what the caller can act on: it has a stable reason, and names the field and the values it
//! speaks of. A fault is ours to act on: the caller sees a correlation id and nothing else.

mod failure;
pub mod reasons;

use std::time::Duration;

pub use failure::Failure;
use tonic::Code;

/// A reason for refusals, stable over releases. Callers decide by its name, people read the rest in `docs/errors.md`.
#[derive(Debug)]
pub struct Reason {
    /// `SCREAMING_SNAKE_CASE`, unique in its service.
    pub name: &'static str,
    pub code: Code,
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
            metadata: Vec::new(),
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

/// A refusal: what the caller can act on.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{}: {message}", reason.name)]
pub struct Refusal {
    reason: &'static Reason,
    message: String,
    metadata: Vec<(String, String)>,
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
    pub fn with(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.metadata.push((key.into(), value.into()));
        self
    }

    /// Says when a repeat may succeed.
    #[must_use]
    pub fn retry_after(mut self, delay: Duration) -> Self {
        self.retry_after = Some(delay);
        self
    }

    pub fn reason(&self) -> &'static Reason {
        self.reason
    }

    pub fn message(&self) -> &str {
        &self.message
    }

    pub fn metadata(&self) -> &[(String, String)] {
        &self.metadata
    }

    pub fn field_violations(&self) -> &[FieldViolation] {
        &self.field_violations
    }

    pub fn retry_delay(&self) -> Option<Duration> {
        self.retry_after
    }
}

//! A rule of a domain that was broken, and the field that broke it.

use std::{error::Error, fmt};

use serde::{Deserialize, Serialize};

use crate::{Reason, Refusal};

/// A rule of a domain. Implemented by [`rules!`](crate::rules).
pub trait Rule: Error + Sized {
    /// The reason that callers get.
    fn reason(&self) -> &'static Reason;

    /// The values that it speaks of, by name.
    fn values(&self) -> Vec<(&'static str, String)>;
}

/// A broken rule, and where.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Violation<R> {
    /// Path of the field in the request, as `transaction.lines[1].amount`; `None` when no one field broke the rule.
    pub field: Option<String>,
    pub rule: R,
}

impl<R> Violation<R> {
    /// The same violation, of that field.
    #[must_use]
    pub fn at(mut self, field: impl Into<String>) -> Self {
        self.field = Some(field.into());
        self
    }

    /// The same violation, of a part of the request: its field lies below that part.
    #[must_use]
    pub fn within(mut self, part: &str) -> Self {
        self.field = self.field.map(|field| format!("{part}.{field}"));
        self
    }

    /// The same violation, of an item of several: the item is named even when no one field of it broke the rule.
    #[must_use]
    pub fn of_item(mut self, item: &str) -> Self {
        self.field = Some(match self.field {
            Some(field) => format!("{item}.{field}"),
            None => item.to_owned(),
        });
        self
    }
}

impl<R> From<R> for Violation<R> {
    fn from(rule: R) -> Self {
        Self { field: None, rule }
    }
}

impl<R: fmt::Display> fmt::Display for Violation<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.field {
            Some(field) => write!(f, "{field}: {}", self.rule),
            None => self.rule.fmt(f),
        }
    }
}

impl<R: Error> Error for Violation<R> {}

impl<R: Rule> Violation<R> {
    /// The violation as callers get it.
    pub fn to_refusal(&self) -> Refusal {
        let mut refusal = self.rule.reason().refuse(self.rule.to_string());
        if let Some(field) = &self.field {
            refusal = refusal.field(field.clone(), self.rule.to_string());
        }
        self.rule.values().into_iter().fold(refusal, |refusal, (name, value)| refusal.with(name, value))
    }
}

impl<R: Rule> From<Violation<R>> for Refusal {
    fn from(violation: Violation<R>) -> Self {
        violation.to_refusal()
    }
}

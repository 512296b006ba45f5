//! The rules of the house that a machine can check.
//!
//! Each rule is a function from what it looks at to its [`Finding`]s, with a test on a bad example beside it; `tests/it`
//! applies them all to this work tree. A finding says what to do, not only what is wrong.

pub mod arrows;
pub mod contract;
pub mod links;
pub mod manifests;
pub mod migrations;
pub mod rust;
pub mod services;
pub mod size;
pub mod targets;
pub mod tree;
pub mod words;

use std::fmt;

/// A place where a rule is broken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// Path from the root of the work tree, or the full name of something in the contract.
    pub place: String,
    /// 1 is the first; `None` when it is about the place as a whole.
    pub line: Option<usize>,
    pub message: String,
}

impl Finding {
    pub fn at(place: &str, line: usize, message: impl Into<String>) -> Self {
        Self { place: place.to_owned(), line: Some(line), message: message.into() }
    }

    pub fn of(place: &str, message: impl Into<String>) -> Self {
        Self { place: place.to_owned(), line: None, message: message.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            Some(line) => write!(formatter, "{}:{line}: {}", self.place, self.message),
            None => write!(formatter, "{}: {}", self.place, self.message),
        }
    }
}

//! SQL: rows to domain values and back.

pub mod batches;
pub mod holdings;
pub mod kinds;
pub mod moves;

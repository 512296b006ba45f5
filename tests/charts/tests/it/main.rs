//! The charts as an operations engineer meets them: through helm, with values right and wrong.

#![cfg(test)]

mod alerts;
mod generated;
mod objects;
mod observability;
mod refusals;
mod settings;

//! What the tests share.

pub mod bench;
pub mod notes;
pub mod server;

//! What the tests share.

pub mod bench;
pub mod notebook;
pub mod notes;
pub mod proxy;
pub mod server;

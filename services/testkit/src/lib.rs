//! What tests use: temporary databases, a broker, keys and certificates, a service in this process, and waiting for a condition.
//!
//! A test takes what it needs and has it for itself alone: [`database()`] a migrated database, [`kafka()`] a prefix for
//! topics and groups, [`harness::ServiceHarness`] a whole service on them. They are in servers that all tests share, started by whichever test comes first ([`shared`]).
//! A test that stops or kills a server has one of its own ([`PrivatePostgres`], [`PrivateBroker`]).
//!
//! The same servers make the local stack (`make up`): [`stack::Stack`].

mod account;
mod broker;
mod collector;
mod database;
mod kafka;
mod names;
mod postgres;
mod private;
mod sender;
mod wait;

pub mod bank;
pub mod contract;
pub mod daemon;
pub mod folder;
pub mod harness;
pub mod keys;
pub mod matrix;
pub mod ports;
pub mod services;
pub mod shared;
pub mod stack;

pub use broker::{Broker, SecureListener};
pub use collector::{Collector, Kind, Metric, ReceivedSpan};
pub use database::{DML_GROUP, TestDatabase, database};
pub use kafka::{TestKafka, kafka};
pub use postgres::{Backup, Postgres};
pub use private::{PrivateBroker, PrivatePostgres, sweep};
pub use sender::send;
pub use wait::wait_for;

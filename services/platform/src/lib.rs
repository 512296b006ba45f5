//! The mechanisms that every service is built on. None of them knows anything about banking.
//!
//! | module | what it is for |
//! |---|---|
//! | [`service`] | a program is `impl Service`, and nothing more |
//! | [`command`] | the one way a change is made |
//! | [`rpc`], [`call`] | the server and its gate, and the call that it hands over |
//! | [`approval`] | a second person agrees before a call runs |
//! | [`auth`] | who calls |
//! | [`idempotency`] | a repeat gets the first answer |
//! | [`audit`] | who did what, sealed into a chain |
//! | [`facts`], [`outbox`], [`relay`] | what has happened, published on Kafka |
//! | [`consumer`], [`inbox`], [`dead_letters`] | what has happened elsewhere, applied once |
//! | [`follower`] | a copy in memory of what another service keeps |
//! | [`jobs`], [`leadership`] | periodic jobs, and work that only one replica may do |
//! | [`retention`] | how long all this is kept |
//! | [`registers`] | records that hold from a date on, with their history |
//! | [`pages`] | keyset pages |
//! | [`refusal`] | what the caller can act on, and what we must act on |
//! | [`config`], [`telemetry`], [`lifecycle`], [`db`] | the process and its surroundings |
//! | [`clock`], [`ids`], [`Dependencies`] | time, identity and database as parameters |

mod backoff;
mod dependencies;

pub mod approval;
pub mod audit;
pub mod auth;
pub mod call;
pub mod clock;
pub mod command;
pub mod config;
pub mod consumer;
pub mod db;
pub mod dead_letters;
pub mod facts;
pub mod follower;
pub mod idempotency;
pub mod ids;
pub mod inbox;
pub mod jobs;
pub mod leadership;
pub mod lifecycle;
pub mod outbox;
pub mod pages;
pub mod refusal;
pub mod registers;
pub mod relay;
pub mod retention;
pub mod rpc;
pub mod service;
pub mod telemetry;

pub use dependencies::Dependencies;

//! The mechanisms that every service stands on. None of them knows a word of banking.
//!
//! | module | what it is for |
//! |---|---|
//! | [`config`] | defaults, file, environment; unknown keys refused; secrets redacted |
//! | [`telemetry`] | logs, traces and metrics |
//! | [`lifecycle`] | readiness, drain, flush, exit |
//! | [`db`] | pool, migrations, retried transactions |
//! | [`clock`], [`ids`] | time and identity as parameters |
//! | [`refusal`] | what callers can act on, and what we must |
//! | [`pages`] | keyset pages |
//! | [`auth`] | who calls |
//! | [`rpc`] | the server: trace, deadline, load limit, authentication, policy |
//! | [`approval`] | a second person agrees before a call runs |
//! | [`idempotency`] | a repeat gets the first answer |
//! | [`audit`] | who did what, sealed into a chain |
//! | [`facts`], [`outbox`], [`relay`] | what has happened, on its way to Kafka |
//! | [`consumer`], [`inbox`], [`dead_letters`] | what has happened elsewhere, applied once |
//! | [`retention`] | how long all this is kept |

mod backoff;
pub mod leadership;

pub mod approval;
pub mod audit;
pub mod auth;
pub mod clock;
pub mod config;
pub mod consumer;
pub mod db;
pub mod dead_letters;
pub mod facts;
pub mod idempotency;
pub mod ids;
pub mod inbox;
pub mod lifecycle;
pub mod outbox;
pub mod pages;
pub mod refusal;
pub mod relay;
pub mod retention;
pub mod rpc;
pub mod telemetry;

//! Kills parts of the house at random moments under load, and proves each time that nothing was lost and nothing was doubled.
//! `docs/faults.md` says what is proved, and what a long run found.
//!
//! | module | what it is for |
//! |---|---|
//! | [`arguments`] | options |
//! | [`victim`] | what is killed, and in which order |
//! | `stack`, `replica` | a Postgres, a Kafka and two replicas of the service, of this run alone |
//! | [`customers`] | the accounts that money moves between |
//! | [`attempt`] | one call, and how it can end |
//! | `load` | callers, each with one call under way |
//! | `round` | one kill: the load, the fault, the way back, the proof |
//! | [`proof`] | what must hold after it |
//! | `reader` | a consumer of the postings' facts |
//! | `summary` | what a run found |

pub mod arguments;
pub mod attempt;
pub mod customers;
mod load;
pub mod proof;
mod reader;
mod replica;
mod round;
mod run;
mod stack;
mod summary;
pub mod victim;

pub use arguments::Arguments;
pub use run::run;

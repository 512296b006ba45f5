//! The load client: measures accounting through its public API, beside the service, Postgres and Kafka on one machine, with
//! everything on. `docs/benchmarks.md` says what each row means.
//!
//! | module | what it is for |
//! |---|---|
//! | [`arguments`] | options, and where the stack is |
//! | `customers` | the accounts that money moves between |
//! | `wire`, `template` | calls that cost the client next to nothing |
//! | `drive` | slots that call until the time is up, and what came of it |
//! | `work`, `zipf` | what the slots ask for |
//! | `import` | a file of transfers that is moved in |
//! | `relay`, `processes` | what the load did to Kafka, memory and processors |
//! | `baseline` | what the same machine and Postgres do without the service |
//! | `figure` | the results, for people and for programs |

pub mod arguments;
mod baseline;
mod customers;
mod drive;
mod figure;
mod import;
mod number;
mod processes;
mod relay;
mod run;
mod template;
mod wire;
mod work;
mod zipf;

pub use arguments::Arguments;
pub use run::run;

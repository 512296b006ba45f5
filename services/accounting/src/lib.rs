//! Accounting (会计核算): the books of the bank. Base data, chart of accounts, accounts, postings, holds.
//!
//! # Invariants
//!
//! What always holds. Tests, CHECKs and comments cite the numbers.
//!
//! | | |
//! |---|---|
//! | ACC-1 | A posting balances in each currency and, with the lines that the service adds, in each branch; so the trial balance is zero. |
//! | ACC-2 | An account's balance is its last entry: entries are numbered 1, 2, 3 ..., and their totals are the sums of all before. |
//! | ACC-3 | No posting takes from an account beyond what is available, nor from a register beyond what is registered. |
//! | ACC-4 | A request is done once at most; a repeat gets the first answer, and other content under its id is refused. |
//! | ACC-5 | Postings and events of holds are numbered without a gap, in the order in which they were decided. |
//! | ACC-6 | One writer at a time: a batch number is taken once, and a writer that finds its number taken stops. |
//! | ACC-7 | Any change of the journal shows: each batch carries a hash over its content and over the batch before. |
//! | ACC-8 | A hold never gives more than it set aside, and ends once. |
//! | ACC-9 | What is refused, or only checked, leaves no trace in the books. |
//! | ACC-10 | Where two persons are required, two act: a maker never approves their own request. |
//! | ACC-11 | What is booked by a template is what its version in force on the business date says; a fact is booked or kept, once. |
//!
//! # Modules
//!
//! | | |
//! |---|---|
//! | [`domain`] | what is decided, pure |
//! | [`app`] | what is done: commands through the one [`writer`](app::writer), [enquiries](app::enquiry), [verification](app::verify) |
//! | [`store`] | SQL |
//! | [`wire`] | between the contract and the domain |
//! | [`grpc`] | the rpcs |
//! | [`events`] | the facts that are published, and the handlers of other services' facts |
//! | [`jobs`] | what runs by the clock |
//! | [`import`] | a client of the API, which moves accounts and postings in from files |
//! | [`error`] | what the service refuses beyond the rules of its book |
//! | [`config`], [`service`] | the service's own settings, and how it is put together |

pub mod app;
pub mod config;
pub mod domain;
pub mod error;
pub mod events;
pub mod grpc;
pub mod import;
pub mod jobs;
pub mod service;
pub mod store;
pub mod wire;

/// The service's name: of its settings, its topics and its traces.
pub const SERVICE: &str = "accounting";

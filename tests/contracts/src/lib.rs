//! The documents of the public contract, generated from it, and the check that what is sent keeps it.
//!
//! `proto/` is the contract. From its messages, comments and options this crate writes what people and tools read: the API's
//! pages, the facts' page, an AsyncAPI document, a JSON Schema for each fact, and the list of refusals. All of them are
//! committed; `contracts check` fails over one that differs from what the contract says now.
//!
//! | module | what it holds |
//! |---|---|
//! | [`contract`] | the contract as this crate reads it: comments, policies, facts, headers |
//! | [`api`] | `docs/api/`: a page for each service, a page of messages for each package |
//! | [`events`] | `docs/events.md` |
//! | [`asyncapi`] | `docs/asyncapi.json` |
//! | [`schema`] | `docs/schemas/`: the shape of each fact as JSON |
//! | [`refusals`] | `docs/errors.md` |
//! | [`examples`] | a record of each fact, as a service makes it |
//! | [`documents`] | all documents together; written, and compared |
//! | [`asserts`] | for other tests: a record that was really sent keeps the contract |

pub mod api;
pub mod asserts;
pub mod asyncapi;
pub mod contract;
pub mod documents;
pub mod events;
pub mod examples;
mod json;
mod markdown;
pub mod refusals;
pub mod schema;

pub use asserts::assert_matches_event;

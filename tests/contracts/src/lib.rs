//! The documents of the public contract, generated from it, and the check that what is sent keeps it.
//!
//! `proto/` is the contract. From its messages, comments and options this crate writes what people and tools read: the API's
//! pages, the facts' page, an AsyncAPI document, a JSON Schema for each fact, and the list of refusals. All of them are
//! committed; `contracts check` fails over one that differs from what the contract says now.
//!
//! | module | what it holds |
//! |---|---|
//! | [`api`] | `docs/api/`: a page for each service, a page of messages for each package |
//! | [`events`] | `docs/events.md` |
//! | [`asyncapi`] | `docs/asyncapi.json` |
//! | [`refusals`] | `docs/errors.md` |
//! | [`examples`] | a record of each fact, as a service makes it |
//! | [`documents`] | all documents together; written, and compared |

pub mod api;
pub mod asyncapi;
pub mod documents;
pub mod events;
pub mod examples;
mod markdown;
pub mod refusals;

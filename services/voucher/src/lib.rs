//! Voucher (凭证管理): every blank voucher of the bank, number by number, from the printer on.
//!
//! # Invariants
//!
//! What always holds. Tests, CHECKs and comments cite the numbers.
//!
//! | | |
//! |---|---|
//! | VOU-1 | A number enters once: no number of a kind is in two printed batches. |
//! | VOU-2 | Every number that was received has one holder: what is held of a kind is what was received, and no two holdings share a number. |
//! | VOU-3 | Only the branch that holds all of a range hands it over. |
//! | VOU-4 | A range changes hands between two persons: an operator of the branch that gives it and one of the branch that takes it. |
//! | VOU-5 | What has moved is never rewritten: each part of a move points to the line by which its giver got it. |
//! | VOU-6 | The form of a kind's numbers never changes: numbers stand on it. |
//!
//! # Modules
//!
//! | | |
//! |---|---|
//! | [`domain`] | what is decided, pure |
//! | [`app`] | the use cases, one file each, and enquiries |
//! | [`store`] | SQL |
//! | [`wire`] | between the contract and the domain |
//! | [`grpc`] | the rpcs |
//! | [`service`] | how it is put together |

pub mod app;
pub mod domain;
pub mod grpc;
pub mod service;
pub mod store;
pub mod wire;

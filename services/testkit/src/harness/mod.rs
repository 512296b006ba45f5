//! What every service's tests start from: the service in this process, on a database of the test's own.
//!
//! [`Launch`] says how it is to be started, and [`ServiceHarness`] is the service that runs. Requests are sent as a [`Person`], and
//! come back answered or [`Refused`]. A fixture that takes many calls to set up is founded once ([`Launch::found`]), and each test
//! starts on a copy of that database. [`Replica`] is the service as a process of its own, and [`Proxy`] a network that fails.

mod clock;
mod launch;
mod people;
mod proxy;
mod refused;
mod replica;
mod service;

use std::time::Duration;

use proto_common::common::v1::Money;
use uuid::Uuid;

pub use self::{
    clock::MovableClock,
    launch::Launch,
    people::{Person, call_on, issuer, signed},
    proxy::Proxy,
    refused::Refused,
    replica::Replica,
    service::{Running, ServiceHarness},
};
pub use crate::database::Template;

/// For anything that must happen: two busy cores take their time.
pub const BOUND: Duration = Duration::from_mins(1);

/// A request id that no other request has: not even one of an earlier run, whose answers a copied database still holds.
pub fn new_id() -> String {
    Uuid::from_u128(rand::random()).to_string()
}

/// An amount, as `yuan("12.50")`.
pub fn yuan(amount: &str) -> Money {
    Money { currency: "CNY".to_owned(), amount: amount.to_owned() }
}

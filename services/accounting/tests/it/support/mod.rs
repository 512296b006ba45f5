//! What the tests stand on: a [`ServiceHarness`] runs the service in this process, and a [`BankFixture`] is a house with a small bank in it.
//! Requests are sent as somebody of the [`people`], and come back answered or [`Refused`].

mod bank;
mod base_data;
mod calls;
mod clock;
pub mod people;
mod proxy;
mod refused;
mod replica;
mod service_harness;

pub use self::{
    bank::{BankFixture, DAY, OWN_ACCOUNTS, credit, debit, own, personal_account, post},
    base_data::{record, templates},
    calls::Call,
    proxy::Proxy,
    refused::Refused,
    replica::Replica,
    service_harness::{ServiceHarness, call_on, issuer, signed},
};

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use proto_common::common::v1::Money;

/// For anything that must happen: two busy cores take their time.
pub const BOUND: Duration = Duration::from_mins(1);

/// A request id that no other request of this test run has.
pub fn new_id() -> String {
    static LAST: AtomicU64 = AtomicU64::new(0);
    uuid::Uuid::from_u128(u128::from(LAST.fetch_add(1, Ordering::Relaxed)) + (1 << 64)).to_string()
}

/// An amount, as `yuan("12.50")`.
pub fn yuan(amount: &str) -> Money {
    Money { currency: "CNY".to_owned(), amount: amount.to_owned() }
}

//! What the tests of accounting stand on besides [`testkit::harness`]: a [`BankFixture`] is the service with a small bank in it, and the
//! [`people`] are its operators.

mod bank;
mod base_data;
pub mod people;
mod requests;

pub use testkit::harness::{BOUND, Refused, Replica, call_on, issuer, new_id, signed, yuan};

pub use self::{
    bank::{BankFixture, DAY, OWN_ACCOUNTS, WRITER, launch},
    base_data::{record, templates},
    requests::{credit, debit, own, personal_account, post},
};

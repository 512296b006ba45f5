//! The services of the contract: each rpc turns its request into a command or an enquiry, and the answer into its response.

mod accounts;
mod base_data;
mod call;
mod holds;
mod ledger;
mod onboarding;
mod postings;
mod suspense;

use crate::app::{enquiry::Enquiries, writer::WriterHandle};

/// What the rpcs stand on.
#[derive(Clone)]
pub struct Api {
    /// Where commands go.
    pub writer: WriterHandle,
    pub enquiries: Enquiries,
}

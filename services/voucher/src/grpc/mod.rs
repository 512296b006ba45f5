//! The services of the contract: each rpc turns its request into a use case or an enquiry, and the answer into its response.

mod kinds;
mod stock;

use std::sync::Arc;

use basedata::BaseData;
use platform::{command::Commands, refusal::Refusal};

use crate::app::enquiry::Enquiries;

/// What the rpcs stand on.
#[derive(Clone)]
pub struct Api {
    pub commands: Commands,
    pub enquiries: Enquiries,
}

impl Api {
    /// The base data that a change is decided by.
    fn bank(&self) -> Result<Arc<BaseData>, Refusal> {
        self.enquiries.bank()
    }
}

//! Suspense items: one, and lists.

use platform::refusal::Failure;

use super::{Enquiries, not_found};
use crate::{
    domain::suspense::{SuspenseItem, SuspenseRecord, SuspenseState},
    store::suspense,
};

impl Enquiries {
    /// One item, with the payload of its fact.
    pub async fn suspense_item(&self, number: i64) -> Result<SuspenseRecord, Failure> {
        let found = suspense::get(&mut *self.connection().await?, number).await?;
        Ok(found.ok_or_else(|| not_found(&format!("suspenseItems/{number}")))?)
    }

    /// Items below a number, newest first.
    pub async fn suspense_items(
        &self,
        branch: Option<&str>,
        state: Option<SuspenseState>,
        below: i64,
        limit: i64,
    ) -> Result<Vec<SuspenseItem>, Failure> {
        Ok(suspense::list(&mut *self.connection().await?, branch, state, below, limit).await?)
    }
}

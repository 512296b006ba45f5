//! Holds: one, and lists.

use platform::refusal::Failure;

use super::{Enquiries, accounts::no_account, not_found};
use crate::{
    domain::{
        hold::{Hold, HoldState},
        ids::{AccountNumber, HoldNumber},
    },
    store::{accounts, holds},
};

impl Enquiries {
    /// One hold.
    pub async fn hold(&self, number: HoldNumber) -> Result<Hold, Failure> {
        let found = holds::get(&mut *self.connection().await?, number.0).await?;
        Ok(found.ok_or_else(|| not_found(&format!("holds/{number}")))?)
    }

    /// Holds of an account below a number, newest first.
    pub async fn holds(
        &self,
        account: &AccountNumber,
        state: Option<HoldState>,
        below: i64,
        limit: i64,
    ) -> Result<Vec<Hold>, Failure> {
        let mut conn = self.connection().await?;
        let found = accounts::get(&mut conn, account.as_str()).await?;
        let id = found.ok_or_else(|| no_account(account))?.account.id;
        Ok(holds::list(&mut conn, id.0, state, below, limit).await?)
    }
}

//! Accounts: one with its balance, searches, history, entries.

use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use platform::refusal::{Failure, Refusal};
use sqlx::Connection;

use super::{Enquiries, SNAPSHOT, not_found};
use crate::{
    domain::{
        account::Account,
        book::AccountState,
        enquiry::{AccountEntry, AccountFilter, AccountVersion},
        ids::AccountNumber,
    },
    store::accounts,
};

impl Enquiries {
    /// One account with its balance, and the time at which its holds are judged.
    pub async fn account(&self, number: &AccountNumber) -> Result<(AccountState, DateTime<Utc>), Failure> {
        let mut conn = self.connection().await?;
        // Balance and holds of one state: a capture between them would show as available what it has taken.
        let mut snapshot = conn.begin_with(SNAPSHOT).await?;
        let found = accounts::get(&mut snapshot, number.as_str()).await?;
        snapshot.rollback().await?;
        Ok((found.ok_or_else(|| no_account(number))?, self.dependencies.clock.now()))
    }

    /// Accounts found by the numbers that they had before: each former number with the account's number.
    pub async fn by_former_numbers(
        &self,
        former_numbers: &[String],
    ) -> Result<Vec<(String, String)>, Failure> {
        Ok(accounts::by_former_numbers(&mut *self.connection().await?, former_numbers).await?)
    }

    /// Accounts after a number, by number.
    pub async fn accounts(
        &self,
        filter: &AccountFilter<'_>,
        after: &str,
        limit: i64,
    ) -> Result<Vec<Account>, Failure> {
        Ok(accounts::list(&mut *self.connection().await?, filter, after, limit).await?)
    }

    /// Versions of one account below a version, newest first.
    pub async fn account_versions(
        &self,
        number: &AccountNumber,
        below: i32,
        limit: i64,
    ) -> Result<Vec<AccountVersion>, Failure> {
        let found = accounts::versions(&mut *self.connection().await?, number.as_str(), below, limit).await?;
        if found.is_empty() && below == i32::MAX {
            return Err(no_account(number).into());
        }
        Ok(found)
    }

    /// Entries of one account below its n-th, newest first, with the account.
    pub async fn account_entries(
        &self,
        number: &AccountNumber,
        dates: (Option<NaiveDate>, Option<NaiveDate>),
        below: i64,
        limit: i64,
    ) -> Result<(Arc<Account>, Vec<AccountEntry>), Failure> {
        let mut conn = self.connection().await?;
        let found = accounts::get(&mut conn, number.as_str()).await?;
        let account = found.ok_or_else(|| no_account(number))?.account;
        let (from, to) = dates;
        let entries = accounts::entries(&mut conn, account.id.0, from, to, below, limit).await?;
        Ok((account, entries))
    }
}

pub(super) fn no_account(number: &AccountNumber) -> Refusal {
    not_found(&format!("accounts/{number}"))
}

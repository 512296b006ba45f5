//! Postings: one, and lists.

use platform::refusal::Failure;

use super::{Enquiries, not_found};
use crate::{
    domain::{enquiry::PostingFilter, transaction::Posting},
    store::postings,
};

impl Enquiries {
    /// One posting.
    pub async fn posting(&self, number: i64) -> Result<Posting, Failure> {
        let found = postings::by_numbers(&mut *self.connection().await?, &[number]).await?;
        Ok(found.into_iter().next().ok_or_else(|| not_found(&format!("postings/{number}")))?)
    }

    /// Postings below a number, newest first.
    pub async fn postings(
        &self,
        filter: &PostingFilter<'_>,
        below: i64,
        limit: i64,
    ) -> Result<Vec<Posting>, Failure> {
        Ok(postings::list(&mut *self.connection().await?, filter, below, limit).await?)
    }
}

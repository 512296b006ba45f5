//! Enquiries: what only reads.

use std::sync::Arc;

use basedata::{BaseData, Reader};
use chrono::NaiveDate;
use dated::{Register, Version};
use platform::{
    Dependencies,
    pages::PageTokens,
    refusal::{Failure, Refusal, Violation, reasons},
    registers::{self, Entry},
};

use crate::{
    domain::{batch::Batch, holding::Holding, kind::Kind},
    store::{
        batches, holdings,
        kinds::{self, KINDS},
    },
};

/// What enquiries stand on.
#[derive(Clone)]
pub struct Enquiries {
    pub dependencies: Dependencies,
    pub base_data: Reader,
}

impl Enquiries {
    /// One kind, as it is in force on a date.
    pub async fn kind(&self, code: &str, on: Option<NaiveDate>) -> Result<Version<Kind>, Failure> {
        let on = self.date(on)?;
        let found =
            registers::in_force(&mut *self.dependencies.pool.acquire().await?, KINDS, code, on).await?;
        Ok(found.ok_or_else(|| not_found(&format!("kinds/{code}")))?)
    }

    /// Kinds in force on a date after a code.
    pub async fn kinds(
        &self,
        on: Option<NaiveDate>,
        after: &str,
        limit: i64,
    ) -> Result<Vec<Version<Kind>>, Failure> {
        let on = self.date(on)?;
        Ok(registers::list(&mut *self.dependencies.pool.acquire().await?, KINDS, on, after, limit).await?)
    }

    /// Versions of one kind below a version, newest first.
    pub async fn kind_versions(
        &self,
        code: &str,
        below: i32,
        limit: i64,
    ) -> Result<Vec<Entry<Kind>>, Failure> {
        let mut conn = self.dependencies.pool.acquire().await?;
        let found = registers::history(&mut conn, KINDS, code, below, limit).await?;
        if found.is_empty() && below == i32::MAX {
            return Err(not_found(&format!("kinds/{code}")).into());
        }
        Ok(found)
    }

    /// One batch, with its kind as it was when it was received.
    pub async fn batch(&self, number: i64) -> Result<(Batch, Kind), Failure> {
        let mut conn = self.dependencies.pool.acquire().await?;
        let found = batches::get(&mut conn, number).await?;
        let batch = found.ok_or_else(|| not_found(&format!("printBatches/{number}")))?;
        let kind = registers::in_force(&mut conn, KINDS, &batch.kind, batch.received_on).await?;
        let kind: Version<Kind> =
            kind.ok_or_else(|| Failure::fault("a batch is of a kind that is not there"))?;
        Ok((batch, kind.content))
    }

    /// Holdings of a kind after a number, with their kind: the form of its numbers never changes (VOU-6).
    pub async fn holdings(
        &self,
        kind: &str,
        branch: Option<&str>,
        after: i64,
        limit: i64,
    ) -> Result<(Kind, Vec<Holding>), Failure> {
        let mut conn = self.dependencies.pool.acquire().await?;
        let kinds: Register<Kind> = kinds::load(&mut conn).await?;
        let found = kinds.of(kind).next().ok_or_else(|| not_found(&format!("kinds/{kind}")))?;
        Ok((found.content.clone(), holdings::list(&mut conn, kind, branch, after, limit).await?))
    }

    pub fn pages(&self) -> &PageTokens {
        &self.dependencies.page_tokens
    }

    /// The base data that answers are made with.
    pub fn bank(&self) -> Result<Arc<BaseData>, Refusal> {
        self.base_data.current().map_err(Refusal::from)
    }

    fn date(&self, on: Option<NaiveDate>) -> Result<NaiveDate, Failure> {
        match on {
            Some(on) => Ok(on),
            None => Ok(self.bank()?.business_date().map_err(Violation::from)?),
        }
    }
}

fn not_found(name: &str) -> Refusal {
    reasons::NOT_FOUND.refuse(format!("there is no {name}")).with("name", name)
}

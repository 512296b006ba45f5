//! Sets the bank up through the API: base data, and the business day; then own accounts and founding, which move in from files in an
//! opening period of that day. What is there already is left as it is, so that a second start on kept data only opens the next day.

mod base_data;
mod business_day;
mod founding;
mod onboarding;
mod own_accounts;

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use chrono::{DateTime, NaiveDate, Utc};
use platform::ids::SharedIds;
use proto_accounting::v1::GetTrialBalanceResponse;
use proto_common::Rpc;

use crate::{
    bank::Bank,
    client::{Client, Token},
    plan::{Place, Totals},
    report::Report,
    staff::{Caller, HeadOffice, Staff},
};

pub use onboarding::Onboarding;
pub use own_accounts::amount;

/// How many accounts are opened, or read, at once: fewer than the service has connections to its database.
pub const IN_FLIGHT: usize = 8;

/// What it takes to set the bank up.
#[derive(Debug, Clone, Copy)]
pub struct Setup<'a> {
    pub bank: &'a Bank,
    pub staff: &'a Staff,
    pub office: &'a HeadOffice,
    pub client: &'a Client,
    pub ids: &'a SharedIds,
    pub onboarding: &'a Onboarding,
}

/// The bank as the day finds it.
#[derive(Debug, Clone)]
pub struct Opened {
    pub business_date: NaiveDate,
    /// The bank's own accounts, by place: their names, and what is on them.
    pub names: BTreeMap<Place, String>,
    pub own: BTreeMap<Place, Totals>,
    /// The trial balance before the day.
    pub trial_balance: GetTrialBalanceResponse,
    pub last_posting: i64,
}

impl Setup<'_> {
    /// Makes the bank ready for a day.
    pub async fn open(&self, now: DateTime<Utc>, same_day: bool, report: &mut Report<'_>) -> Result<Opened> {
        let (business_date, names) = self.found_bank(now, same_day, report).await?;
        self.stand(business_date, names).await
    }

    /// Makes the bank what it is before its day begins.
    pub async fn found_bank(
        &self,
        now: DateTime<Utc>,
        same_day: bool,
        report: &mut Report<'_>,
    ) -> Result<(NaiveDate, BTreeMap<Place, String>)> {
        let (business_date, names) = self.prepare(now, same_day, report).await?;
        let own = self.own_totals(&names).await?;
        self.found(&own, report).await?;
        Ok((business_date, names))
    }

    /// The bank as it stands.
    pub async fn stand(&self, business_date: NaiveDate, names: BTreeMap<Place, String>) -> Result<Opened> {
        let own = self.own_totals(&names).await?;
        let trial_balance = self.client.trial_balance(&self.reader()?).await?;
        let last_posting = trial_balance.last_posting;
        Ok(Opened { business_date, names, own, trial_balance, last_posting })
    }

    /// Makes the bank ready to be founded: base data, business day, and its own accounts with nothing on them.
    pub async fn prepare(
        &self,
        now: DateTime<Utc>,
        same_day: bool,
        report: &mut Report<'_>,
    ) -> Result<(NaiveDate, BTreeMap<Place, String>)> {
        let first_day = self.first_day(now).await?;
        self.load_base_data(first_day, report).await?;
        let business_date = self.open_business_day(first_day, same_day, report).await?;
        Ok((business_date, self.open_own_accounts(report).await?))
    }

    /// The token of someone at head office who reads everything.
    pub fn reader(&self) -> Result<Token> {
        self.staff.token(&self.office.book_keeper)
    }

    /// Sends a request that needs a second person, with that person's approval.
    async fn approved<M: Rpc>(&self, maker: &Caller, checker: &Caller, request: M) -> Result<M::Response> {
        let (maker, checker) = (self.staff.token(maker)?, self.staff.token(checker)?);
        self.client.send_approved(&maker, &checker, &request).await.context("with a second person")
    }

    fn fresh_id(&self) -> String {
        self.ids.next().to_string()
    }
}

//! Every account that the day moved, and every hold.

use anyhow::{Context, Result, ensure};
use futures::{StreamExt, TryStreamExt, stream};
use proto_accounting::v1::{Account, Balance};
use rust_decimal::Decimal;

use super::Books;
use crate::{
    client::Token,
    plan::{Customer, CustomerId, Held, HoldId, Totals},
    report::thousands,
    setup::{IN_FLIGHT, amount},
};

impl Books<'_> {
    /// Customers' accounts in all they are, the bank's own by their totals.
    pub(super) async fn accounts(&self) -> Result<String> {
        let token = self.setup.reader()?;
        let (customers, own) = (&self.plan.books.customers, self.plan.books.own());
        let as_planned = stream::iter(customers.iter().enumerate())
            .map(|(place, customer)| self.customer(&token, CustomerId(place), customer))
            .buffer_unordered(IN_FLIGHT);
        as_planned.try_collect::<()>().await?;
        let as_planned = stream::iter(own.iter())
            .map(|(place, totals)| {
                let name = self.opened.names.get(place).cloned();
                let token = &token;
                async move {
                    let name = name.with_context(|| format!("no account at {place}"))?;
                    let (_, balance) = self.account(token, &name).await?;
                    same_totals(&balance, totals).with_context(|| format!("{name} at {place}"))
                }
            })
            .buffer_unordered(IN_FLIGHT);
        as_planned.try_collect::<()>().await?;
        Ok(format!("{} of customers, {} of the bank's own", thousands(customers.len()), thousands(own.len())))
    }

    async fn customer(&self, token: &Token, id: CustomerId, customer: &Customer) -> Result<()> {
        let name = self.day.names.account(id).with_context(|| format!("of {}", customer.title))?;
        let (account, balance) = self.account(token, &name).await?;
        same_customer(&account, &balance, customer).context(name)
    }

    async fn account(&self, token: &Token, name: &str) -> Result<(Account, Balance)> {
        let found = self.setup.client.account(token, name).await.with_context(|| name.to_owned())?;
        found.account.zip(found.balance).with_context(|| format!("{name} without a balance"))
    }

    /// The holds that the day placed.
    pub(super) async fn holds(&self) -> Result<String> {
        let token = self.setup.reader()?;
        let holds = &self.plan.books.holds;
        let as_planned = stream::iter(holds.iter().enumerate())
            .map(|(place, held)| self.hold(&token, HoldId(place), held))
            .buffer_unordered(IN_FLIGHT);
        as_planned.try_collect::<()>().await?;
        Ok(thousands(holds.len()))
    }

    async fn hold(&self, token: &Token, id: HoldId, planned: &Held) -> Result<()> {
        let name = self.day.names.hold(id)?;
        let hold = self.setup.client.hold(token, &name).await?.with_context(|| name.clone())?;
        let found = (
            hold.state(),
            amount(hold.amount.as_ref())?,
            amount(hold.captured.as_ref())?,
            amount(hold.remaining.as_ref())?,
        );
        let planned = (planned.state, planned.amount, planned.captured, planned.remaining);
        ensure!(
            found == planned,
            "{name}: state, amount, captured and remaining are {found:?}, not {planned:?}"
        );
        Ok(())
    }
}

fn same_totals(balance: &Balance, totals: &Totals) -> Result<()> {
    let found = (
        balance.entries,
        amount(balance.debit_total.as_ref())?,
        amount(balance.credit_total.as_ref())?,
        amount(balance.ledger.as_ref())?,
    );
    let planned = (totals.entries, totals.debit, totals.credit, totals.ledger());
    ensure!(found == planned, "entries, debits, credits and balance are {found:?}, not {planned:?}");
    Ok(())
}

fn same_customer(account: &Account, balance: &Balance, customer: &Customer) -> Result<()> {
    same_totals(balance, &customer.totals)?;
    let available = amount(balance.available.as_ref())?;
    ensure!(available == customer.available(), "{available} is available, not {}", customer.available());
    let held = amount(balance.held.as_ref())?;
    ensure!(held == customer.held, "{held} is held, not {}", customer.held);
    let frozen = account.frozen_amount.as_ref().map_or(Ok(Decimal::ZERO), |money| amount(Some(money)))?;
    let found = (account.status(), account.freeze(), frozen, account.version, account.title.as_str());
    let planned =
        (customer.status, customer.freeze, customer.frozen, customer.version, customer.title.as_str());
    ensure!(
        found == planned,
        "status, freeze, frozen amount, version and title are {found:?}, not {planned:?}"
    );
    Ok(())
}

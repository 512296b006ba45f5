//! Holds the books against the plan: the accounts, the trial balance, the chain, and what is published on Kafka.

mod accounts;
mod chain;
mod facts;
pub mod kafka;
mod trial_balance;

use anyhow::{Result, ensure};

use crate::{
    plan::Plan,
    report::Report,
    run::{Day, Tally},
    settings::Settings,
    setup::{Opened, Setup},
};

pub use facts::keeps_contract;

/// The least reasons for which a day has something refused.
const REASONS_MIN: usize = 25;

/// A day that was run, and all that it is held against.
#[derive(Debug, Clone, Copy)]
pub struct Books<'a> {
    pub settings: &'a Settings,
    pub setup: &'a Setup<'a>,
    /// The bank before the day.
    pub opened: &'a Opened,
    pub plan: &'a Plan,
    pub day: &'a Day<'a>,
}

impl Books<'_> {
    /// Makes all checks. Each is reported; one that fails does not keep the others from being made.
    pub async fn check(&self, tally: &Tally, report: &mut Report<'_>) -> Result<()> {
        report.check("every step ended as planned", tally.as_planned())?;
        report.check("refusals of many kinds", reasons(tally))?;
        report.check("accounts stand as planned", self.accounts().await)?;
        report.check("holds stand as planned", self.holds().await)?;
        report.check("the trial balance is zero, and moved as planned", self.trial_balance().await)?;
        report.check("chain and balances, by `accounting verify`", self.chain().await)?;
        self.facts(report).await
    }
}

fn reasons(tally: &Tally) -> Result<String> {
    let count = tally.reasons().len();
    ensure!(count >= REASONS_MIN, "{count} reasons, and at least {REASONS_MIN} were meant to come up");
    Ok(format!("{count} reasons"))
}

//! What an import comes to.

use std::{collections::BTreeMap, io::Write, time::Duration};

use anyhow::{Context, Result};
use proto_accounting::v1::Side;
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use super::item::Item;

/// Totals over the batches that are done.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Totals {
    pub rows: u64,
    /// Accounts or transactions.
    pub items: u64,
    /// Of these, opened or posted.
    pub done: u64,
    pub refused: u64,
    /// Of what was posted: debits and credits of each currency.
    sums: BTreeMap<String, (Decimal, Decimal)>,
}

impl Totals {
    /// Adds what was done. Accounts add to no sum.
    pub fn add(&mut self, item: &Item) -> Result<()> {
        let Item::Transaction(transaction) = item else { return Ok(()) };
        for line in &transaction.lines {
            let Some(money) = &line.amount else { continue };
            let amount = money::parse_amount(&money.amount)?;
            if !self.sums.contains_key(&money.currency) {
                self.sums.insert(money.currency.clone(), (Decimal::ZERO, Decimal::ZERO));
            }
            let (debit, credit) = self.sums.entry(money.currency.clone()).or_default();
            let sum = if line.side() == Side::Debit { debit } else { credit };
            *sum = sum.checked_add(amount).context("a sum too large to be written")?;
        }
        Ok(())
    }

    /// Prints them, with what this run has done and how long it took.
    pub fn print(&self, now: Option<(u64, Duration)>, out: &mut impl Write) -> Result<()> {
        for (name, count) in
            [("rows", self.rows), ("items", self.items), ("done", self.done), ("refused", self.refused)]
        {
            writeln!(out, "{name:<10} {count:>24}")?;
        }
        for (currency, (debit, credit)) in &self.sums {
            writeln!(out, "{currency:<10} {debit:>24} debit {credit:>24} credit")?;
        }
        if let Some((done, took)) = now {
            let seconds = took.as_secs_f64();
            let rate = f64::from(u32::try_from(done)?) / seconds.max(f64::EPSILON);
            writeln!(out, "{:<10} {seconds:>24.1}", "seconds")?;
            writeln!(out, "{:<10} {rate:>24.0}", "a second")?;
        }
        Ok(())
    }
}

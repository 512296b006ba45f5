//! Does the steps of a plan through the API: many at once, but never two that touch the same account, and those in the order
//! of the plan.

mod names;
mod order;
mod planned;
mod requests;
mod step;
mod tally;
mod verdicts;

use anyhow::Result;
use futures::{StreamExt, stream::FuturesUnordered};
use platform::clock::SharedClock;

use crate::{
    client::Client,
    plan::{Plan, Step},
    report::{Report, thousands},
    staff::Staff,
};

pub use names::Names;
pub use order::Order;
pub use tally::{Deeds, Tally};

/// A plan that is being done.
#[derive(Debug)]
pub struct Day<'a> {
    plan: &'a Plan,
    staff: &'a Staff,
    client: &'a Client,
    clock: &'a SharedClock,
    /// Sets the requests of this run apart from those of any other.
    key: String,
    /// What the service called the accounts and holds of the plan.
    pub names: Names,
}

impl<'a> Day<'a> {
    pub fn new(
        plan: &'a Plan,
        staff: &'a Staff,
        client: &'a Client,
        clock: &'a SharedClock,
        key: String,
    ) -> Self {
        Self { plan, staff, client, clock, key, names: Names::default() }
    }

    /// Does all steps, at most `in_flight` at once. Steps that end otherwise than planned are in the tally.
    pub async fn run(&self, in_flight: usize, report: &mut Report<'_>) -> Result<Tally> {
        let steps = &self.plan.steps;
        let mut order = Order::of(steps);
        let mut tally = Tally::default();
        let mut running = FuturesUnordered::new();
        loop {
            while running.len() < in_flight.max(1)
                && let Some(next) = order.take()
            {
                running.push(async move { (next, self.perform(next, &steps[next]).await) });
            }
            let Some((done, (deeds, outcome))) = running.next().await else { break };
            order.done(done);
            tally.add(&steps[done], deeds, outcome);
            report.progress(|| {
                let (did, all) = (thousands(tally.steps), thousands(steps.len()));
                format!("{did} of {all} steps, {} postings", thousands(tally.postings))
            })?;
        }
        Ok(tally)
    }

    async fn perform(&self, place: usize, step: &Step) -> (Deeds, Result<()>) {
        let mut deeds = Deeds::default();
        let outcome = self.do_step(place, step, &mut deeds).await;
        (deeds, outcome)
    }
}

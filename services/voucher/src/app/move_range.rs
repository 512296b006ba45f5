//! A range changes hands between two branches and two persons (调拨).

use std::sync::Arc;

use basedata::{BaseData, ids::OperatorCode};
use platform::{
    command::{Tx, UseCase},
    refusal::{Failure, Violation},
};
use serde_json::json;

use crate::{
    domain::{
        holding::{Handover, Moved},
        refusal::Rule,
    },
    store::{holdings, kinds, moves},
    wire::fact,
};

/// A range to move.
pub struct MoveRange {
    pub bank: Arc<BaseData>,
    pub handover: Handover,
}

impl UseCase for MoveRange {
    type Answer = Moved;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Moved, Failure> {
        let on = self.bank.business_date().map_err(Violation::from)?;
        let caller = &tx.call().caller;
        let giver = OperatorCode::new(caller.actor.id.as_str());
        let taker = caller.approver.as_ref().map(|taker| OperatorCode::new(taker.id.as_str()));
        if !tx.call().is_seconded() {
            return Err(Violation::from(Rule::SecondPersonRequired).into());
        }
        let kinds = kinds::load(tx.conn()).await?;
        let new = self.handover.decide(&self.bank, &kinds, &giver, taker.as_ref(), on)?;
        let held = holdings::lock(tx.conn(), &new.kind.code, new.range).await?;
        let parts = new.take(&held)?;
        let at = tx.now();
        if tx.call().is_dry_run() {
            return Ok(Moved { number: 0, new, at });
        }
        let number = moves::next_number(tx.conn()).await?;
        let lines = moves::insert(tx.conn(), number, &new, &parts, at).await?;
        let parts: Vec<_> = parts.into_iter().zip(lines).collect();
        holdings::take(tx.conn(), &new.kind.code, &parts, &new.to_branch).await?;
        let moved = Moved { number, new, at };
        let fact = fact::range_moved(&moved);
        tx.publish(&fact)?;
        tx.audit(
            fact.name,
            json!({ "kind": moved.new.kind.code, "range": moved.new.range, "to": moved.new.to_branch }),
        );
        Ok(moved)
    }
}

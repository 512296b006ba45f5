//! Kinds are set from a date on, under approval.

use std::sync::Arc;

use basedata::BaseData;
use chrono::NaiveDate;
use dated::Change;
use platform::{
    command::{Tx, UseCase},
    refusal::{Failure, Violation},
    registers,
};
use serde_json::json;

use crate::{
    domain::kind::Kind,
    store::kinds::{self, KINDS},
    wire::fact,
};

/// Kinds to set.
pub struct ChangeKinds {
    pub bank: Arc<BaseData>,
    pub kinds: Vec<(NaiveDate, Kind)>,
    pub reason: String,
}

impl UseCase for ChangeKinds {
    type Answer = Vec<Change<Kind>>;

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Answer, Failure> {
        let on = self.bank.business_date().map_err(Violation::from)?;
        registers::lock(tx.conn(), KINDS).await?;
        let register = kinds::load(tx.conn()).await?;
        let changed = registers::decide(register, "kinds", &self.kinds, on, |kinds, from, kind| {
            kind.check(kinds, &self.bank, from)
        })?;
        registers::keep(tx, &changed.changes, &self.reason).await?;
        for change in &changed.changes {
            let standing = changed.register.standing(&change.after.content.code, on);
            tx.publish(&fact::kind_changed(&change.after, standing))?;
        }
        let codes: Vec<&str> =
            changed.changes.iter().map(|change| change.after.content.code.as_str()).collect();
        tx.audit(
            format!("kinds/{}", codes.join(",")),
            json!({ "changes": changed.changes, "reason": self.reason }),
        );
        Ok(changed.changes)
    }
}

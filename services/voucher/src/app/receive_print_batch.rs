//! A printed batch is taken into stock (印制入库).

use std::sync::Arc;

use basedata::{BaseData, ids::OperatorCode};
use platform::{
    command::{Tx, UseCase},
    refusal::{Failure, Violation},
};
use serde_json::json;

use crate::{
    domain::{
        batch::{Batch, Receipt},
        holding::Holding,
        kind::Kind,
    },
    store::{batches, holdings, kinds, moves},
    wire::fact,
};

/// A batch to receive.
pub struct ReceivePrintBatch {
    pub bank: Arc<BaseData>,
    pub receipt: Receipt,
}

impl UseCase for ReceivePrintBatch {
    type Answer = (Batch, Kind);

    async fn run(&self, tx: &mut Tx<'_>) -> Result<Self::Answer, Failure> {
        let on = self.bank.business_date().map_err(Violation::from)?;
        let operator = OperatorCode::new(tx.call().caller.actor.id.as_str());
        let kinds = kinds::load(tx.conn()).await?;
        let new = self.receipt.decide(&self.bank, &kinds, &operator, on)?;
        let now = tx.now();
        let batch = batches::insert(tx.conn(), &new, now).await?;
        let line = moves::insert_receipt(tx.conn(), &batch).await?;
        let holding = Holding { range: batch.range, branch: batch.branch.clone(), batch: batch.number, line };
        holdings::insert(tx.conn(), &batch.kind, &holding).await?;
        let received = fact::print_batch_received(&batch, &new.kind);
        tx.publish(&received)?;
        tx.audit(
            received.name,
            json!({ "kind": batch.kind, "range": batch.range, "printer": batch.printer }),
        );
        Ok((batch, new.kind))
    }
}

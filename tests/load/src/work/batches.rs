//! Transfers in atomic batches.

use std::rc::Rc;

use anyhow::Result;
use proto_accounting::v1::{BatchMode, PostBatchRequest};

use super::{
    AMOUNT, BRANCH, Desk, FROM, ID, TO, amount,
    choice::{any_counter, within},
    request_id,
};
use crate::{
    customers::payment,
    drive::{Call, Slot, Work},
    number::count,
    template::Template,
    wire::CallError,
};

/// Batches of transfers, each between two accounts of the branch that posts it.
#[derive(Debug)]
pub struct Batches {
    desk: Desk,
    template: Rc<Template>,
    items: usize,
}

impl Batches {
    /// The request, encoded.
    pub fn template(items: usize) -> Result<Rc<Template>> {
        let request = PostBatchRequest {
            request_id: ID.to_owned(),
            branch: BRANCH.to_owned(),
            mode: BatchMode::Atomic.into(),
            transactions: vec![payment("TRANSFER", FROM, TO, AMOUNT); items],
            validate_only: false,
        };
        let mut stand_ins = vec![ID, BRANCH];
        stand_ins.extend([FROM, AMOUNT, TO, AMOUNT].repeat(items));
        Ok(Rc::new(Template::of(&request, &stand_ins)?))
    }

    /// Batches of so many items.
    pub fn of(desk: Desk, template: &Rc<Template>, items: usize) -> Self {
        Self { desk, template: template.clone(), items }
    }
}

impl Work for Batches {
    async fn act(&mut self, slot: &Slot) -> Result<(), CallError> {
        let Desk { customers, rpcs, ids, rng, .. } = &mut self.desk;
        let id = request_id(ids);
        let counter = any_counter(customers, rng);
        let amounts: Vec<[u8; 4]> = (0..self.items).map(|_| amount(rng)).collect();
        let mut parts: Vec<&[u8]> = Vec::with_capacity(2 + 4 * self.items);
        parts.extend([id.as_slice(), customers.counters[counter].branch.as_bytes()]);
        for amount in &amounts {
            let pair = within(customers, counter, rng);
            parts.extend([pair.from.as_bytes(), amount, pair.to.as_bytes(), amount]);
        }
        let headers = &customers.counters[counter].headers;
        let frame = self.template.fill(parts);
        slot.call(Call { rpc: &rpcs.batch, headers, frame, postings: count(self.items) }).await?;
        Ok(())
    }
}

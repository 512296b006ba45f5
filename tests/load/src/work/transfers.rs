//! Transfers, one a request.

use anyhow::Result;
use proto_accounting::v1::PostTransactionRequest;
use rand::Rng;

use super::{AMOUNT, BRANCH, Desk, FROM, ID, TO, amount, request_id};
use crate::{
    customers::payment,
    drive::{Call, Slot, Work},
    template::Template,
    wire::CallError,
};

/// Above what any account has, and below a teller's limit.
const TOO_MUCH: &str = "199999.99";

/// The requests, encoded.
#[derive(Debug, Clone)]
pub struct Shape {
    transfer: Template,
    short: Template,
}

impl Shape {
    pub fn new() -> Result<Self> {
        let request = |amount: &str| PostTransactionRequest {
            request_id: ID.to_owned(),
            branch: BRANCH.to_owned(),
            transaction: Some(payment("TRANSFER", FROM, TO, amount)),
            validate_only: false,
        };
        Ok(Self {
            transfer: Template::of(&request(AMOUNT), &[ID, BRANCH, FROM, AMOUNT, TO, AMOUNT])?,
            short: Template::of(&request(TOO_MUCH), &[ID, BRANCH, FROM, TO])?,
        })
    }
}

/// Transfers between the accounts of a branch.
#[derive(Debug)]
pub struct Transfers {
    desk: Desk,
    shape: Shape,
    /// Of so many requests one asks for more than the account has; 0 for none.
    refused_of: u32,
}

impl Transfers {
    pub fn of(desk: Desk, shape: &Shape, refused_of: u32) -> Self {
        Self { desk, shape: shape.clone(), refused_of }
    }
}

impl Work for Transfers {
    async fn act(&mut self, slot: &Slot) -> Result<(), CallError> {
        let Desk { customers, rpcs, choice, ids, rng } = &mut self.desk;
        let short = self.refused_of > 0 && rng.random_ratio(1, self.refused_of);
        let id = request_id(ids);
        let pair = choice.pair(customers, rng);
        let counter = &customers.counters[pair.counter];
        let (branch, from, to) = (counter.branch.as_bytes(), pair.from.as_bytes(), pair.to.as_bytes());
        let frame = if short {
            self.shape.short.fill([id.as_slice(), branch, from, to])
        } else {
            let amount = amount(rng);
            self.shape.transfer.fill([id.as_slice(), branch, from, &amount, to, &amount])
        };
        slot.call(Call { rpc: &rpcs.post, headers: &counter.headers, frame, postings: 1 }).await?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use prost::Message;

    use super::*;

    #[test]
    fn a_filled_request_is_a_transfer() {
        let shape = Shape::new().unwrap();
        let (from, to) = ("accounts/1101000100000000017", "accounts/1101000100000000025");
        let id = "0190f1a2-0000-7000-8000-000000000001";
        let parts = [id, "110100", from, "1.05", to, "1.05"];
        let frame = shape.transfer.fill(parts.map(str::as_bytes));
        let request = PostTransactionRequest::decode(&frame[5..]).unwrap();
        assert_eq!((request.request_id.as_str(), request.branch.as_str()), (id, "110100"));
        assert_eq!(request.transaction, Some(payment("TRANSFER", from, to, "1.05")));
    }
}

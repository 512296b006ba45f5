//! A branch's day in small: transfers within and across branches, holds that are captured or released, accounts opened.

use std::time::Duration;

use pbjson_types::Timestamp;
use platform::clock::SharedClock;
use prost::Message;
use proto_accounting::v1::{
    CaptureHoldRequest, PlaceHoldRequest, PlaceHoldResponse, PostTransactionRequest, ReleaseHoldRequest,
};
use proto_common::common::v1::Money;
use rand::Rng;

use super::{
    Desk, amount,
    choice::{Pair, across, any_counter, within},
};
use crate::{
    customers::{CURRENCY, opening, payment},
    drive::{Call, Slot, Work},
    template::frame,
    wire::CallError,
};

/// How long a hold would last that neither is captured nor released; every one is.
const HOLD_LIFE: Duration = Duration::from_hours(1);

/// What is done next, out of a hundred.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Piece {
    TransferWithin,
    TransferAcross,
    HoldAndCapture,
    HoldAndRelease,
    Opening,
}

impl Piece {
    fn of(percent: u32) -> Self {
        match percent {
            0..50 => Self::TransferWithin,
            50..75 => Self::TransferAcross,
            75..87 => Self::HoldAndCapture,
            87..95 => Self::HoldAndRelease,
            _ => Self::Opening,
        }
    }
}

/// A mix of all that a branch does.
#[derive(Debug)]
pub struct DayMix {
    desk: Desk,
    clock: SharedClock,
}

impl DayMix {
    pub fn of(desk: Desk, clock: SharedClock) -> Self {
        Self { desk, clock }
    }

    async fn transfer(&mut self, slot: &Slot, is_across: bool) -> Result<(), CallError> {
        let Desk { customers, rpcs, ids, rng, .. } = &mut self.desk;
        let pair = if is_across {
            across(customers, rng)
        } else {
            let counter = any_counter(customers, rng);
            within(customers, counter, rng)
        };
        let counter = &customers.counters[pair.counter];
        let request = PostTransactionRequest {
            request_id: ids.next().to_string(),
            branch: counter.branch.clone(),
            transaction: Some(payment("TRANSFER", pair.from, pair.to, &text(amount(rng)))),
            validate_only: false,
        };
        let frame = frame(&request);
        slot.call(Call { rpc: &rpcs.post, headers: &counter.headers, frame, postings: 1 }).await?;
        Ok(())
    }

    async fn hold(&mut self, slot: &Slot, is_captured: bool) -> Result<(), CallError> {
        let amount = text(amount(&mut self.desk.rng));
        let expires_at = self.clock.now() + HOLD_LIFE;
        let Desk { customers, rpcs, ids, rng, .. } = &mut self.desk;
        let counter = any_counter(customers, rng);
        let pair = within(customers, counter, rng);
        let counter = &customers.counters[counter];
        let placing = PlaceHoldRequest {
            request_id: ids.next().to_string(),
            branch: counter.branch.clone(),
            account: pair.from.to_owned(),
            amount: Some(Money { currency: CURRENCY.to_owned(), amount: amount.clone() }),
            expire_time: Some(Timestamp { seconds: expires_at.timestamp(), nanos: 0 }),
            purpose: "load".to_owned(),
            reference: String::new(),
        };
        let call =
            Call { rpc: &rpcs.place_hold, headers: &counter.headers, frame: frame(&placing), postings: 0 };
        let Some(answer) = slot.call(call).await? else { return Ok(()) };
        let answer =
            PlaceHoldResponse::decode(answer).map_err(|_| CallError::Foreign("the answer is no hold"))?;
        let hold = answer.hold.ok_or(CallError::Foreign("the answer has no hold"))?.name;

        let (request_id, branch) = (ids.next().to_string(), counter.branch.clone());
        let (rpc, frame, postings) = if is_captured {
            (&rpcs.capture_hold, frame(&capture(request_id, branch, hold, pair, &amount)), 1)
        } else {
            let reason = "load".to_owned();
            (&rpcs.release_hold, frame(&ReleaseHoldRequest { request_id, branch, hold, reason }), 0)
        };
        slot.call(Call { rpc, headers: &counter.headers, frame, postings }).await?;
        Ok(())
    }

    async fn open(&mut self, slot: &Slot) -> Result<(), CallError> {
        let Desk { customers, rpcs, ids, rng, .. } = &mut self.desk;
        let counter = &customers.counters[any_counter(customers, rng)];
        let request = opening(&counter.branch, ids.next().to_string(), "day mix".to_owned());
        let call = Call { rpc: &rpcs.open, headers: &counter.headers, frame: frame(&request), postings: 0 };
        slot.call(call).await?;
        Ok(())
    }
}

fn capture(
    request_id: String,
    branch: String,
    hold: String,
    pair: Pair<'_>,
    amount: &str,
) -> CaptureHoldRequest {
    CaptureHoldRequest {
        request_id,
        branch,
        hold,
        transaction: Some(payment("CARD_PAYMENT", pair.from, pair.to, amount)),
        keep_rest: false,
        validate_only: false,
    }
}

fn text(amount: [u8; 4]) -> String {
    amount.into_iter().map(char::from).collect()
}

impl Work for DayMix {
    async fn act(&mut self, slot: &Slot) -> Result<(), CallError> {
        match Piece::of(self.desk.rng.random_range(0..100)) {
            Piece::TransferWithin => self.transfer(slot, false).await,
            Piece::TransferAcross => self.transfer(slot, true).await,
            Piece::HoldAndCapture => self.hold(slot, true).await,
            Piece::HoldAndRelease => self.hold(slot, false).await,
            Piece::Opening => self.open(slot).await,
        }
    }
}

#[cfg(test)]
mod tests {
    use rand::{SeedableRng, rngs::SmallRng};

    use super::*;

    #[test]
    fn the_mix_adds_up() {
        let share = |piece| (0..100).filter(|percent| Piece::of(*percent) == piece).count();
        let pieces = [
            Piece::TransferWithin,
            Piece::TransferAcross,
            Piece::HoldAndCapture,
            Piece::HoldAndRelease,
            Piece::Opening,
        ];
        assert_eq!(pieces.map(share), [50, 25, 12, 8, 5]);
    }

    #[test]
    fn amounts_are_above_zero_and_of_one_length() {
        let mut rng = SmallRng::seed_from_u64(1);
        for _ in 0..1_000 {
            let text = text(amount(&mut rng));
            assert_eq!(text.len(), super::super::AMOUNT.len());
            assert!(text.parse::<rust_decimal::Decimal>().unwrap() > rust_decimal::Decimal::ZERO, "{text}");
        }
    }
}

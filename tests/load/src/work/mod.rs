//! What the slots ask for.

mod batches;
mod choice;
mod day_mix;
mod transfers;

use std::{rc::Rc, sync::Arc};

use anyhow::Result;
use http::Uri;
use platform::ids::{SharedIds, UuidV7Ids};
use rand::{Rng, SeedableRng, rngs::SmallRng};

pub use batches::Batches;
pub use choice::Choice;
pub use day_mix::DayMix;
pub use transfers::{Shape, Transfers};

use crate::{customers::Customers, wire};

/// Stand-ins in templates, none of which is part of another.
const ID: &str = "00000000-0000-0000-0000-000000000000";
const BRANCH: &str = "333333";
const FROM: &str = "accounts/1111111111111111111";
const TO: &str = "accounts/2222222222222222222";
const AMOUNT: &str = "4.44";

/// Where the rpcs are.
#[derive(Debug, Clone)]
pub struct Rpcs {
    pub post: Uri,
    pub batch: Uri,
    pub open: Uri,
    pub place_hold: Uri,
    pub capture_hold: Uri,
    pub release_hold: Uri,
}

impl Rpcs {
    pub fn at(address: &str) -> Result<Self> {
        Ok(Self {
            post: wire::rpc(address, "PostingService/PostTransaction")?,
            batch: wire::rpc(address, "PostingService/PostBatch")?,
            open: wire::rpc(address, "AccountService/OpenAccount")?,
            place_hold: wire::rpc(address, "HoldService/PlaceHold")?,
            capture_hold: wire::rpc(address, "HoldService/CaptureHold")?,
            release_hold: wire::rpc(address, "HoldService/ReleaseHold")?,
        })
    }
}

/// What all slots share, and what each has to itself.
#[derive(Debug, Clone)]
pub struct Desk {
    customers: Rc<Customers>,
    rpcs: Rc<Rpcs>,
    choice: Choice,
    ids: SharedIds,
    rng: SmallRng,
}

impl Desk {
    /// The desk of a slot. Slots choose differently, and as they did in another run from the same seed.
    pub fn of(customers: &Rc<Customers>, rpcs: &Rc<Rpcs>, choice: &Choice, seed: u64, slot: usize) -> Self {
        let seed = seed.wrapping_add(crate::number::count(slot).wrapping_mul(0x9E37_79B9_7F4A_7C15));
        Self {
            customers: customers.clone(),
            rpcs: rpcs.clone(),
            choice: choice.clone(),
            ids: Arc::new(UuidV7Ids),
            rng: SmallRng::seed_from_u64(seed),
        }
    }
}

/// A request id as it stands on the wire: in the order of time, as the house's own services make them.
fn request_id(ids: &SharedIds) -> [u8; 36] {
    let mut text = [0; 36];
    ids.next().as_hyphenated().encode_lower(&mut text);
    text
}

/// An amount from 0.01 to 9.99, as long as [`AMOUNT`].
fn amount(rng: &mut SmallRng) -> [u8; 4] {
    let mut digit = |from: u8| b'0' + rng.random_range(from..=9);
    [digit(0), b'.', digit(0), digit(1)]
}

//! The chain over the journal (ACC-7): each batch carries a BLAKE3 hash over the hash of the batch before and over everything
//! that the batch wrote, so that no change of any column, no loss and no addition goes unseen.

mod encoding;
#[cfg(test)]
mod tests;
mod verifier;

use chrono::{DateTime, Utc};

pub use verifier::{Broken, Verifier};

use super::{Digest, hold::HoldEvent, ids::BatchNumber, transaction::Posting};
use encoding::Encoding;

/// What the first batch follows.
pub const START: Digest = Digest([0; 32]);

/// Separates these hashes from all others, and this encoding from later ones.
const CONTEXT: &str = "countinghouse.accounting.v1 journal chain";

/// The hash of a batch.
pub fn hash<'a>(
    previous: &Digest,
    number: BatchNumber,
    recorded_at: DateTime<Utc>,
    postings: impl ExactSizeIterator<Item = &'a Posting>,
    hold_events: impl ExactSizeIterator<Item = &'a HoldEvent>,
) -> Digest {
    let mut encoding = Encoding::new(CONTEXT);
    encoding.digest(previous);
    encoding.number(number.0);
    encoding.time(recorded_at);
    encoding.length(postings.len());
    postings.for_each(|posting| encoding.posting(posting));
    encoding.length(hold_events.len());
    hold_events.for_each(|event| encoding.hold_event(event));
    encoding.hash()
}

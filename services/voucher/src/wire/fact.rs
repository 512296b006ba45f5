//! What has happened, as facts of the contract.

use std::sync::LazyLock;

use dated::Version;
use platform::facts::Contract;
use proto_voucher::v1 as pb;

use super::{
    kind::version_to_proto,
    stock::{batch_to_proto, move_to_proto},
};
use crate::domain::{batch::Batch, holding::Moved, kind::Kind};

/// Where each fact is published.
pub fn contract() -> &'static Contract {
    static CONTRACT: LazyLock<Contract> = LazyLock::new(|| {
        Contract::of(proto_voucher::descriptors())
            .expect("invariant: the fact options hold (a test reads them)")
    });
    &CONTRACT
}

/// A kind was set; `standing` are its versions in force and to come.
pub fn kind_changed<'a>(
    set: &Version<Kind>,
    standing: impl Iterator<Item = &'a Version<Kind>>,
) -> pb::KindChanged {
    pb::KindChanged {
        key: set.content.code.clone(),
        set: Some(version_to_proto(set)),
        versions: standing.map(version_to_proto).collect(),
    }
}

/// A batch was received.
pub fn print_batch_received(batch: &Batch, kind: &Kind) -> pb::PrintBatchReceived {
    let batch = batch_to_proto(batch, kind);
    pb::PrintBatchReceived { name: batch.name.clone(), batch: Some(batch) }
}

/// A range changed hands.
pub fn range_moved(moved: &Moved) -> pb::RangeMoved {
    let moved = move_to_proto(moved);
    pb::RangeMoved { name: moved.name.clone(), r#move: Some(moved) }
}

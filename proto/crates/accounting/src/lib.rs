//! Accounting (会计核算): base data, accounts, postings, holds, and the facts about them.

use std::sync::LazyLock;

use prost_reflect::DescriptorPool;

/// This part of the contract, with all that it imports and the approvals that every server has.
pub fn descriptors() -> &'static DescriptorPool {
    static POOL: LazyLock<DescriptorPool> =
        LazyLock::new(|| proto_common::decode(include_bytes!(concat!(env!("OUT_DIR"), "/contract.bin"))));
    &POOL
}

#[expect(
    clippy::large_enum_variant,
    reason = "generated: a batch's result is a posting far more often than a refusal"
)]
pub mod v1 {
    proto_common::package!("countinghouse.accounting.v1");
}

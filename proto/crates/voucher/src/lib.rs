//! Voucher (凭证管理): kinds of blank vouchers, printed batches, who holds which numbers, and the facts about them.

use std::sync::LazyLock;

use prost_reflect::DescriptorPool;

/// This part of the contract, with all that it imports.
pub fn descriptors() -> &'static DescriptorPool {
    static POOL: LazyLock<DescriptorPool> =
        LazyLock::new(|| proto_common::decode(include_bytes!(concat!(env!("OUT_DIR"), "/contract.bin"))));
    &POOL
}

pub mod v1 {
    proto_common::package!("countinghouse.voucher.v1");
}

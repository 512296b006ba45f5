//! The public contract of Countinghouse: what its services say to each other and to everyone else, and nothing besides.
//!
//! Each module holds one Protobuf package: its messages with their JSON mapping, its clients and its servers.

use std::sync::LazyLock;

use prost_reflect::DescriptorPool;

/// The whole contract as an encoded `FileDescriptorSet`, comments and options included.
pub const DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/countinghouse.bin"));

/// The whole contract, to look things up in: policies, facts, comments.
pub fn descriptor_pool() -> &'static DescriptorPool {
    static POOL: LazyLock<DescriptorPool> = LazyLock::new(|| {
        DescriptorPool::decode(DESCRIPTOR_SET).expect("the build wrote a valid descriptor set")
    });
    &POOL
}

macro_rules! package {
    ($name:literal) => {
        include!(concat!(env!("OUT_DIR"), "/", $name, ".rs"));
        include!(concat!(env!("OUT_DIR"), "/", $name, ".serde.rs"));
    };
}

/// Accounting (会计核算): base data, accounts, postings, holds, and the facts about them.
pub mod accounting {
    #[expect(
        clippy::large_enum_variant,
        reason = "generated: a batch's result is a posting far more often than a refusal"
    )]
    pub mod v1 {
        package!("countinghouse.accounting.v1");
    }
}

/// What every package uses: money, and who may call what.
pub mod common {
    pub mod v1 {
        package!("countinghouse.common.v1");
    }
}

/// Requests that wait for a second person (双人复核).
pub mod approval {
    pub mod v1 {
        package!("countinghouse.approval.v1");
    }
}

/// How a fact travels on Kafka.
pub mod event {
    pub mod v1 {
        package!("countinghouse.event.v1");
    }
}

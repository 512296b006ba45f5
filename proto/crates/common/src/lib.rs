//! What every part of the contract uses: money, who may call what, requests that wait for a second person, and how a fact travels.
//!
//! The contract is in crates, one for each service, so that a service compiles only what it speaks. Each module holds one
//! Protobuf package: its messages, its clients and its servers, and the JSON mapping of what is published on Kafka.

// What is generated names this crate as its users do.
extern crate self as proto_common;

pub mod options;

use std::sync::LazyLock;

use prost_reflect::DescriptorPool;

/// This part of the contract, to look things up in: policies, facts, comments.
pub fn descriptors() -> &'static DescriptorPool {
    static POOL: LazyLock<DescriptorPool> = LazyLock::new(|| decode(DESCRIPTOR_SET));
    &POOL
}

const DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/contract.bin"));

/// Reads a descriptor set that a build of the contract wrote.
pub fn decode(descriptor_set: &[u8]) -> DescriptorPool {
    DescriptorPool::decode(descriptor_set).expect("invariant: the build wrote a valid descriptor set")
}

/// A request of the contract, which goes to one rpc.
pub trait Rpc: prost::Message + Default + Clone + 'static {
    type Response: prost::Message + Default + 'static;

    /// `/package.Service/Method`.
    const PATH: &'static str;
}

/// A fact of the contract, which is published on Kafka.
pub trait Published {
    /// The topic, by its contract name.
    const TOPIC: &'static str;

    /// The type in the record's header `ce_type`.
    const KIND: &'static str;
}

/// Declares the contents of a package: its messages, services and JSON mapping.
#[macro_export]
macro_rules! package {
    ($name:literal) => {
        include!(concat!(env!("OUT_DIR"), "/", $name, ".rs"));
        include!(concat!(env!("OUT_DIR"), "/", $name, ".serde.rs"));
    };
}

/// Money, refusals of items, and who may call what.
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

//! The options by which the contract says who may make a call and where a fact is published: read here, and nowhere else.

use prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor, MethodDescriptor};

use crate::{common::v1::Policy, event::v1::Fact};

const POLICY: &str = "countinghouse.common.v1.policy";
const FACT: &str = "countinghouse.event.v1.fact";

/// Of `google.protobuf.MethodOptions.IdempotencyLevel`.
const NO_SIDE_EFFECTS: i32 = 1;

/// Who may make a call; none when the contract does not say.
pub fn policy(method: &MethodDescriptor) -> Option<Policy> {
    read(method.parent_pool(), POLICY, &method.options())
}

/// Where a message is published; none for one that is no fact.
pub fn fact(message: &MessageDescriptor) -> Option<Fact> {
    read(message.parent_pool(), FACT, &message.options())
}

/// Whether an rpc says that it changes nothing.
pub fn only_reads(method: &MethodDescriptor) -> bool {
    let level =
        method.options().get_field_by_name("idempotency_level").and_then(|level| level.as_enum_number());
    level == Some(NO_SIDE_EFFECTS)
}

fn read<M: prost::Message + Default>(
    pool: &DescriptorPool,
    name: &str,
    options: &DynamicMessage,
) -> Option<M> {
    let extension = pool.get_extension_by_name(name)?;
    if !options.has_extension(&extension) {
        return None;
    }
    let value = options.get_extension(&extension);
    M::decode(value.as_message()?.encode_to_vec().as_slice()).ok()
}

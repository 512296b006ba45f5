//! Compiles this part of the contract.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    proto_build::compile(&["countinghouse.common.v1", "countinghouse.approval.v1", "countinghouse.event.v1"])
}

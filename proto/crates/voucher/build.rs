//! Compiles this part of the contract.

use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    proto_build::compile(&["countinghouse.voucher.v1"])
}

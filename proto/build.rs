//! Compiles the contract: messages and services (tonic, prost), their JSON mapping (pbjson), and the descriptor set that
//! reflection, policies and the generated documents are read from.

use std::{env, error::Error, fs, path::PathBuf};

const FILES: &[&str] = &[
    "countinghouse/accounting/v1/account.proto",
    "countinghouse/accounting/v1/base_data.proto",
    "countinghouse/accounting/v1/events.proto",
    "countinghouse/accounting/v1/hold.proto",
    "countinghouse/accounting/v1/ledger.proto",
    "countinghouse/accounting/v1/moving_in.proto",
    "countinghouse/accounting/v1/posting.proto",
    "countinghouse/accounting/v1/suspense.proto",
    "countinghouse/common/v1/money.proto",
    "countinghouse/common/v1/refusal.proto",
    "countinghouse/common/v1/policy.proto",
    "countinghouse/approval/v1/approval.proto",
    "countinghouse/event/v1/envelope.proto",
];

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=countinghouse");
    let out = PathBuf::from(env::var("OUT_DIR")?);

    let mut compiler = protox::Compiler::new(["."])?;
    compiler.include_imports(true).include_source_info(true).open_files(FILES)?;
    // Encoded by protox and not by prost, which would drop the policy and fact options.
    let descriptor_set = compiler.encode_file_descriptor_set();
    fs::write(out.join("countinghouse.bin"), &descriptor_set)?;

    tonic_prost_build::configure()
        .compile_well_known_types(true)
        .extern_path(".google.protobuf", "::pbjson_types")
        .bytes(".")
        .compile_fds(compiler.file_descriptor_set())?;
    pbjson_build::Builder::new().register_descriptors(&descriptor_set)?.build(&[".countinghouse"])?;
    Ok(())
}

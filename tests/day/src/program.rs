//! The programs of the workspace, as they were built.

use std::{env, path::PathBuf};

use anyhow::{Result, bail};

/// Where a program is: beside the one that runs, or one folder above a test.
pub fn built(name: &str) -> Result<PathBuf> {
    let own = env::current_exe()?;
    for folder in own.ancestors().skip(1).take(2) {
        let program = folder.join(name);
        if program.is_file() {
            return Ok(program);
        }
    }
    bail!("{name} is not built: use `make`, or `cargo build --workspace`")
}

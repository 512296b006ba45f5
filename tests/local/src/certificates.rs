//! The stack's own authority, and a certificate for each service.

use std::path::PathBuf;

use anyhow::Result;
use testkit::{keys::Authority, stack::Stack};

/// The folder of the stack's keys.
pub fn folder(stack: &Stack) -> PathBuf {
    stack.folder().join("keys")
}

/// Makes the authority if it is not there, and a certificate for each of `names` that has none.
pub fn provide(stack: &Stack, names: &[&str]) -> Result<()> {
    let folder = folder(stack);
    let authority = Authority::kept_in(&folder)?;
    for name in names {
        if !folder.join(format!("{name}.pem")).exists() {
            authority.service(name).write(&folder, name)?;
        }
    }
    Ok(())
}

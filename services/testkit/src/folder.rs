//! The git-ignored folder that everything of ours lies in.

use std::{
    fs, io,
    os::unix::fs::PermissionsExt,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result};

use crate::names;

/// The root of the work tree.
pub fn workspace() -> PathBuf {
    let crate_folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    crate_folder
        .ancestors()
        .nth(2)
        .expect("invariant: this crate is two folders below the root")
        .to_path_buf()
}

/// `.local`, which git ignores.
pub fn local() -> PathBuf {
    workspace().join(".local")
}

/// The secret in `file`, which is made when it is not there, for us alone to read.
pub fn kept_secret(file: &Path) -> Result<String> {
    if let Ok(secret) = fs::read_to_string(file) {
        return Ok(secret);
    }
    let secret = names::unique();
    fs::write(file, "").with_context(|| format!("write {}", file.display()))?;
    fs::set_permissions(file, fs::Permissions::from_mode(0o600))?;
    fs::write(file, &secret)?;
    Ok(secret)
}

/// A stand-in for `closed`, a folder that only we can enter, which everyone can; `closed` notes where it is.
pub(crate) fn open_to_all(closed: &Path) -> Result<PathBuf> {
    let note = closed.join("elsewhere");
    if let Ok(place) = fs::read_to_string(&note) {
        let place = PathBuf::from(place);
        if place.is_dir() {
            return Ok(place);
        }
    }
    let place = Path::new("/var/tmp").join(format!("countinghouse-{}", names::unique()));
    fs::create_dir(&place).with_context(|| format!("create {}", place.display()))?;
    fs::write(&note, place.display().to_string())?;
    Ok(place)
}

/// Deletes `folder` and all that is in it, if it is there.
pub fn delete(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("delete {}", folder.display()))
        }
        _ => Ok(()),
    }
}

//! The progress of an import, in a file beside the imported file. It lets a later run skip what is done already. It may be lost:
//! the request ids alone make sure that a later run posts nothing twice.

use std::{
    fs,
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, bail};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::{
    arguments::{Encoding, Kind, Options},
    source::Source,
    totals::Totals,
};

/// What the request ids of batches are made for. Another division of a file into batches needs another.
const CONTEXT: &str = "countinghouse.accounting.v1 request id of an import's batch";

/// The progress of an import.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// BLAKE3 of the file.
    digest: String,
    kind: Kind,
    said: Said,
    /// The first batch that is not done.
    pub next_batch: u64,
    pub is_complete: bool,
    pub totals: Totals,
    /// Of the files of refused rows and of numbers: what belongs to the batches that are done.
    pub refused_bytes: u64,
    pub numbers_bytes: u64,
    /// Whether there was progress for other content, which no longer counts.
    #[serde(skip)]
    pub is_anew: bool,
    #[serde(skip)]
    path: PathBuf,
}

/// The options from which the content of batches follows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Said {
    branch: String,
    code: String,
    source: String,
    encoding: Encoding,
}

impl Progress {
    /// The progress of an earlier run with the same file, else none.
    pub fn of(kind: Kind, options: &Options, source: &Source) -> Result<Self> {
        let said = Said {
            branch: options.branch.clone(),
            code: options.code.clone(),
            source: options.source.clone(),
            encoding: source.encoding,
        };
        let path = options.progress();
        let beginning = Self {
            digest: source.digest.to_hex().to_string(),
            kind,
            said,
            next_batch: 0,
            is_complete: false,
            totals: Totals::default(),
            refused_bytes: 0,
            numbers_bytes: 0,
            is_anew: false,
            path: path.clone(),
        };
        let earlier = if options.dry_run { None } else { read(&path)? };
        match earlier {
            Some(earlier) if earlier.digest == beginning.digest && earlier.kind == kind => {
                if earlier.said != beginning.said {
                    bail!(
                        "{} was begun with other options ({:?}); go on with the same ones",
                        options.file.display(),
                        earlier.said
                    );
                }
                Ok(Self { path, ..earlier })
            }
            Some(_) => Ok(Self { is_anew: true, ..beginning }),
            None => Ok(beginning),
        }
    }

    /// The request id of a batch: the same whenever it is sent, and another for any other batch of any other file.
    pub fn request_id(&self, batch: u64) -> Uuid {
        let mut hasher = blake3::Hasher::new_derive_key(CONTEXT);
        hasher
            .update(self.digest.as_bytes())
            .update(self.kind.name().as_bytes())
            .update(&batch.to_be_bytes());
        let mut bytes = [0; 16];
        hasher.finalize_xof().fill(&mut bytes);
        Uuid::new_v8(bytes)
    }

    /// Writes it whole, or not at all.
    pub fn save(&self) -> Result<()> {
        let mut draft = self.path.clone().into_os_string();
        draft.push(".part");
        let write = || {
            fs::write(&draft, serde_json::to_vec_pretty(self)?)?;
            fs::rename(&draft, &self.path)?;
            Ok::<_, anyhow::Error>(())
        };
        write().with_context(|| format!("write {}", self.path.display()))
    }
}

fn read(path: &Path) -> Result<Option<Progress>> {
    let context = || format!("read {}", path.display());
    if !path.try_exists().with_context(context)? {
        return Ok(None);
    }
    let progress = serde_json::from_slice(&fs::read(path).with_context(context)?);
    progress
        .map(Some)
        .with_context(|| format!("{}, which may be removed: it only spares time", path.display()))
}

//! A file beside the file: made when there is something to write, and cut back to what belongs to the batches that are done.

use std::{
    fs::{self, File, OpenOptions},
    io::{ErrorKind, Seek, SeekFrom, Write},
    path::PathBuf,
};

use anyhow::{Context, Result};

/// A CSV file that grows with the batches.
#[derive(Debug)]
pub struct SideFile {
    path: PathBuf,
    file: Option<File>,
    bytes: u64,
}

impl SideFile {
    /// The file as it was when it had this many bytes.
    pub fn of(path: PathBuf, bytes: u64) -> Result<Self> {
        let open = || {
            if bytes == 0 {
                return match fs::remove_file(&path) {
                    Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
                    _ => Ok(None),
                };
            }
            let mut file = OpenOptions::new().read(true).write(true).open(&path)?;
            file.set_len(bytes)?;
            file.seek(SeekFrom::End(0))?;
            Ok(Some(file))
        };
        let file = open().with_context(|| format!("go on with {}", path.display()))?;
        Ok(Self { path, file, bytes })
    }

    /// How long it is.
    pub fn bytes(&self) -> u64 {
        self.bytes
    }

    /// Adds rows; the names of the columns first, when it is empty.
    pub fn append<H, R>(&mut self, header: H, rows: Vec<R>) -> Result<()>
    where
        H: IntoIterator<Item: AsRef<[u8]>>,
        R: IntoIterator<Item: AsRef<[u8]>>,
    {
        if rows.is_empty() {
            return Ok(());
        }
        let mut csv = csv::WriterBuilder::new().flexible(true).from_writer(Vec::new());
        if self.bytes == 0 {
            csv.write_record(header)?;
        }
        for row in rows {
            csv.write_record(row)?;
        }
        let text = csv.into_inner().context("a record in memory")?;
        let mut write = || {
            let file = match &mut self.file {
                Some(file) => file,
                None => self.file.insert(File::create(&self.path)?),
            };
            file.write_all(&text)
        };
        write().with_context(|| format!("write {}", self.path.display()))?;
        self.bytes += u64::try_from(text.len())?;
        Ok(())
    }
}

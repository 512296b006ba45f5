//! The file: scanned once for its digest and its encoding, then read.

use std::{
    fs::File,
    io::{self, BufReader, Read, Seek, SeekFrom},
    path::{Path, PathBuf},
};

use anyhow::{Context, Result, ensure};

use super::{
    arguments::Encoding,
    decoding::{Decoding, Utf8Check},
};

/// Bytes that are read at once.
const CHUNK_BYTES: usize = 256 * 1024;

/// What some programs put before UTF-8.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// A file that has been scanned.
#[derive(Debug)]
pub struct Source {
    path: PathBuf,
    /// BLAKE3 over its bytes.
    pub digest: blake3::Hash,
    pub encoding: Encoding,
    pub bytes: u64,
}

impl Source {
    /// Scans the file. Unless the encoding is given, valid UTF-8 is read as UTF-8 and everything else as GB18030.
    pub fn open(path: &Path, encoding: Option<Encoding>) -> Result<Self> {
        let look = || {
            let mut file = File::open(path)?;
            let (mut hasher, mut check) = (blake3::Hasher::new(), Utf8Check::default());
            let mut chunk = vec![0; CHUNK_BYTES];
            let mut bytes = 0_u64;
            loop {
                let count = file.read(&mut chunk)?;
                if count == 0 {
                    break;
                }
                hasher.update(&chunk[..count]);
                check.take(&chunk[..count]);
                bytes += u64::try_from(count)?;
            }
            let found = if check.is_utf8() { Encoding::Utf8 } else { Encoding::Gb18030 };
            let encoding = encoding.unwrap_or(found);
            match encoding {
                Encoding::Utf8 => ensure!(found == Encoding::Utf8, "it is not UTF-8"),
                // All of it, before any of it is sent.
                Encoding::Gb18030 => {
                    io::copy(&mut Decoding::gb18030(File::open(path)?), &mut io::sink())?;
                }
            }
            Ok(Self { path: path.to_owned(), digest: hasher.finalize(), encoding, bytes })
        };
        let looked: Result<Self> = look();
        looked.with_context(|| format!("read {}", path.display()))
    }

    /// The file's text as UTF-8, without a byte order mark.
    pub fn text(&self) -> Result<Box<dyn Read + Send>> {
        let mut file = File::open(&self.path).with_context(|| format!("read {}", self.path.display()))?;
        Ok(match self.encoding {
            Encoding::Utf8 => {
                let mut first = [0; BYTE_ORDER_MARK.len()];
                let has_mark = self.bytes >= u64::try_from(first.len())? && {
                    file.read_exact(&mut first)?;
                    first == BYTE_ORDER_MARK
                };
                if !has_mark {
                    file.seek(SeekFrom::Start(0))?;
                }
                Box::new(BufReader::new(file))
            }
            Encoding::Gb18030 => Box::new(Decoding::gb18030(file)),
        })
    }
}

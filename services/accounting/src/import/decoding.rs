//! The text of a file, whatever it is encoded in: read as UTF-8, strictly.

use std::io::{self, Read};

use encoding_rs::{DecoderResult, GB18030};

/// Bytes that are decoded at once.
const CHUNK_BYTES: usize = 64 * 1024;

/// A file in GB18030, read as UTF-8. What is no GB18030 is an error, and never a guess.
pub struct Decoding<R> {
    from: R,
    decoder: encoding_rs::Decoder,
    read: Vec<u8>,
    /// Of `read`, what is not decoded yet.
    waiting: std::ops::Range<usize>,
    text: Vec<u8>,
    /// Of `text`, what is not given out yet.
    decoded: std::ops::Range<usize>,
    is_at_end: bool,
}

impl<R: Read> Decoding<R> {
    pub fn gb18030(from: R) -> Self {
        Self {
            from,
            decoder: GB18030.new_decoder_without_bom_handling(),
            read: vec![0; CHUNK_BYTES],
            waiting: 0..0,
            // No sequence of GB18030 takes more than twice its bytes in UTF-8.
            text: vec![0; 2 * CHUNK_BYTES],
            decoded: 0..0,
            is_at_end: false,
        }
    }

    fn decode(&mut self) -> io::Result<()> {
        if self.waiting.is_empty() && !self.is_at_end {
            let count = self.from.read(&mut self.read)?;
            self.waiting = 0..count;
            self.is_at_end = count == 0;
        }
        let bytes = &self.read[self.waiting.clone()];
        let (result, taken, given) =
            self.decoder.decode_to_utf8_without_replacement(bytes, &mut self.text, self.is_at_end);
        self.waiting.start += taken;
        self.decoded = 0..given;
        match result {
            DecoderResult::InputEmpty | DecoderResult::OutputFull => Ok(()),
            DecoderResult::Malformed(..) => {
                Err(io::Error::new(io::ErrorKind::InvalidData, "the file is neither UTF-8 nor GB18030"))
            }
        }
    }
}

impl<R: Read> Read for Decoding<R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        while self.decoded.is_empty() {
            if self.is_at_end && self.waiting.is_empty() {
                return Ok(0);
            }
            self.decode()?;
        }
        let count = into.len().min(self.decoded.len());
        into[..count].copy_from_slice(&self.text[self.decoded.start..self.decoded.start + count]);
        self.decoded.start += count;
        Ok(count)
    }
}

/// Whether chunks of bytes are UTF-8 together.
#[derive(Default)]
pub struct Utf8Check {
    /// The beginning of a character that continues in the next chunk.
    begun: Vec<u8>,
    is_broken: bool,
}

impl Utf8Check {
    pub fn take(&mut self, bytes: &[u8]) {
        if self.is_broken {
            return;
        }
        let joined;
        let bytes = if self.begun.is_empty() {
            bytes
        } else {
            joined = [self.begun.as_slice(), bytes].concat();
            joined.as_slice()
        };
        self.begun = match std::str::from_utf8(bytes) {
            Ok(_) => Vec::new(),
            Err(error) if error.error_len().is_none() => bytes[error.valid_up_to()..].to_vec(),
            Err(_) => {
                self.is_broken = true;
                Vec::new()
            }
        };
    }

    pub fn is_utf8(&self) -> bool {
        !self.is_broken && self.begun.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Gives a few bytes at a time, as a slow disk would.
    struct Drops<'a>(&'a [u8]);

    impl Read for Drops<'_> {
        fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
            let count = self.0.len().min(3).min(into.len());
            into[..count].copy_from_slice(&self.0[..count]);
            self.0 = &self.0[count..];
            Ok(count)
        }
    }

    fn decoded(bytes: &[u8]) -> io::Result<String> {
        let mut text = String::new();
        Decoding::gb18030(Drops(bytes)).read_to_string(&mut text).map(|_| text)
    }

    #[test]
    fn gb18030_is_read_to_the_last_character() {
        let text = "交易日期,金额\n2026-03-02,1.50\n䶮€";
        let (bytes, _, had_errors) = GB18030.encode(text);
        assert!(!had_errors);
        assert_eq!(decoded(&bytes).unwrap(), text);
        assert_eq!(decoded(b"").unwrap(), "");
        let long = "王敏".repeat(CHUNK_BYTES);
        assert_eq!(decoded(&GB18030.encode(&long).0).unwrap(), long);
    }

    #[test]
    fn what_is_no_gb18030_is_an_error() {
        for wrong in [&b"\xff\xff"[..], b"a\x81", b"\x81\x30\x81"] {
            assert_eq!(decoded(wrong).unwrap_err().kind(), io::ErrorKind::InvalidData, "{wrong:x?}");
        }
    }

    #[test]
    fn utf8_is_told_across_chunks() {
        let check = |chunks: &[&[u8]]| {
            let mut check = Utf8Check::default();
            for chunk in chunks {
                check.take(chunk);
            }
            check.is_utf8()
        };
        assert!(check(&[b"a\xe7", b"\x8e", b"\x8bb"]));
        assert!(check(&[]));
        assert!(!check(&[b"a\xe7", b"\x8e"]), "cut off at the end");
        assert!(!check(&[b"a\xe7", b"x"]));
        assert!(!check(&[b"\xcd\xf5\xc3\xf4"]), "GB18030");
    }
}

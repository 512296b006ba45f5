//! Requests that are encoded once: each call copies the bytes and fills in what differs, which is always as long.

use anyhow::{Context, Result, ensure};
use bytes::{BufMut, Bytes, BytesMut};
use prost::Message;

/// What stands before a message on the wire: not compressed, and its length.
const PREFIX_BYTES: usize = 5;

/// A message as gRPC frames it.
pub fn frame(message: &impl Message) -> Bytes {
    let mut bytes = BytesMut::with_capacity(PREFIX_BYTES + message.encoded_len());
    bytes.put_u8(0);
    let length =
        u32::try_from(message.encoded_len()).expect("invariant: requests are far smaller than 4 GiB");
    bytes.put_u32(length);
    message.encode(&mut bytes).expect("invariant: the buffer grows");
    bytes.freeze()
}

/// A framed message with gaps.
#[derive(Debug, Clone)]
pub struct Template {
    frame: Bytes,
    gaps: Vec<usize>,
}

impl Template {
    /// `message` holds these stand-ins, in the order in which they are encoded; each is a gap as long as it is.
    pub fn of(message: &impl Message, stand_ins: &[&str]) -> Result<Self> {
        let frame = frame(message);
        let mut from = PREFIX_BYTES;
        let mut gaps = Vec::with_capacity(stand_ins.len());
        for stand_in in stand_ins {
            let bytes = stand_in.as_bytes();
            let found = frame[from..].windows(bytes.len()).position(|window| window == bytes);
            let gap =
                from + found.with_context(|| format!("the message has no {stand_in} where it should"))?;
            from = gap + bytes.len();
            gaps.push(gap);
        }
        for stand_in in stand_ins {
            let bytes = stand_in.as_bytes();
            let standing = frame.windows(bytes.len()).filter(|window| *window == bytes).count();
            let expected = stand_ins.iter().filter(|other| *other == stand_in).count();
            ensure!(standing == expected, "{stand_in} stands in the message by chance");
        }
        Ok(Self { frame, gaps })
    }

    /// The message with each gap filled, in order; each part is as long as the gap.
    pub fn fill<'a>(&self, parts: impl IntoIterator<Item = &'a [u8]>) -> Bytes {
        let mut bytes = BytesMut::from(&self.frame[..]);
        for (gap, part) in self.gaps.iter().zip(parts) {
            bytes[*gap..gap + part.len()].copy_from_slice(part);
        }
        bytes.freeze()
    }
}

#[cfg(test)]
mod tests {
    use proto_common::common::v1::Money;

    use super::*;

    fn money(currency: &str, amount: &str) -> Money {
        Money { currency: currency.to_owned(), amount: amount.to_owned() }
    }

    #[test]
    fn a_filled_template_is_the_encoded_message() {
        let template = Template::of(&money("???", "4.44"), &["???", "4.44"]).unwrap();
        let filled = template.fill([b"CNY".as_slice(), b"7.05".as_slice()]);
        assert_eq!(filled, frame(&money("CNY", "7.05")));
        assert_eq!(filled[..PREFIX_BYTES], [0, 0, 0, 0, 11]);
    }

    #[test]
    fn a_stand_in_must_stand_there_once_for_each_gap() {
        assert!(Template::of(&money("CNY", "4.44"), &["4.45"]).is_err());
        assert!(
            Template::of(&money("CNY", "4.44"), &["4.44", "CNY"]).is_err(),
            "not the order of the encoding"
        );
        assert!(Template::of(&money("4.44", "4.44"), &["4.44"]).is_err(), "twice, and one gap");
        assert!(Template::of(&money("4.44", "4.44"), &["4.44", "4.44"]).is_ok());
    }
}

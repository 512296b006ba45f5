//! Reads fields of an encoded request without decoding all of it: the few fields that decide who may make a call and how.

use bytes::Bytes;

/// Bytes of a gRPC frame's head: a flag, and the length of the message.
pub const FRAME_HEAD_BYTES: usize = 5;

/// The message of a body that is one uncompressed gRPC frame; none for anything else, which the codec then refuses.
pub fn message(body: &Bytes) -> Option<Bytes> {
    let (head, message) = body.split_first_chunk::<FRAME_HEAD_BYTES>()?;
    let [0, length @ ..] = *head else { return None };
    let length = usize::try_from(u32::from_be_bytes(length)).ok()?;
    (message.len() == length).then(|| body.slice(FRAME_HEAD_BYTES..))
}

/// A message as a gRPC frame.
pub fn frame(message: &[u8]) -> Bytes {
    let length = u32::try_from(message.len()).expect("invariant: messages are bounded far below 4 GiB");
    let mut frame = Vec::with_capacity(FRAME_HEAD_BYTES + message.len());
    frame.push(0);
    frame.extend_from_slice(&length.to_be_bytes());
    frame.extend_from_slice(message);
    frame.into()
}

/// The last text of a top-level string field; empty when there is none. None when the message is malformed up to there.
pub fn string_field(message: &[u8], number: u32) -> Option<&str> {
    let mut found = "";
    for field in Fields(message) {
        match field? {
            (n, Value::Bytes(bytes)) if n == number => found = std::str::from_utf8(bytes).ok()?,
            _ => {}
        }
    }
    Some(found)
}

/// The last value of a top-level bool field; false when there is none. None when the message is malformed.
pub fn bool_field(message: &[u8], number: u32) -> Option<bool> {
    let mut found = false;
    for field in Fields(message) {
        match field? {
            (n, Value::Varint(value)) if n == number => found = value != 0,
            _ => {}
        }
    }
    Some(found)
}

enum Value<'a> {
    Varint(u64),
    Bytes(&'a [u8]),
    Fixed,
}

/// The top-level fields of a message; `None` as an item, and then no more, where it is malformed.
struct Fields<'a>(&'a [u8]);

impl<'a> Iterator for Fields<'a> {
    type Item = Option<(u32, Value<'a>)>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.0.is_empty() {
            return None;
        }
        let field = self.field();
        if field.is_none() {
            self.0 = &[];
        }
        Some(field)
    }
}

impl<'a> Fields<'a> {
    fn field(&mut self) -> Option<(u32, Value<'a>)> {
        let tag = u32::try_from(self.varint()?).ok()?;
        let value = match tag & 7 {
            0 => Value::Varint(self.varint()?),
            1 => self.take(8).map(|_| Value::Fixed)?,
            2 => {
                let length = usize::try_from(self.varint()?).ok()?;
                Value::Bytes(self.take(length)?)
            }
            5 => self.take(4).map(|_| Value::Fixed)?,
            _ => return None,
        };
        (tag >> 3 != 0).then_some((tag >> 3, value))
    }

    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn varint(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let byte = *self.take(1)?.first()?;
            value |= u64::from(byte & 0x7f).checked_shl(shift)?;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use prost::Message;

    use super::*;

    #[derive(Clone, PartialEq, Message)]
    struct Sample {
        #[prost(string, tag = "1")]
        text: String,
        #[prost(bool, tag = "2")]
        flag: bool,
        #[prost(uint64, tag = "3")]
        number: u64,
        #[prost(double, tag = "4")]
        double: f64,
        #[prost(float, tag = "200")]
        float: f32,
    }

    proptest! {
        #[test]
        fn fields_are_found_as_they_were_encoded(
            text: String, flag: bool, number: u64, double in -1e9..1e9, float in -1e9_f32..1e9_f32,
        ) {
            let bytes = Sample { text: text.clone(), flag, number, double, float }.encode_to_vec();
            prop_assert_eq!(string_field(&bytes, 1), Some(text.as_str()));
            prop_assert_eq!(bool_field(&bytes, 2), Some(flag));
            prop_assert_eq!(string_field(&bytes, 9), Some(""));
        }

        /// The gate must read the same values as the service.
        #[test]
        fn no_bytes_are_read_otherwise_than_by_the_codec(bytes: Vec<u8>) {
            if let Ok(sample) = Sample::decode(bytes.as_slice()) {
                // The codec also takes groups, which no client sends; the gate refuses them.
                if let (Some(text), Some(flag)) = (string_field(&bytes, 1), bool_field(&bytes, 2)) {
                    prop_assert_eq!(text, sample.text);
                    prop_assert_eq!(flag, sample.flag);
                }
            }
        }

        #[test]
        fn a_frame_holds_its_message_and_no_other_bytes_are_one(message: Vec<u8>, more in 1_usize..9) {
            let whole = frame(&message);
            prop_assert_eq!(super::message(&whole), Some(Bytes::from(message)));
            prop_assert_eq!(super::message(&whole.slice(..whole.len() - more.min(whole.len()))), None);
            let longer: Bytes = whole.iter().copied().chain(std::iter::repeat_n(0, more)).collect::<Vec<_>>().into();
            prop_assert_eq!(super::message(&longer), None);
        }
    }

    #[test]
    fn the_last_of_a_field_counts() {
        let twice: Vec<u8> = [
            Sample { text: "110101".to_owned(), flag: true, ..Sample::default() }.encode_to_vec(),
            Sample { text: "310101".to_owned(), ..Sample::default() }.encode_to_vec(),
            vec![0x10, 0x00],
        ]
        .concat();
        assert_eq!(string_field(&twice, 1), Some("310101"));
        assert_eq!(bool_field(&twice, 2), Some(false));
    }

    #[test]
    fn what_is_malformed_has_no_fields() {
        for bytes in [
            &b"\x0a\x7f"[..],
            b"\x0b",
            b"\x02\x00",
            b"\x10",
            b"\x10\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01",
        ] {
            assert_eq!(string_field(bytes, 1), None, "{bytes:?}");
            assert_eq!(bool_field(bytes, 2), None, "{bytes:?}");
        }
        assert_eq!(string_field(b"\x0a\x02\xff\xfe", 1), None);
    }
}

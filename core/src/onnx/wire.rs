//! The protobuf wire format, read in place: no allocation, no recursion, no trust in lengths.

use super::{MAX_BYTES, OnnxError};

/// One field of a message.
#[derive(Clone, Copy, Debug)]
pub(super) struct Field<'a> {
    pub(super) number: u32,
    pub(super) payload: Payload<'a>,
    /// The field as it is in the message, tag included.
    pub(super) raw: &'a [u8],
}

#[derive(Clone, Copy, Debug)]
pub(super) enum Payload<'a> {
    Varint(u64),
    /// A string, bytes, a message or packed scalars.
    Bytes(&'a [u8]),
    /// A fixed-width number, whose value nothing here reads.
    Fixed,
}

impl<'a> Field<'a> {
    pub(super) fn bytes(&self) -> Option<&'a [u8]> {
        match self.payload {
            Payload::Bytes(bytes) => Some(bytes),
            Payload::Varint(_) | Payload::Fixed => None,
        }
    }
}

/// Iterates over the fields of one message; ends after the first error.
pub(super) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    pub(super) fn of(message: &'a [u8]) -> Self {
        Self { rest: message }
    }

    /// The fields of a message inside another that is complete: a length that points out of it is damage, not a file
    /// that ends too early.
    pub(super) fn inside(message: &'a [u8]) -> impl Iterator<Item = Result<Field<'a>, OnnxError>> {
        Self::of(message).map(|field| {
            field.map_err(|error| match error {
                OnnxError::Truncated { .. } => {
                    malformed("a part is longer than the part that holds it")
                }
                other => other,
            })
        })
    }
}

impl<'a> Iterator for Fields<'a> {
    type Item = Result<Field<'a>, OnnxError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.rest.is_empty() {
            return None;
        }
        let before = self.rest;
        match field(before) {
            Ok((number, payload, rest)) => {
                self.rest = rest;
                let raw = &before[..before.len() - rest.len()];
                Some(Ok(Field {
                    number,
                    payload,
                    raw,
                }))
            }
            Err(error) => {
                self.rest = &[];
                Some(Err(error))
            }
        }
    }
}

fn field(bytes: &[u8]) -> Result<(u32, Payload<'_>, &[u8]), OnnxError> {
    let (tag, rest) = varint(bytes)?;
    let number = u32::try_from(tag >> 3)
        .ok()
        .filter(|number| (1..=MAX_FIELD_NUMBER).contains(number))
        .ok_or(malformed("a field number is out of range"))?;
    let (payload, rest) = match tag & 7 {
        0 => {
            let (value, rest) = varint(rest)?;
            (Payload::Varint(value), rest)
        }
        1 => (Payload::Fixed, take(rest, 8)?.1),
        2 => {
            let (length, rest) = varint(rest)?;
            let (bytes, rest) = take(rest, length)?;
            (Payload::Bytes(bytes), rest)
        }
        5 => (Payload::Fixed, take(rest, 4)?.1),
        // Groups (3, 4) left protobuf before ONNX existed, and readers differ in how they skip them.
        _ => return Err(malformed("a field has an unknown wire type")),
    };
    Ok((number, payload, rest))
}

const MAX_FIELD_NUMBER: u32 = (1 << 29) - 1;

fn varint(bytes: &[u8]) -> Result<(u64, &[u8]), OnnxError> {
    let mut value = 0u64;
    for (index, byte) in bytes.iter().enumerate() {
        // The tenth byte holds only the 64th bit.
        if index == 9 && *byte > 1 {
            return Err(malformed("a number is longer than 64 bits"));
        }
        value |= u64::from(byte & 0x7f) << (7 * index);
        if byte & 0x80 == 0 {
            return Ok((value, &bytes[index + 1..]));
        }
    }
    Err(OnnxError::Truncated { missing: 1 })
}

fn take(bytes: &[u8], length: u64) -> Result<(&[u8], &[u8]), OnnxError> {
    if length > MAX_BYTES {
        return Err(malformed("a length is beyond protobuf's limit of 2 GiB"));
    }
    let available = bytes.len() as u64;
    if length > available {
        return Err(OnnxError::Truncated {
            missing: length - available,
        });
    }
    Ok(bytes.split_at(length as usize))
}

fn malformed(what: &'static str) -> OnnxError {
    OnnxError::Malformed { what }
}

/// Appends a length-delimited field to a message.
pub(super) fn push_bytes(message: &mut Vec<u8>, number: u32, bytes: &[u8]) {
    push_varint(message, u64::from(number) << 3 | 2);
    push_varint(message, bytes.len() as u64);
    message.extend_from_slice(bytes);
}

fn push_varint(message: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        message.push(value as u8 | 0x80);
        value >>= 7;
    }
    message.push(value as u8);
}

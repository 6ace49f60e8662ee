//! The catalog of keyspaces: what is in keyspace 0.
//!
//! ```text
//! key                        value
//! 0x01, name                 number, 4 bytes little-endian
//! 0x02, number (4, big)      name
//! 0x03                       the number that the next keyspace gets, 4 bytes little-endian
//! ```
//!
//! Spec: `docs/format/commit.md`, version 1.

use bytes::Bytes;
use drystone_base::KeyspaceId;
use drystone_engine::Malformed;

use crate::error::StoreError;
use crate::key_range::KeyRange;

/// The longest name of a keyspace, in bytes.
pub const KEYSPACE_NAME_BYTES_MAX: usize = 255;

/// The number of the first keyspace that is created.
const FIRST: KeyspaceId = KeyspaceId(1);

const TAG_NAME: u8 = 1;
const TAG_NUMBER: u8 = 2;
const TAG_NEXT: u8 = 3;

/// The key of the number that the next keyspace gets.
pub(crate) const NEXT_KEY: &[u8] = &[TAG_NEXT];

/// The key under which a name's number is found.
pub(crate) fn name_key(name: &str) -> Bytes {
    [&[TAG_NAME], name.as_bytes()].concat().into()
}

/// The key under which a number's name is found.
pub(crate) fn number_key(id: KeyspaceId) -> Bytes {
    [&[TAG_NUMBER][..], &id.0.to_be_bytes()].concat().into()
}

/// Where all names are.
pub(crate) fn names() -> KeyRange {
    KeyRange::prefix(&[TAG_NAME])
}

/// Where all numbers are.
pub(crate) fn numbers() -> KeyRange {
    KeyRange::prefix(&[TAG_NUMBER])
}

/// The number in a key made by [`number_key`].
pub(crate) fn decode_number(key: &[u8]) -> Result<KeyspaceId, StoreError> {
    let number = key.strip_prefix(&[TAG_NUMBER]).unwrap_or_default();
    let bytes = number.try_into();
    let bytes = bytes.map_err(|_| corrupt("keyspace number", "4 bytes", number.len()))?;
    Ok(KeyspaceId(u32::from_be_bytes(bytes)))
}

pub(crate) fn encode_id(id: KeyspaceId) -> Bytes {
    Bytes::copy_from_slice(&id.0.to_le_bytes())
}

pub(crate) fn decode_id(value: &[u8]) -> Result<KeyspaceId, StoreError> {
    let bytes = value.try_into();
    let bytes = bytes.map_err(|_| corrupt("keyspace number", "4 bytes", value.len()))?;
    Ok(KeyspaceId(u32::from_le_bytes(bytes)))
}

/// The number that the next keyspace gets, from what the catalog says.
pub(crate) fn decode_next(value: Option<&Bytes>) -> Result<KeyspaceId, StoreError> {
    value.map_or(Ok(FIRST), |value| decode_id(value))
}

/// The name in a key made by [`name_key`].
pub(crate) fn decode_name(key: &[u8]) -> Result<String, StoreError> {
    let name = key.strip_prefix(&[TAG_NAME]).unwrap_or_default();
    let name = std::str::from_utf8(name);
    let name = name.map_err(|error| corrupt("keyspace name", "UTF-8", error))?;
    check_name(name).map_err(|error| corrupt("keyspace name", "a name", error))?;
    Ok(name.to_owned())
}

/// Checks a name's length.
pub(crate) fn check_name(name: &str) -> Result<(), StoreError> {
    let len = name.len();
    if (1..=KEYSPACE_NAME_BYTES_MAX).contains(&len) {
        return Ok(());
    }
    Err(StoreError::KeyspaceName { len })
}

pub(crate) fn corrupt(
    what: &'static str,
    expected: impl ToString,
    found: impl ToString,
) -> StoreError {
    StoreError::CorruptCatalog {
        why: Malformed::new(what, expected.to_string(), found.to_string()),
    }
}

#[cfg(test)]
mod tests;

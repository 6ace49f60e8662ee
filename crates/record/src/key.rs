//! Tuples of values as keys: byte strings whose order, byte by byte, is the order of the tuples.
//!
//! ```text
//! column                  bytes
//! that may be NULL        0x01 and the value, or 0x02 alone for NULL: NULLs come last
//! never NULL              the value
//!
//! value                   bytes
//! BOOLEAN                 0x00 or 0x01
//! INTEGER, BIGINT,        4 or 8, big-endian, the sign bit flipped
//! TIMESTAMP
//! DOUBLE PRECISION        8, big-endian: all bits flipped below zero, else the sign bit; one NaN, after +infinity; -0 as 0
//! TEXT, BYTEA             the bytes, each 0x00 as 0x00 0xFF; then 0x00 0x01
//! ```
//!
//! # Invariants
//! - K1. For tuples `a` and `b` of one layout, `encode(a) < encode(b)` where the first pair of values that differ under
//!   [`Value::sort_cmp`] says so, and equal where none differs.
//! - K2. The encoding of a tuple's first columns is a prefix of its encoding, and no value's encoding is a prefix of
//!   another value's: so the keys that begin with given columns are one range, from [`KeyLayout::encode`] of those to
//!   its [`prefix_end`].
//! - K3. Each value has one encoding. Decoders reject every other.
//!
//! DESC needs no encoding of its own: the same keys, read backwards.
//!
//! Spec: `docs/format/record.md`, version 1.

use bytes::Bytes;
use drystone_base::Timestamp;
use drystone_base::planted::is_planted;

use crate::data_type::DataType;
use crate::double;
use crate::error::{EncodeError, Malformed};
use crate::text::Text;
use crate::timestamp;
use crate::value::Value;

/// Before a value in a column that may be NULL.
const NOT_NULL: u8 = 0x01;
/// In place of NULL.
const NULL: u8 = 0x02;
/// A zero byte inside a byte string is this, and one of the next two: [`ESCAPED`] or [`END`].
const ZERO: u8 = 0x00;
/// After [`ZERO`]: a zero byte of the string. Greater than [`END`], so that a string comes before its continuations.
const ESCAPED: u8 = 0xFF;
/// After [`ZERO`]: the end of the string.
const END: u8 = 0x01;

const _: () = assert!(NOT_NULL < NULL && END < ESCAPED);

/// One column of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeyColumn {
    data_type: DataType,
    nullable: bool,
}

impl KeyColumn {
    /// A column that never holds NULL. Its encoding is a byte shorter.
    #[must_use]
    pub const fn not_null(data_type: DataType) -> KeyColumn {
        KeyColumn {
            data_type,
            nullable: false,
        }
    }

    /// A column that may hold NULL.
    #[must_use]
    pub const fn nullable(data_type: DataType) -> KeyColumn {
        KeyColumn {
            data_type,
            nullable: true,
        }
    }

    /// What it holds.
    #[must_use]
    pub const fn data_type(&self) -> DataType {
        self.data_type
    }

    /// Whether it may hold NULL.
    #[must_use]
    pub const fn is_nullable(&self) -> bool {
        self.nullable
    }
}

/// The columns of a key. Fixed for the life of the keys that are written with it: to change one column's nullability is
/// to write all keys anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyLayout {
    columns: Box<[KeyColumn]>,
}

/// A type whose values have no order, and so cannot be in a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("type {0} cannot be in a key: its values have no order")]
pub struct UnsupportedKeyType(pub DataType);

impl KeyLayout {
    /// A key of these columns.
    ///
    /// # Errors
    /// For JSONB and VECTOR.
    pub fn new(
        columns: impl IntoIterator<Item = KeyColumn>,
    ) -> Result<KeyLayout, UnsupportedKeyType> {
        let columns: Box<[KeyColumn]> = columns.into_iter().collect();
        match columns.iter().find(|column| !column.data_type.is_key()) {
            Some(column) => Err(UnsupportedKeyType(column.data_type)),
            None => Ok(KeyLayout { columns }),
        }
    }

    /// The columns.
    #[must_use]
    pub fn columns(&self) -> &[KeyColumn] {
        &self.columns
    }

    /// Appends the encoding of `values`, the first columns of a key or all of them.
    ///
    /// # Errors
    /// Too many values, a value of another type than its column, NULL where none is taken. What was appended until then
    /// stays in `out`.
    pub fn encode(&self, values: &[Value], out: &mut Vec<u8>) -> Result<(), EncodeError> {
        if values.len() > self.columns.len() {
            return Err(EncodeError::ColumnCount {
                expected: self.columns.len(),
                found: values.len(),
            });
        }
        for (idx, value) in values.iter().enumerate() {
            self.encode_column(idx, value, out)?;
        }
        Ok(())
    }

    /// Appends the encoding of one column. For keys whose columns are scattered: call it for column 0, 1, ... in turn.
    ///
    /// # Errors
    /// As [`KeyLayout::encode`].
    pub fn encode_column(
        &self,
        idx: usize,
        value: &Value,
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeError> {
        let column = self.columns.get(idx).ok_or(EncodeError::ColumnCount {
            expected: self.columns.len(),
            found: idx + 1,
        })?;
        match (value, column.nullable) {
            (Value::Null, true) => {
                out.push(NULL);
                return Ok(());
            }
            (Value::Null, false) => return Err(EncodeError::Null { column: idx }),
            (_, true) => out.push(NOT_NULL),
            (_, false) => {}
        }
        encode_value(idx, column.data_type, value, out)
    }

    /// Decodes a whole key into `out`, which is emptied first.
    ///
    /// # Errors
    /// When `key` is not what this layout encodes.
    pub fn decode(&self, key: &Bytes, out: &mut Vec<Value>) -> Result<(), Malformed> {
        out.clear();
        let mut reader = KeyReader::new(self, key);
        for value in &mut reader {
            out.push(value?);
        }
        reader.finish()
    }
}

/// The least byte string greater than all that begin with `prefix`; `None` when there is none (all bytes are 0xFF, or
/// there are none).
#[must_use]
pub fn prefix_end(prefix: &[u8]) -> Option<Vec<u8>> {
    let last = prefix.iter().rposition(|&byte| byte != u8::MAX)?;
    let mut end = prefix[..=last].to_vec();
    end[last] += 1;
    Some(end)
}

fn encode_value(
    idx: usize,
    data_type: DataType,
    value: &Value,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    match (data_type, value) {
        (DataType::Boolean, Value::Boolean(value)) => out.push(u8::from(*value)),
        (DataType::Integer, Value::Integer(value)) => out.extend(flip_32(*value).to_be_bytes()),
        (DataType::BigInt, Value::BigInt(value)) => out.extend(flip_64(*value).to_be_bytes()),
        (DataType::Double, Value::Double(value)) => {
            out.extend(double::ordered_bits(*value).to_be_bytes());
        }
        (DataType::Text, Value::Text(value)) => encode_bytes(value.as_str().as_bytes(), out),
        (DataType::Bytea, Value::Bytea(value)) => encode_bytes(value, out),
        (DataType::Timestamp, Value::Timestamp(value)) => {
            if !timestamp::in_range(*value) {
                return Err(EncodeError::TimestampRange {
                    column: idx,
                    micros: value.0,
                });
            }
            out.extend(flip_64(value.0).to_be_bytes());
        }
        (expected, value) => {
            return Err(match value.data_type() {
                None => EncodeError::Null { column: idx },
                Some(found) => EncodeError::Type {
                    column: idx,
                    expected,
                    found,
                },
            });
        }
    }
    Ok(())
}

/// The number whose unsigned order is the signed order.
fn flip_32(value: i32) -> u32 {
    value.cast_unsigned() ^ (1 << 31)
}

/// As [`flip_32`].
fn flip_64(value: i64) -> u64 {
    if is_planted("record-sign-kept") {
        return value.cast_unsigned();
    }
    value.cast_unsigned() ^ (1 << 63)
}

fn encode_bytes(bytes: &[u8], out: &mut Vec<u8>) {
    out.reserve(bytes.len() + 2);
    for (idx, chunk) in bytes.split(|&byte| byte == ZERO).enumerate() {
        if idx > 0 {
            out.extend([ZERO, ESCAPED]);
        }
        out.extend_from_slice(chunk);
    }
    out.extend([ZERO, END]);
}

/// Decodes a key column by column: an iterator over its values. Text and byte strings without zero bytes share the key's
/// memory.
///
/// After an error it ends.
#[derive(Debug)]
pub struct KeyReader<'a> {
    layout: &'a KeyLayout,
    key: &'a Bytes,
    /// Where the next column begins.
    offset: usize,
    /// The next column.
    idx: usize,
}

impl<'a> KeyReader<'a> {
    /// Before the first column of `key`.
    #[must_use]
    pub fn new(layout: &'a KeyLayout, key: &'a Bytes) -> KeyReader<'a> {
        KeyReader {
            layout,
            key,
            offset: 0,
            idx: 0,
        }
    }

    /// Passes over `count` columns.
    ///
    /// # Errors
    /// As decoding them.
    pub fn skip_columns(&mut self, count: usize) -> Result<(), Malformed> {
        self.take(count).try_for_each(|value| value.map(drop))
    }

    /// How many bytes the columns took that were read so far.
    #[must_use]
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// Checks that nothing follows the last column.
    ///
    /// # Errors
    /// When something does, or columns are still unread.
    pub fn finish(&self) -> Result<(), Malformed> {
        let left = self.key.len() - self.offset;
        if left > 0 || self.idx < self.layout.columns.len() {
            return Err(Malformed::new(
                "key",
                format!("an end after {} columns", self.layout.columns.len()),
                format!("{left} bytes after {}", self.idx),
            ));
        }
        Ok(())
    }

    fn column(&mut self, column: KeyColumn) -> Result<Value, Malformed> {
        if column.nullable {
            match self.array()? {
                [NOT_NULL] => {}
                [NULL] => return Ok(Value::Null),
                [other] => return Err(unexpected("key NULL tag", "0x01 or 0x02", other)),
            }
        }
        self.value(column.data_type)
    }

    fn value(&mut self, data_type: DataType) -> Result<Value, Malformed> {
        match data_type {
            DataType::Boolean => match self.array()? {
                [0] => Ok(Value::Boolean(false)),
                [1] => Ok(Value::Boolean(true)),
                [other] => Err(unexpected("key boolean", "0x00 or 0x01", other)),
            },
            DataType::Integer => {
                let flipped = u32::from_be_bytes(self.array()?);
                Ok(Value::Integer((flipped ^ (1 << 31)).cast_signed()))
            }
            DataType::BigInt => Ok(Value::BigInt(self.signed()?)),
            DataType::Timestamp => decoded_timestamp(self.signed()?),
            DataType::Double => {
                let ordered = u64::from_be_bytes(self.array()?);
                double::from_ordered_bits(ordered)
                    .map(Value::Double)
                    .ok_or_else(|| {
                        Malformed::new("key double", "its one encoding", format!("{ordered:#018x}"))
                    })
            }
            DataType::Text => Text::from_utf8(self.bytes()?).map(Value::Text),
            DataType::Bytea => self.bytes().map(Value::Bytea),
            DataType::Jsonb | DataType::Vector(_) => Err(Malformed::new(
                "key column",
                "a type that has an order",
                data_type.to_string(),
            )),
        }
    }

    fn signed(&mut self) -> Result<i64, Malformed> {
        let flipped = u64::from_be_bytes(self.array()?);
        Ok((flipped ^ (1 << 63)).cast_signed())
    }

    /// The next `N` bytes.
    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let bytes = self.key[self.offset..].first_chunk::<N>();
        let bytes = *bytes.ok_or_else(|| self.ends_early())?;
        self.offset += N;
        Ok(bytes)
    }

    /// The next byte string, up to its end mark.
    fn bytes(&mut self) -> Result<Bytes, Malformed> {
        let start = self.offset;
        let first = self.zero_after(start)?;
        if self.key[first + 1] == END {
            self.offset = first + 2;
            return Ok(self.key.slice(start..first));
        }
        self.escaped_bytes(start, first)
    }

    /// A byte string whose first zero byte, at `zero`, is one of its own.
    fn escaped_bytes(&mut self, start: usize, mut zero: usize) -> Result<Bytes, Malformed> {
        let mut bytes = self.key[start..zero].to_vec();
        loop {
            match self.key[zero + 1] {
                END => break,
                ESCAPED => bytes.push(ZERO),
                other => return Err(unexpected("key escape", "0x01 or 0xff", other)),
            }
            let next = self.zero_after(zero + 2)?;
            bytes.extend_from_slice(&self.key[zero + 2..next]);
            zero = next;
        }
        self.offset = zero + 2;
        Ok(bytes.into())
    }

    /// Offset of the first zero byte from `from` on that has a byte after it.
    fn zero_after(&self, from: usize) -> Result<usize, Malformed> {
        let zero = self.key[from..].iter().position(|&byte| byte == ZERO);
        zero.map(|len| from + len)
            .filter(|zero| zero + 1 < self.key.len())
            .ok_or_else(|| self.ends_early())
    }

    fn ends_early(&self) -> Malformed {
        Malformed::new(
            "key",
            format!("{} columns", self.layout.columns.len()),
            format!("an end within column {}", self.idx),
        )
    }
}

impl Iterator for KeyReader<'_> {
    type Item = Result<Value, Malformed>;

    fn next(&mut self) -> Option<Result<Value, Malformed>> {
        let column = *self.layout.columns.get(self.idx)?;
        let value = self.column(column);
        self.idx = match value {
            Ok(_) => self.idx + 1,
            Err(_) => self.layout.columns.len(),
        };
        Some(value)
    }
}

fn decoded_timestamp(micros: i64) -> Result<Value, Malformed> {
    let timestamp = Timestamp(micros);
    if timestamp::in_range(timestamp) {
        return Ok(Value::Timestamp(timestamp));
    }
    Err(Malformed::new(
        "key timestamp",
        "a time in the years 1 to 9999",
        format!("{micros} µs"),
    ))
}

fn unexpected(what: &'static str, expected: &'static str, found: u8) -> Malformed {
    Malformed::new(what, expected, format!("{found:#04x}"))
}

#[cfg(test)]
mod tests;

//! Tuples of values as rows: each column is found without reading those before it.
//!
//! ```text
//! offset  size  field
//!      0     1  tag        1: offsets of 2 bytes; 2: offsets of 4
//!      1     2  columns    how many columns follow: n. Fewer than the layout's in a row written before some were added
//!      3   n/8  nulls      bit i % 8 of byte i / 8 is 1 where column i is NULL; rounded up; the spare bits are zero
//!            f  fixed      BOOLEAN 1 (0 or 1), INTEGER 4, BIGINT, DOUBLE PRECISION, TIMESTAMP 8, in column order; zero
//!                          where NULL
//!          2v/4v ends      for each other column, in order: where its bytes end, counted from the first of them
//!               values     TEXT and BYTEA as they are, JSONB as its text, VECTOR as 4 bytes an element; none where NULL
//! ```
//!
//! Little-endian. Spec: `docs/format/record.md`, version 1.
//!
//! # Invariants
//! - R1. Where a column lies depends on the columns before it only: its place in a row of fewer columns is the same.
//! - R2. The last end is the end of the row.

use std::io::Write as _;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use drystone_base::Timestamp;

use crate::data_type::{DataType, Dim};
use crate::error::{EncodeError, Malformed};
use crate::json::Json;
use crate::text::Text;
use crate::timestamp;
use crate::value::Value;
use crate::vector::Vector;

/// Tag of rows whose ends are 2 bytes each.
const NARROW: u8 = 1;
/// Tag of rows whose ends are 4 bytes each.
const WIDE: u8 = 2;
/// Bytes before the null bits.
const HEADER_BYTES: usize = 3;
/// Bytes of a vector's element.
const ELEMENT_BYTES: usize = 4;

/// The most columns that a row can have.
pub const MAX_COLUMNS: usize = 4096;

const _: () = assert!(MAX_COLUMNS <= u16::MAX as usize);

/// Where the columns of a row lie. Made once for a table, used for every row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RowLayout {
    columns: Box<[Column]>,
    /// The sizes of the parts of rows that have the first 0, 1, ... all columns.
    sizes: Box<[Sizes]>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Column {
    data_type: DataType,
    place: Place,
    missing: Value,
}

/// Where in a row a column lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// At this offset of the fixed part.
    Fixed(usize),
    /// Among the values, as this one of them.
    Variable(usize),
}

/// What a number of columns take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Sizes {
    fixed_bytes: usize,
    variable_count: usize,
}

/// A row of more columns than [`MAX_COLUMNS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} columns; the limit is {max}", max = MAX_COLUMNS)]
pub struct RowTooWide(pub usize);

impl RowLayout {
    /// Rows of columns of these types.
    ///
    /// # Errors
    /// When there are more than [`MAX_COLUMNS`].
    pub fn new(types: impl IntoIterator<Item = DataType>) -> Result<RowLayout, RowTooWide> {
        RowLayout::with_missing(types.into_iter().map(|data_type| (data_type, Value::Null)))
    }

    /// Rows of columns of these types, each with what it reads as in rows that were written before it was added.
    ///
    /// # Errors
    /// When there are more than [`MAX_COLUMNS`].
    pub fn with_missing(
        columns: impl IntoIterator<Item = (DataType, Value)>,
    ) -> Result<RowLayout, RowTooWide> {
        let mut sizes = vec![Sizes::default()];
        let mut size = Sizes::default();
        let place = |(data_type, missing)| {
            let place = size.add(data_type);
            sizes.push(size);
            Column {
                data_type,
                place,
                missing,
            }
        };
        let columns: Box<[Column]> = columns.into_iter().map(place).collect();
        if columns.len() > MAX_COLUMNS {
            return Err(RowTooWide(columns.len()));
        }
        Ok(RowLayout {
            columns,
            sizes: sizes.into(),
        })
    }

    /// Number of columns.
    #[must_use]
    pub fn column_count(&self) -> usize {
        self.columns.len()
    }

    /// Type of a column; `None` past the last.
    #[must_use]
    pub fn data_type(&self, idx: usize) -> Option<DataType> {
        self.columns.get(idx).map(|column| column.data_type)
    }

    /// Appends a row. NULL is taken in every column: NOT NULL is for the caller to check.
    ///
    /// # Errors
    /// Another number of values than columns, a value of another type than its column, more than 4 GiB. What was appended
    /// until then stays in `out`.
    pub fn encode(&self, values: &[Value], out: &mut Vec<u8>) -> Result<(), EncodeError> {
        if values.len() != self.columns.len() {
            return Err(EncodeError::ColumnCount {
                expected: self.columns.len(),
                found: values.len(),
            });
        }
        let start = out.len();
        self.encode_parts::<2>(NARROW, values, out)?;
        let len = out.len() - start - self.head_len::<2>();
        if u16::try_from(len).is_ok() {
            return Ok(());
        }
        out.truncate(start);
        if u32::try_from(len).is_err() {
            let max = u32::MAX as usize;
            return Err(EncodeError::RowTooLarge { len, max });
        }
        self.encode_parts::<4>(WIDE, values, out)
    }

    /// Bytes before the values, with ends of `N` bytes.
    fn head_len<const N: usize>(&self) -> usize {
        let sizes = self.sizes[self.columns.len()];
        HEADER_BYTES + self.columns.len().div_ceil(8) + sizes.fixed_bytes + sizes.variable_count * N
    }

    /// Appends a row with ends of `N` bytes, of which only the low bytes are kept.
    fn encode_parts<const N: usize>(
        &self,
        tag: u8,
        values: &[Value],
        out: &mut Vec<u8>,
    ) -> Result<(), EncodeError> {
        let start = out.len();
        let count = u16::try_from(values.len()).expect("a layout has at most MAX_COLUMNS columns");
        let nulls = start + HEADER_BYTES;
        let fixed = nulls + values.len().div_ceil(8);
        let ends = fixed + self.sizes[values.len()].fixed_bytes;
        let first = start + self.head_len::<N>();
        out.push(tag);
        out.extend(count.to_le_bytes());
        out.resize(first, 0);
        for (idx, (column, value)) in self.columns.iter().zip(values).enumerate() {
            if value.is_null() {
                out[nulls + idx / 8] |= 1 << (idx % 8);
            }
            match column.place {
                Place::Fixed(offset) => {
                    encode_fixed(idx, column.data_type, value, &mut out[fixed + offset..])?;
                }
                Place::Variable(variable_idx) => {
                    encode_variable(idx, column.data_type, value, out)?;
                    let end = ((out.len() - first) as u64).to_le_bytes();
                    let slot = ends + variable_idx * N;
                    out[slot..slot + N].copy_from_slice(&end[..N]);
                }
            }
        }
        Ok(())
    }
}

impl Sizes {
    /// Makes room for one more column.
    fn add(&mut self, data_type: DataType) -> Place {
        match fixed_bytes(data_type) {
            Some(bytes) => {
                self.fixed_bytes += bytes;
                Place::Fixed(self.fixed_bytes - bytes)
            }
            None => {
                self.variable_count += 1;
                Place::Variable(self.variable_count - 1)
            }
        }
    }
}

/// Bytes of a type in the fixed part; `None` for types that are not there.
const fn fixed_bytes(data_type: DataType) -> Option<usize> {
    match data_type {
        DataType::Boolean => Some(1),
        DataType::Integer => Some(4),
        DataType::BigInt | DataType::Double | DataType::Timestamp => Some(8),
        DataType::Text | DataType::Bytea | DataType::Jsonb | DataType::Vector(_) => None,
    }
}

/// Writes a value, or leaves the zeros of NULL, at the front of `out`.
fn encode_fixed(
    idx: usize,
    data_type: DataType,
    value: &Value,
    out: &mut [u8],
) -> Result<(), EncodeError> {
    match (data_type, value) {
        (_, Value::Null) => {}
        (DataType::Boolean, Value::Boolean(value)) => out[0] = u8::from(*value),
        (DataType::Integer, Value::Integer(value)) => {
            out[..4].copy_from_slice(&value.to_le_bytes());
        }
        (DataType::BigInt, Value::BigInt(value)) => out[..8].copy_from_slice(&value.to_le_bytes()),
        (DataType::Double, Value::Double(value)) => out[..8].copy_from_slice(&value.to_le_bytes()),
        (DataType::Timestamp, Value::Timestamp(value)) => {
            if !timestamp::in_range(*value) {
                return Err(EncodeError::TimestampRange {
                    column: idx,
                    micros: value.0,
                });
            }
            out[..8].copy_from_slice(&value.0.to_le_bytes());
        }
        _ => return Err(mismatch(idx, data_type, value)),
    }
    Ok(())
}

/// Appends a value; nothing for NULL.
fn encode_variable(
    idx: usize,
    data_type: DataType,
    value: &Value,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    match (data_type, value) {
        (_, Value::Null) => {}
        (DataType::Text, Value::Text(value)) => out.extend_from_slice(value.as_bytes()),
        (DataType::Bytea, Value::Bytea(value)) => out.extend_from_slice(value),
        (DataType::Jsonb, Value::Json(value)) => {
            write!(out, "{value}").expect("writing to a Vec cannot fail");
        }
        (DataType::Vector(dim), Value::Vector(value)) if value.dim() == dim => {
            out.extend(value.iter().flat_map(|element| element.to_le_bytes()));
        }
        _ => return Err(mismatch(idx, data_type, value)),
    }
    Ok(())
}

fn mismatch(column: usize, expected: DataType, value: &Value) -> EncodeError {
    EncodeError::Type {
        column,
        expected,
        found: value.data_type().unwrap_or(expected),
    }
}

/// One row, decoded column by column. Opening it reads the header only.
#[derive(Clone, Copy, Debug)]
pub struct RowReader<'a> {
    layout: &'a RowLayout,
    row: &'a Bytes,
    /// Columns that the row has.
    count: usize,
    /// Offset of the fixed part.
    fixed: usize,
    /// Offset of the ends.
    ends: usize,
    /// Bytes of each end.
    end_bytes: usize,
    /// Offset of the values.
    values: usize,
}

impl<'a> RowReader<'a> {
    /// Opens a row that was encoded with `layout`, or with one that has its first columns only.
    ///
    /// # Errors
    /// When header and length do not fit each other.
    pub fn new(layout: &'a RowLayout, row: &'a Bytes) -> Result<RowReader<'a>, Malformed> {
        let Some(&[tag, low, high]) = row.first_chunk::<HEADER_BYTES>() else {
            return Err(length("row", HEADER_BYTES, row.len()));
        };
        let end_bytes = match tag {
            NARROW => 2,
            WIDE => 4,
            _ => return Err(Malformed::new("row tag", "1 or 2", tag.to_string())),
        };
        let count = usize::from(u16::from_le_bytes([low, high]));
        let sizes = layout
            .sizes
            .get(count)
            .ok_or_else(|| too_many_columns(layout, count))?;
        let fixed = HEADER_BYTES + count.div_ceil(8);
        let ends = fixed + sizes.fixed_bytes;
        let values = ends + sizes.variable_count * end_bytes;
        let reader = RowReader {
            layout,
            row,
            count,
            fixed,
            ends,
            end_bytes,
            values,
        };
        reader.check_length(sizes.variable_count)?;
        Ok(reader)
    }

    /// Number of columns of the layout, those that this row lacks included.
    #[must_use]
    pub fn column_count(&self) -> usize {
        self.layout.columns.len()
    }

    /// Decodes column `idx`. Text and byte strings share the row's memory.
    ///
    /// # Errors
    /// When its bytes are no value of its type, or the layout has no such column.
    pub fn column(&self, idx: usize) -> Result<Value, Malformed> {
        let column = self.layout_column(idx)?;
        if idx >= self.count {
            return Ok(column.missing.clone());
        }
        if self.null_bit(idx) {
            return Ok(Value::Null);
        }
        match column.place {
            Place::Fixed(offset) => {
                decode_fixed(column.data_type, &self.row[self.fixed + offset..])
            }
            Place::Variable(variable_idx) => {
                let range = self.variable(variable_idx)?;
                decode_variable(column.data_type, self.row, range)
            }
        }
    }

    /// Whether column `idx` is NULL.
    ///
    /// # Errors
    /// When the layout has no such column.
    pub fn is_null(&self, idx: usize) -> Result<bool, Malformed> {
        let column = self.layout_column(idx)?;
        Ok(match idx < self.count {
            true => self.null_bit(idx),
            false => column.missing.is_null(),
        })
    }

    /// The stored bytes of a VECTOR column, little-endian floats without alignment, for kernels that need no copy; `None`
    /// where it is NULL or the row lacks it.
    ///
    /// # Errors
    /// When it is no VECTOR column, or its length is wrong. The elements are not checked to be finite.
    pub fn vector_bytes(&self, idx: usize) -> Result<Option<&'a [u8]>, Malformed> {
        let column = self.layout_column(idx)?;
        let (DataType::Vector(dim), Place::Variable(variable_idx)) =
            (column.data_type, column.place)
        else {
            let found = column.data_type.to_string();
            return Err(Malformed::new("row column", "a vector", found));
        };
        if idx >= self.count || self.null_bit(idx) {
            return Ok(None);
        }
        let bytes = &self.row[self.variable(variable_idx)?];
        check_vector_len(dim, bytes)?;
        Ok(Some(bytes))
    }

    /// Decodes all columns, appending them to `out`.
    ///
    /// # Errors
    /// As [`RowReader::column`].
    pub fn columns(&self, out: &mut Vec<Value>) -> Result<(), Malformed> {
        out.reserve(self.column_count());
        for idx in 0..self.column_count() {
            out.push(self.column(idx)?);
        }
        Ok(())
    }

    fn layout_column(&self, idx: usize) -> Result<&'a Column, Malformed> {
        self.layout
            .columns
            .get(idx)
            .ok_or_else(|| too_many_columns(self.layout, idx + 1))
    }

    fn null_bit(&self, idx: usize) -> bool {
        self.row[HEADER_BYTES + idx / 8] >> (idx % 8) & 1 == 1
    }

    /// R2, and that the spare null bits are zero.
    fn check_length(&self, variable_count: usize) -> Result<(), Malformed> {
        if self.row.len() < self.values {
            return Err(length("row", self.values, self.row.len()));
        }
        let end = self.values + self.end(variable_count)?;
        if self.row.len() != end {
            return Err(length("row", end, self.row.len()));
        }
        let spare = self.count % 8;
        if spare > 0 && self.row[self.fixed - 1] >> spare != 0 {
            return Err(Malformed::new(
                "row null bits",
                "zero after the last column",
                "others",
            ));
        }
        Ok(())
    }

    /// Where the values before number `variable_idx` end, from the first value on.
    fn end(&self, variable_idx: usize) -> Result<usize, Malformed> {
        let Some(before) = variable_idx.checked_sub(1) else {
            return Ok(0);
        };
        let slot = self.ends + before * self.end_bytes;
        let mut bytes = [0; 4];
        bytes[..self.end_bytes].copy_from_slice(&self.row[slot..slot + self.end_bytes]);
        let end = u32::from_le_bytes(bytes);
        usize::try_from(end)
            .map_err(|_| Malformed::new("row offset", "one within memory", end.to_string()))
    }

    /// Where in the row value number `variable_idx` lies.
    fn variable(&self, variable_idx: usize) -> Result<Range<usize>, Malformed> {
        let (start, end) = (self.end(variable_idx)?, self.end(variable_idx + 1)?);
        let limit = self.row.len() - self.values;
        if start > end || end > limit {
            return Err(Malformed::new(
                "row offset",
                format!("{start} to {limit}"),
                end.to_string(),
            ));
        }
        Ok(self.values + start..self.values + end)
    }
}

/// Decodes the value at the front of `bytes`, which reach at least to its end.
fn decode_fixed(data_type: DataType, bytes: &[u8]) -> Result<Value, Malformed> {
    Ok(match data_type {
        DataType::Boolean => match array(bytes)? {
            [0] => Value::Boolean(false),
            [1] => Value::Boolean(true),
            [other] => return Err(Malformed::new("row boolean", "0 or 1", other.to_string())),
        },
        DataType::Integer => Value::Integer(i32::from_le_bytes(array(bytes)?)),
        DataType::BigInt => Value::BigInt(i64::from_le_bytes(array(bytes)?)),
        DataType::Double => Value::Double(f64::from_le_bytes(array(bytes)?)),
        DataType::Timestamp => {
            let timestamp = Timestamp(i64::from_le_bytes(array(bytes)?));
            if !timestamp::in_range(timestamp) {
                let found = format!("{} µs", timestamp.0);
                return Err(Malformed::new(
                    "row timestamp",
                    "a time in the years 1 to 9999",
                    found,
                ));
            }
            Value::Timestamp(timestamp)
        }
        DataType::Text | DataType::Bytea | DataType::Jsonb | DataType::Vector(_) => {
            unreachable!("types without a fixed size are not in the fixed part")
        }
    })
}

fn array<const N: usize>(bytes: &[u8]) -> Result<[u8; N], Malformed> {
    let array = bytes.first_chunk::<N>();
    array.copied().ok_or_else(|| length("row", N, bytes.len()))
}

fn decode_variable(
    data_type: DataType,
    row: &Bytes,
    range: Range<usize>,
) -> Result<Value, Malformed> {
    match data_type {
        DataType::Text => Text::from_utf8(row.slice(range)).map(Value::Text),
        DataType::Bytea => Ok(Value::Bytea(row.slice(range))),
        DataType::Jsonb => Json::decode(&row[range]).map(Value::Json),
        DataType::Vector(dim) => decode_vector(dim, &row[range]),
        DataType::Boolean
        | DataType::Integer
        | DataType::BigInt
        | DataType::Double
        | DataType::Timestamp => unreachable!("types of a fixed size are in the fixed part"),
    }
}

fn decode_vector(dim: Dim, bytes: &[u8]) -> Result<Value, Malformed> {
    check_vector_len(dim, bytes)?;
    let (elements, _) = bytes.as_chunks::<ELEMENT_BYTES>();
    let floats = elements.iter().map(|element| f32::from_le_bytes(*element));
    Vector::new(floats.collect::<Arc<[f32]>>())
        .map(Value::Vector)
        .map_err(|why| Malformed::new("row vector", "finite elements", why.to_string()))
}

fn check_vector_len(dim: Dim, bytes: &[u8]) -> Result<(), Malformed> {
    let expected = dim.as_usize() * ELEMENT_BYTES;
    if bytes.len() == expected {
        return Ok(());
    }
    Err(length("row vector", expected, bytes.len()))
}

fn length(what: &'static str, expected: usize, found: usize) -> Malformed {
    Malformed::new(what, format!("{expected} bytes"), format!("{found} bytes"))
}

fn too_many_columns(layout: &RowLayout, found: usize) -> Malformed {
    let expected = format!("at most {}", layout.columns.len());
    Malformed::new("row columns", expected, found.to_string())
}

#[cfg(test)]
mod tests;

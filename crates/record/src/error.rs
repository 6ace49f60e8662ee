//! What can go wrong between values, text and bytes.

pub use drystone_base::Malformed;

use std::borrow::Cow;
use std::fmt;

use crate::data_type::DataType;

/// Most characters of a bad input that an error repeats.
const SHOWN_CHARS_MAX: usize = 40;

/// Values that a key or row layout does not take. Nothing that was appended before is undone: drop the buffer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// Another number of values than the layout has columns.
    #[error("{found} values for {expected} columns")]
    ColumnCount {
        /// Columns of the layout (for a key: the most it takes).
        expected: usize,
        /// Values given.
        found: usize,
    },
    /// A value of another type than its column.
    #[error("value of type {found} in column {column} of type {expected}")]
    Type {
        /// Position of the column, from 0.
        column: usize,
        /// The column's type.
        expected: DataType,
        /// The value's type.
        found: DataType,
    },
    /// NULL in a key column that was declared not to hold it.
    #[error("NULL in key column {column}, which takes none")]
    Null {
        /// Position of the column, from 0.
        column: usize,
    },
    /// A timestamp outside [`crate::TIMESTAMP_MIN`]`..=`[`crate::TIMESTAMP_MAX`].
    #[error("timestamp of {micros} µs in column {column}; the range is the years 1 to 9999")]
    TimestampRange {
        /// Position of the column, from 0.
        column: usize,
        /// Microseconds since 1970.
        micros: i64,
    },
    /// The row's variable-length values are together longer than the format can say.
    #[error("row of {len} bytes; the limit is {max}")]
    RowTooLarge {
        /// Their length in bytes.
        len: usize,
        /// The limit in bytes.
        max: usize,
    },
}

/// Text that is no value of the type it was meant to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParseError {
    /// The type that was asked for.
    pub data_type: DataType,
    /// The text, shortened to its first characters.
    pub input: String,
    /// Where in the text, in bytes.
    pub position: usize,
    /// What is wrong there.
    pub kind: ParseErrorKind,
}

/// What is wrong with a text.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ParseErrorKind {
    /// It does not look like a value of the type; what was expected.
    Syntax(Cow<'static, str>),
    /// It is a number or a date, but one that the type cannot hold.
    OutOfRange,
    /// A vector of another length.
    Dim {
        /// The type's dimensions.
        expected: u32,
        /// Elements in the text.
        found: usize,
    },
}

impl ParseError {
    /// An error about `input` at byte `position`, or at the character that this byte is within.
    pub(crate) fn new(
        data_type: &DataType,
        input: &str,
        position: usize,
        kind: ParseErrorKind,
    ) -> ParseError {
        ParseError {
            data_type: *data_type,
            input: shortened(input),
            position: input.floor_char_boundary(position),
            kind,
        }
    }
}

/// The first characters of a text, with dots where some are left out.
fn shortened(input: &str) -> String {
    match input.char_indices().nth(SHOWN_CHARS_MAX) {
        None => input.to_owned(),
        Some((end, _)) => format!("{}...", &input[..end]),
    }
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (data_type, input) = (&self.data_type, &self.input);
        match &self.kind {
            ParseErrorKind::Syntax(expected) => write!(
                f,
                "invalid input syntax for type {data_type}: \"{input}\", at byte {}: {expected}",
                self.position
            ),
            ParseErrorKind::OutOfRange => {
                write!(f, "value \"{input}\" is out of range for type {data_type}")
            }
            ParseErrorKind::Dim { expected, found } => {
                write!(
                    f,
                    "expected {expected} dimensions, found {found}: \"{input}\""
                )
            }
        }
    }
}

impl std::error::Error for ParseError {}

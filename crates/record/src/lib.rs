//! Values and types, order-preserving keys, the row format and schemas: what a table is made of, and how it becomes
//! bytes. Knows nothing of storage.
//!
//! - [`DataType`], [`Value`], [`Text`], [`Json`]: what a column holds. Parsed from and printed as text the way
//!   PostgreSQL does ([`Value::parse`], `Display`).
//! - [`Schema`], [`ColumnDef`]: the columns of a table.
//! - [`KeyLayout`]: tuples of values as byte strings whose order is the order of the tuples.
//! - [`RowLayout`], [`RowReader`]: tuples of values as rows whose columns are decoded one by one, where they are asked
//!   for.
//!
//! Both formats are specified in `docs/format/record.md`. Every decoder is total: any bytes give a value or
//! [`Malformed`], never a panic.
//!
//! ```
//! use bytes::Bytes;
//! use drystone_record::{DataType, KeyColumn, KeyLayout, RowLayout, RowReader, Value};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let key = KeyLayout::new([KeyColumn::not_null(DataType::Integer)])?;
//! let (mut seven, mut nine) = (Vec::new(), Vec::new());
//! key.encode(&[Value::Integer(-7)], &mut seven)?;
//! key.encode(&[Value::Integer(9)], &mut nine)?;
//! assert!(seven < nine);
//!
//! let row = RowLayout::new([DataType::Text, DataType::Double])?;
//! let mut bytes = Vec::new();
//! row.encode(&[Value::from("granite"), Value::Null], &mut bytes)?;
//! let bytes = Bytes::from(bytes);
//! let reader = RowReader::new(&row, &bytes)?;
//! assert_eq!(reader.column(0)?, Value::from("granite"));
//! assert_eq!(reader.column(1)?, Value::Null);
//! # Ok(())
//! # }
//! ```

mod value;

mod data_type;
mod json;
mod schema;
mod text;

mod bytea;
mod double;
mod number;
mod timestamp;
mod vector;

mod key;
mod row;

mod error;

pub use data_type::{DataType, Dim, ParseDataTypeError};
pub use error::{EncodeError, Malformed, ParseError, ParseErrorKind};
pub use json::{Json, JsonTooDeep, MAX_JSON_DEPTH};
pub use key::{KeyColumn, KeyLayout, KeyReader, UnsupportedKeyType, prefix_end};
pub use row::{MAX_COLUMNS, RowLayout, RowReader, RowTooWide};
pub use schema::{ColumnDef, Schema};
pub use text::Text;
pub use timestamp::{TIMESTAMP_MAX, TIMESTAMP_MIN};
pub use value::Value;
pub use vector::{InvalidVector, Vector};

pub use drystone_base::Timestamp;

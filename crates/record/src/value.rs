//! A value of SQL: NULL, or a value of one type.
//!
//! Three questions are asked of two values, and have three answers:
//! - `=`, `<` of SQL: [`Value::compare`]. NULL has no answer; numbers of different types compare by what they stand for.
//! - ORDER BY: [`Value::sort_cmp`]. Total; NULL is last.
//! - GROUP BY, DISTINCT, hash joins: `Eq` and `Hash`. NULL equals NULL, NaN equals NaN, -0 equals 0; values of
//!   different types differ, so coerce both sides to one type first.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::mem::discriminant;

use bytes::Bytes;
use drystone_base::Timestamp;

use crate::data_type::{DataType, Dim};
use crate::error::{ParseError, ParseErrorKind};
use crate::json::Json;
use crate::text::Text;
use crate::vector::Vector;
use crate::{bytea, double, number, timestamp};

/// A value of SQL. Cheap to clone: what is long is shared.
#[derive(Clone, Debug, Default)]
pub enum Value {
    /// No value.
    #[default]
    Null,
    /// BOOLEAN.
    Boolean(bool),
    /// INTEGER.
    Integer(i32),
    /// BIGINT.
    BigInt(i64),
    /// DOUBLE PRECISION.
    Double(f64),
    /// TEXT.
    Text(Text),
    /// BYTEA.
    Bytea(Bytes),
    /// TIMESTAMP.
    Timestamp(Timestamp),
    /// JSONB.
    Json(Json),
    /// VECTOR.
    Vector(Vector),
}

impl Value {
    /// Its type; `None` for NULL, which is of every type.
    #[must_use]
    pub fn data_type(&self) -> Option<DataType> {
        Some(match self {
            Value::Null => return None,
            Value::Boolean(_) => DataType::Boolean,
            Value::Integer(_) => DataType::Integer,
            Value::BigInt(_) => DataType::BigInt,
            Value::Double(_) => DataType::Double,
            Value::Text(_) => DataType::Text,
            Value::Bytea(_) => DataType::Bytea,
            Value::Timestamp(_) => DataType::Timestamp,
            Value::Json(_) => DataType::Jsonb,
            Value::Vector(vector) => DataType::Vector(vector.dim()),
        })
    }

    /// Whether it is NULL.
    #[must_use]
    pub const fn is_null(&self) -> bool {
        matches!(self, Value::Null)
    }

    /// Reads a value of `data_type` from text, as PostgreSQL's input functions do. Blanks around it are ignored, except
    /// in TEXT and BYTEA.
    ///
    /// # Errors
    /// When the text is no value of the type; says where.
    pub fn parse(data_type: &DataType, text: &str) -> Result<Value, ParseError> {
        match data_type {
            DataType::Boolean => number::parse_boolean(text).map(Value::Boolean),
            DataType::Integer => number::parse_integer(text).map(Value::Integer),
            DataType::BigInt => number::parse_bigint(text).map(Value::BigInt),
            DataType::Double => double::parse(text).map(Value::Double),
            DataType::Text => Ok(Value::from(text)),
            DataType::Bytea => bytea::parse(text).map(Value::Bytea),
            DataType::Timestamp => timestamp::parse(text).map(Value::Timestamp),
            DataType::Jsonb => Json::parse(text).map(Value::Json),
            DataType::Vector(dim) => parse_vector(text, *dim),
        }
    }

    /// How it compares under SQL's `=`, `<` and `>`; `None` when either is NULL, or their types do not compare.
    ///
    /// NaN equals itself and is greater than every other number. Text and BYTEA compare byte by byte.
    #[must_use]
    pub fn compare(&self, other: &Value) -> Option<Ordering> {
        use Value::{BigInt, Boolean, Bytea, Double, Integer, Json, Null, Text, Timestamp, Vector};
        Some(match (self, other) {
            (Null, _) | (_, Null) => return None,
            (Integer(left), Integer(right)) => left.cmp(right),
            (BigInt(left), BigInt(right)) => left.cmp(right),
            (Text(left), Text(right)) => left.cmp(right),
            (Double(left), Double(right)) => double::compare(*left, *right),
            (Timestamp(left), Timestamp(right)) => left.cmp(right),
            (Boolean(left), Boolean(right)) => left.cmp(right),
            (Bytea(left), Bytea(right)) => left.cmp(right),
            (Json(left), Json(right)) => left.cmp(right),
            (Vector(left), Vector(right)) => left.cmp(right),
            (Integer(left), BigInt(right)) => i64::from(*left).cmp(right),
            (BigInt(left), Integer(right)) => left.cmp(&i64::from(*right)),
            (Integer(left), Double(right)) => number::compare(i128::from(*left), *right),
            (BigInt(left), Double(right)) => number::compare(i128::from(*left), *right),
            (Double(left), Integer(right)) => number::compare(i128::from(*right), *left).reverse(),
            (Double(left), BigInt(right)) => number::compare(i128::from(*right), *left).reverse(),
            _ => return None,
        })
    }

    /// The order of ORDER BY ... ASC, as of keys: as [`Value::compare`], with NULL last. Total; values whose types do
    /// not compare are ordered by type.
    #[must_use]
    pub fn sort_cmp(&self, other: &Value) -> Ordering {
        self.compare(other)
            .unwrap_or_else(|| self.type_rank().cmp(&other.type_rank()))
    }

    /// Place of the type in the order of values that do not compare. Types that compare share one.
    fn type_rank(&self) -> u8 {
        match self {
            Value::Boolean(_) => 1,
            Value::Integer(_) | Value::BigInt(_) | Value::Double(_) => 2,
            Value::Text(_) => 3,
            Value::Bytea(_) => 4,
            Value::Timestamp(_) => 5,
            Value::Json(_) => 6,
            Value::Vector(_) => 7,
            Value::Null => u8::MAX,
        }
    }
}

fn parse_vector(text: &str, dim: Dim) -> Result<Value, ParseError> {
    let vector = Vector::parse(text, dim)?;
    if vector.dim() == dim {
        return Ok(Value::Vector(vector));
    }
    let kind = ParseErrorKind::Dim {
        expected: dim.get(),
        found: vector.len(),
    };
    Err(ParseError::new(&DataType::Vector(dim), text, 0, kind))
}

impl PartialEq for Value {
    /// As GROUP BY sees it: see the module.
    fn eq(&self, other: &Value) -> bool {
        match (self, other) {
            (Value::Null, Value::Null) => true,
            _ => {
                discriminant(self) == discriminant(other)
                    && self.compare(other) == Some(Ordering::Equal)
            }
        }
    }
}

impl Eq for Value {}

impl Hash for Value {
    fn hash<H: Hasher>(&self, state: &mut H) {
        discriminant(self).hash(state);
        match self {
            Value::Null => {}
            Value::Boolean(value) => value.hash(state),
            Value::Integer(value) => value.hash(state),
            Value::BigInt(value) => value.hash(state),
            Value::Double(value) => double::ordered_bits(*value).hash(state),
            Value::Text(value) => value.hash(state),
            Value::Bytea(value) => value.hash(state),
            Value::Timestamp(value) => value.hash(state),
            Value::Json(value) => value.hash(state),
            Value::Vector(value) => value.hash(state),
        }
    }
}

impl fmt::Display for Value {
    /// As PostgreSQL prints it; NULL as `NULL`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Value::Null => f.write_str("NULL"),
            Value::Boolean(true) => f.write_str("t"),
            Value::Boolean(false) => f.write_str("f"),
            Value::Integer(value) => value.fmt(f),
            Value::BigInt(value) => value.fmt(f),
            Value::Double(value) => double::print(*value, f),
            Value::Text(value) => f.write_str(value),
            Value::Bytea(value) => bytea::print(value, f),
            Value::Timestamp(value) => timestamp::print(*value, f),
            Value::Json(value) => value.fmt(f),
            Value::Vector(value) => value.fmt(f),
        }
    }
}

macro_rules! from {
    ($($source:ty => $variant:ident),+ $(,)?) => {$(
        impl From<$source> for Value {
            fn from(value: $source) -> Value {
                Value::$variant(value.into())
            }
        }
    )+};
}

from! {
    bool => Boolean,
    i32 => Integer,
    i64 => BigInt,
    f64 => Double,
    &str => Text,
    String => Text,
    Text => Text,
    Bytes => Bytea,
    Vec<u8> => Bytea,
    Timestamp => Timestamp,
    Json => Json,
    Vector => Vector,
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Value {
        value.map_or(Value::Null, Into::into)
    }
}

#[cfg(test)]
mod tests;

//! Rows into types of your own, through serde.
//!
//! A struct takes the columns by name, a tuple by position; a row of one column may become a value alone. NULL needs an
//! `Option`. TIMESTAMP comes as the text that SQL prints, BYTEA as bytes, VECTOR as a sequence of `f32`, JSONB as
//! whatever it holds.

use std::fmt;

use drystone_record::Value;
use serde::de::value::{MapDeserializer, SeqDeserializer};
use serde::de::{DeserializeOwned, Deserializer, Error, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;

use crate::error::SqlError;
use crate::rows::Row;
use crate::sql_state::SqlState;

impl Row {
    /// The row as a value of another type.
    ///
    /// ```
    /// # use drystone_query::SqlError;
    /// #[derive(serde::Deserialize)]
    /// struct City {
    ///     id: i64,
    ///     name: String,
    ///     population: Option<i64>,
    /// }
    ///
    /// fn cities(rows: drystone_query::Rows) -> Result<Vec<City>, SqlError> {
    ///     rows.map(|row| row?.into_type()).collect()
    /// }
    /// ```
    ///
    /// # Errors
    /// When a column is missing, or its value does not fit.
    pub fn into_type<T: DeserializeOwned>(&self) -> Result<T, SqlError> {
        T::deserialize(RowDeserializer(self))
            .map_err(|error| SqlError::new(SqlState::DatatypeMismatch, error.0))
    }
}

/// What does not fit, in words.
#[derive(Debug)]
struct Misfit(String);

impl fmt::Display for Misfit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Misfit {}

impl Error for Misfit {
    fn custom<T: fmt::Display>(message: T) -> Misfit {
        Misfit(message.to_string())
    }
}

struct RowDeserializer<'r>(&'r Row);

impl RowDeserializer<'_> {
    /// The value of a row that has only one.
    fn only(&self) -> Result<ValueDeserializer<'_>, Misfit> {
        match self.0.values() {
            [value] => Ok(ValueDeserializer(value)),
            values => Err(Misfit(format!(
                "a row of {} columns is no single value",
                values.len()
            ))),
        }
    }

    fn map<'de, V: Visitor<'de>>(&self, visitor: V) -> Result<V::Value, Misfit> {
        let names = self.0.columns().iter().map(|column| column.name.as_str());
        let values = self.0.values().iter().map(ValueDeserializer);
        visitor.visit_map(MapDeserializer::new(names.zip(values)))
    }

    fn sequence<'de, V: Visitor<'de>>(&self, visitor: V) -> Result<V::Value, Misfit> {
        let values = self.0.values().iter().map(ValueDeserializer);
        visitor.visit_seq(SeqDeserializer::new(values))
    }
}

impl<'de> Deserializer<'de> for RowDeserializer<'_> {
    type Error = Misfit;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self.0.values() {
            [_] => self.only()?.deserialize_any(visitor),
            _ => self.map(visitor),
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        self.only()?.deserialize_option(visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        self.map(visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        self.map(visitor)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        self.sequence(visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Misfit> {
        self.sequence(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        self.sequence(visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct enum
        identifier ignored_any
    }
}

struct ValueDeserializer<'v>(&'v Value);

impl<'de> IntoDeserializer<'de, Misfit> for ValueDeserializer<'_> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}

impl<'de> Deserializer<'de> for ValueDeserializer<'_> {
    type Error = Misfit;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self.0 {
            Value::Null => visitor.visit_none(),
            Value::Boolean(truth) => visitor.visit_bool(*truth),
            Value::Integer(number) => visitor.visit_i32(*number),
            Value::BigInt(number) => visitor.visit_i64(*number),
            Value::Double(number) => visitor.visit_f64(*number),
            Value::Text(text) => visitor.visit_str(text.as_str()),
            Value::Bytea(bytes) => visitor.visit_bytes(bytes),
            Value::Timestamp(_) => visitor.visit_string(self.0.to_string()),
            Value::Json(json) => {
                let tree = json.tree().clone();
                tree.deserialize_any(visitor).map_err(Misfit::custom)
            }
            Value::Vector(vector) => {
                visitor.visit_seq(SeqDeserializer::new(vector.iter().copied()))
            }
        }
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        match self.0 {
            Value::Null => visitor.visit_none(),
            _ => visitor.visit_some(self),
        }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        visitor.visit_newtype_struct(self)
    }

    /// An enum without data, by the name of its variant.
    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        match self.0 {
            Value::Text(text) => visitor.visit_enum(text.as_str().into_deserializer()),
            other => Err(Misfit(format!(
                "expected the name of a variant, found {other}"
            ))),
        }
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct seq tuple
        tuple_struct map struct identifier ignored_any
    }
}

//! The types of columns, with the names that PostgreSQL gives them.

use std::fmt;
use std::str::FromStr;

/// The type of a column or expression.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum DataType {
    /// True or false.
    Boolean,
    /// 32-bit integer.
    Integer,
    /// 64-bit integer.
    BigInt,
    /// 64-bit floating point, IEEE 754.
    Double,
    /// UTF-8 text of any length.
    Text,
    /// Bytes of any length.
    Bytea,
    /// Date and time without a zone, to the microsecond.
    Timestamp,
    /// JSON.
    Jsonb,
    /// Vector of 32-bit floats.
    Vector(Dim),
}

/// Number of elements of a vector type: 1 to [`Dim::MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Dim(u32);

impl Dim {
    /// The most elements that a vector may have.
    pub const MAX: u32 = 65_535;

    /// `None` outside 1 to [`Dim::MAX`].
    #[must_use]
    pub const fn new(dim: u32) -> Option<Dim> {
        if dim == 0 || dim > Dim::MAX {
            return None;
        }
        Some(Dim(dim))
    }

    /// The dimensions of a vector of `len` elements; `None` outside 1 to [`Dim::MAX`].
    #[must_use]
    pub fn of_len(len: usize) -> Option<Dim> {
        u32::try_from(len).ok().and_then(Dim::new)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0
    }

    /// The number, as a count of elements.
    #[must_use]
    pub const fn as_usize(self) -> usize {
        self.0 as usize
    }
}

impl fmt::Display for Dim {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl DataType {
    /// Whether values have an order that `<` and ORDER BY use, and so may be in a key.
    #[must_use]
    pub const fn is_key(&self) -> bool {
        !matches!(self, DataType::Jsonb | DataType::Vector(_))
    }

    /// Whether it is INTEGER, BIGINT or DOUBLE PRECISION.
    #[must_use]
    pub const fn is_numeric(&self) -> bool {
        matches!(
            self,
            DataType::Integer | DataType::BigInt | DataType::Double
        )
    }
}

impl fmt::Display for DataType {
    /// The name that PostgreSQL prints. [`FromStr`] reads it back.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = match self {
            DataType::Boolean => "boolean",
            DataType::Integer => "integer",
            DataType::BigInt => "bigint",
            DataType::Double => "double precision",
            DataType::Text => "text",
            DataType::Bytea => "bytea",
            DataType::Timestamp => "timestamp without time zone",
            DataType::Jsonb => "jsonb",
            DataType::Vector(dim) => return write!(f, "vector({dim})"),
        };
        f.write_str(name)
    }
}

/// A type name that is not known or not supported.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ParseDataTypeError {
    /// No such type.
    #[error("type \"{0}\" does not exist")]
    Unknown(String),
    /// A type of PostgreSQL that Drystone lacks, and the one to use instead.
    #[error("type \"{name}\" is not supported; use {instead}")]
    Unsupported {
        /// The name as given.
        name: String,
        /// What to write instead.
        instead: &'static str,
    },
    /// A vector without dimensions, or with too few or too many.
    #[error("vector type \"{0}\" needs 1 to {max} dimensions, as in vector(3)", max = Dim::MAX)]
    Dim(String),
}

impl FromStr for DataType {
    type Err = ParseDataTypeError;

    /// Reads the names that PostgreSQL takes, in any case and spacing. JSON is taken for JSONB.
    fn from_str(name: &str) -> Result<DataType, ParseDataTypeError> {
        let words = normalized(name);
        let (base, argument) = split_argument(&words);
        match (base, argument) {
            ("vector", argument) => vector_type(name, argument),
            (base, None) => simple_type(name, base),
            (base, Some(_)) => Err(with_argument(name, base)),
        }
    }
}

/// Lower case, words apart by one space, none around brackets.
fn normalized(name: &str) -> String {
    let spaced = name.replace('(', " ( ").replace(')', " ) ");
    let words: Vec<String> = spaced
        .split_whitespace()
        .map(str::to_ascii_lowercase)
        .collect();
    words.join(" ")
}

/// `name ( argument )` as its two parts; anything else as a name alone.
fn split_argument(words: &str) -> (&str, Option<&str>) {
    match words.split_once(" ( ") {
        Some((base, rest)) => match rest.strip_suffix(" )") {
            Some(argument) => (base, Some(argument)),
            None => (words, None),
        },
        None => (words, None),
    }
}

fn vector_type(name: &str, argument: Option<&str>) -> Result<DataType, ParseDataTypeError> {
    argument
        .and_then(|argument| argument.parse().ok())
        .and_then(Dim::new)
        .map(DataType::Vector)
        .ok_or_else(|| ParseDataTypeError::Dim(name.to_owned()))
}

fn simple_type(name: &str, base: &str) -> Result<DataType, ParseDataTypeError> {
    Ok(match base {
        "bool" | "boolean" => DataType::Boolean,
        "int" | "int4" | "integer" => DataType::Integer,
        "int8" | "bigint" => DataType::BigInt,
        "float" | "float8" | "double" | "double precision" => DataType::Double,
        "text" | "varchar" | "character varying" => DataType::Text,
        "bytea" => DataType::Bytea,
        "timestamp" | "timestamp without time zone" => DataType::Timestamp,
        "jsonb" | "json" => DataType::Jsonb,
        _ => return Err(unsupported(name, base)),
    })
}

/// The error for a name that is no type here.
fn unsupported(name: &str, base: &str) -> ParseDataTypeError {
    let instead = match base {
        "smallint" | "int2" => "INTEGER",
        "real" | "float4" | "numeric" | "decimal" => "DOUBLE PRECISION",
        "char" | "character" | "bpchar" | "name" | "citext" | "uuid" | "string" => "TEXT",
        "date" | "timestamptz" | "timestamp with time zone" => "TIMESTAMP",
        "serial" => "INTEGER",
        "bigserial" => "BIGINT",
        "blob" | "varbinary" | "binary" => "BYTEA",
        _ => return ParseDataTypeError::Unknown(name.to_owned()),
    };
    ParseDataTypeError::Unsupported {
        name: name.to_owned(),
        instead,
    }
}

/// The error for a type with a length, precision or scale: none is enforced, so none is accepted.
fn with_argument(name: &str, base: &str) -> ParseDataTypeError {
    let instead = match base {
        "varchar" | "character varying" | "char" | "character" => "TEXT; no length is enforced",
        "timestamp" => "TIMESTAMP without a precision; it keeps microseconds",
        "float" | "numeric" | "decimal" => "DOUBLE PRECISION",
        _ => return ParseDataTypeError::Unknown(name.to_owned()),
    };
    ParseDataTypeError::Unsupported {
        name: name.to_owned(),
        instead,
    }
}

#[cfg(test)]
mod tests;

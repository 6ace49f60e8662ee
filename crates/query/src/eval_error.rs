//! What can go wrong when an expression is evaluated: the values are not ones that the operation has an answer for.
//!
//! Messages are PostgreSQL's, so that people find them by searching.

use drystone_record::{DataType, InvalidVector, JsonTooDeep, ParseError, ParseErrorKind, Value};

/// An expression has no value.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub(crate) enum EvalError {
    /// x / 0, x % 0.
    #[error("division by zero")]
    DivisionByZero,
    /// A whole number or a timestamp that its type cannot hold.
    #[error("{0} out of range")]
    OutOfRange(DataType),
    /// A double too large in magnitude.
    #[error("value out of range: overflow")]
    Overflow,
    /// A double too small in magnitude.
    #[error("value out of range: underflow")]
    Underflow,
    /// A number outside a function's domain.
    #[error("input is out of range")]
    InputOutOfRange,
    /// Text that is no value of the type it is cast to.
    #[error(transparent)]
    Parse(#[from] ParseError),
    /// JSON of one kind where another is needed.
    #[error("cannot cast jsonb {kind} to type {target}")]
    JsonCast {
        /// What the document is.
        kind: &'static str,
        /// What it should have become.
        target: DataType,
    },
    /// Two vectors of different lengths.
    #[error("different vector dimensions {left} and {right}")]
    VectorDims {
        /// Length of the one.
        left: usize,
        /// Length of the other.
        right: usize,
    },
    /// A vector whose length is not its type's.
    #[error("expected {expected} dimensions, not {found}")]
    VectorLength {
        /// The type's.
        expected: usize,
        /// The vector's.
        found: usize,
    },
    /// A vector with too many elements, or with one that is not finite.
    #[error(transparent)]
    Vector(#[from] InvalidVector),
    /// A document that nests too deep.
    #[error(transparent)]
    Json(#[from] JsonTooDeep),
    /// The logarithm of something that has none.
    #[error("cannot take logarithm of {0}")]
    Logarithm(&'static str),
    /// A root or power that is no real number; which.
    #[error("{0}")]
    Power(&'static str),
    /// substring(x, n, -1).
    #[error("negative substring length not allowed")]
    NegativeSubstring,
    /// A pattern whose last character would escape the next.
    #[error("LIKE pattern must not end with escape character")]
    EscapeAtEnd,
    /// The name of a unit or an encoding that is not known.
    #[error("{what} \"{found}\" not recognized")]
    Unrecognized {
        /// What it should have named.
        what: &'static str,
        /// The name.
        found: String,
    },
    /// A path into a document that is not written as one, or leads nowhere; why.
    #[error("{0}")]
    InvalidPath(&'static str),
    /// An argument that the function refuses; why.
    #[error("{0}")]
    InvalidParameter(&'static str),
    /// The result would pass a limit; which.
    #[error("{0}")]
    LimitExceeded(&'static str),
    /// Values of other types than the operation was planned for.
    #[error("{operation} does not take values of type {found}")]
    Mismatch {
        /// The operation.
        operation: &'static str,
        /// The types it was given.
        found: String,
    },
}

impl EvalError {
    /// The SQLSTATE code.
    pub(crate) fn sqlstate(&self) -> &'static str {
        match self {
            EvalError::DivisionByZero => "22012",
            EvalError::OutOfRange(DataType::Timestamp) => "22008",
            EvalError::OutOfRange(_)
            | EvalError::Overflow
            | EvalError::Underflow
            | EvalError::InputOutOfRange => "22003",
            EvalError::Parse(error) => sqlstate_of_parse(error),
            EvalError::VectorDims { .. }
            | EvalError::VectorLength { .. }
            | EvalError::Vector(_) => "22000",
            EvalError::Logarithm(_) => "2201E",
            EvalError::Power(_) => "2201F",
            EvalError::NegativeSubstring => "22011",
            EvalError::EscapeAtEnd => "22025",
            EvalError::JsonCast { .. }
            | EvalError::Unrecognized { .. }
            | EvalError::InvalidParameter(_) => "22023",
            EvalError::LimitExceeded(_) => "54000",
            EvalError::Json(_) => "54001",
            EvalError::InvalidPath(_) => "22P02",
            EvalError::Mismatch { .. } => "42804",
        }
    }
}

/// The types of values, for errors: `integer, text`.
pub(crate) fn types_of(values: &[Value]) -> String {
    let names = values.iter().map(|value| match value.data_type() {
        Some(data_type) => data_type.to_string(),
        None => "unknown".to_owned(),
    });
    names.collect::<Vec<String>>().join(", ")
}

fn sqlstate_of_parse(error: &ParseError) -> &'static str {
    match (&error.kind, error.data_type) {
        (ParseErrorKind::OutOfRange, DataType::Timestamp) => "22008",
        (ParseErrorKind::OutOfRange, _) => "22003",
        (ParseErrorKind::Dim { .. }, _) => "22000",
        (_, DataType::Timestamp) => "22007",
        _ => "22P02",
    }
}

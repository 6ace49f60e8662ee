//! Which operator an expression means: the types its operands must become, and the type it has.
//!
//! An operand whose type is not known (NULL, a parameter, a string literal) takes the type that the other one asks
//! for, as in PostgreSQL.

use drystone_record::DataType;

use crate::operator::{BinaryOp, UnaryOp};

/// The types of `left op right`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct BinaryTypes {
    /// What the left operand must be cast to.
    pub(crate) left: DataType,
    /// What the right operand must be cast to.
    pub(crate) right: DataType,
    /// What comes of it.
    pub(crate) result: DataType,
}

/// The types of `op operand`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct UnaryTypes {
    /// What the operand must be cast to.
    pub(crate) operand: DataType,
    /// What comes of it.
    pub(crate) result: DataType,
}

/// No operator fits the operands, or more than one does.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum TypeError {
    /// There is none for these types.
    #[error("operator does not exist: {0}")]
    Undefined(String),
    /// There are several, and nothing says which is meant.
    #[error("operator is not unique: {0}; cast an operand to the type that is meant")]
    Ambiguous(String),
    /// Vectors of different lengths.
    #[error("different vector dimensions {0} and {1}")]
    VectorDims(u32, u32),
}

impl TypeError {
    /// The SQLSTATE code.
    pub(crate) fn sqlstate(&self) -> &'static str {
        match self {
            TypeError::Undefined(_) => "42883",
            TypeError::Ambiguous(_) => "42725",
            TypeError::VectorDims(..) => "22000",
        }
    }
}

/// An operand's type, where it is known.
type Operand<'a> = Option<&'a DataType>;

/// The types of `left op right`.
pub(crate) fn binary_type(
    op: BinaryOp,
    left: Operand<'_>,
    right: Operand<'_>,
) -> Result<BinaryTypes, TypeError> {
    check_dims(left, right)?;
    let types = match op {
        BinaryOp::Add
        | BinaryOp::Subtract
        | BinaryOp::Multiply
        | BinaryOp::Divide
        | BinaryOp::Modulo => arithmetic(op, left, right)?,
        BinaryOp::Power => power(left, right),
        BinaryOp::Concat => concat(left, right),
        BinaryOp::Eq
        | BinaryOp::NotEq
        | BinaryOp::Lt
        | BinaryOp::LtEq
        | BinaryOp::Gt
        | BinaryOp::GtEq => comparison(left, right),
        BinaryOp::JsonGet => json_get(left, right, DataType::Jsonb),
        BinaryOp::JsonGetText => json_get(left, right, DataType::Text),
        BinaryOp::JsonPath => json_with_text(left, right, DataType::Jsonb),
        BinaryOp::JsonPathText => json_with_text(left, right, DataType::Text),
        BinaryOp::JsonHasKey => json_with_text(left, right, DataType::Boolean),
        BinaryOp::JsonContains | BinaryOp::JsonContainedBy => json_pair(left, right),
        BinaryOp::L2Distance | BinaryOp::CosineDistance | BinaryOp::NegativeInnerProduct => {
            distance(op, left, right)?
        }
    };
    types.ok_or_else(|| TypeError::Undefined(described(op, left, right)))
}

/// The type of `op operand`.
pub(crate) fn unary_type(op: UnaryOp, operand: Operand<'_>) -> Result<UnaryTypes, TypeError> {
    match operand {
        None => Err(TypeError::Ambiguous(format!("{op} unknown"))),
        Some(data_type) if data_type.is_numeric() => Ok(UnaryTypes {
            operand: *data_type,
            result: *data_type,
        }),
        Some(other) => Err(TypeError::Undefined(format!("{op} {other}"))),
    }
}

/// The wider of two numeric types.
pub(crate) fn wider_number(left: DataType, right: DataType) -> Option<DataType> {
    let width = |data_type| match data_type {
        DataType::Integer => Some(1),
        DataType::BigInt => Some(2),
        DataType::Double => Some(3),
        _ => None,
    };
    match width(left)? >= width(right)? {
        true => Some(left),
        false => Some(right),
    }
}

fn alike(operand: DataType, result: DataType) -> BinaryTypes {
    BinaryTypes {
        left: operand,
        right: operand,
        result,
    }
}

fn check_dims(left: Operand<'_>, right: Operand<'_>) -> Result<(), TypeError> {
    match (left, right) {
        (Some(DataType::Vector(left)), Some(DataType::Vector(right))) if left != right => {
            Err(TypeError::VectorDims(left.get(), right.get()))
        }
        _ => Ok(()),
    }
}

/// The one type of both operands; `None` where they do not agree. An unknown one takes the other's.
fn common(left: Operand<'_>, right: Operand<'_>) -> Option<DataType> {
    match (left, right) {
        (Some(left), Some(right)) if left == right => Some(*left),
        (Some(left), Some(right)) => wider_number(*left, *right),
        (Some(known), None) | (None, Some(known)) => Some(*known),
        (None, None) => None,
    }
}

fn arithmetic(
    op: BinaryOp,
    left: Operand<'_>,
    right: Operand<'_>,
) -> Result<Option<BinaryTypes>, TypeError> {
    if left.is_none() && right.is_none() {
        return Err(TypeError::Ambiguous(described(op, left, right)));
    }
    if op == BinaryOp::Subtract && left == Some(&DataType::Jsonb) {
        return Ok(json_get(left, right, DataType::Jsonb));
    }
    let vectors = matches!(op, BinaryOp::Add | BinaryOp::Subtract | BinaryOp::Multiply);
    let operand = common(left, right).filter(|data_type| match data_type {
        DataType::Vector(_) => vectors,
        other => other.is_numeric(),
    });
    Ok(operand.map(|operand| alike(operand, operand)))
}

fn power(left: Operand<'_>, right: Operand<'_>) -> Option<BinaryTypes> {
    let fits = |operand: Operand<'_>| operand.is_none_or(DataType::is_numeric);
    (fits(left) && fits(right)).then_some(alike(DataType::Double, DataType::Double))
}

fn concat(left: Operand<'_>, right: Operand<'_>) -> Option<BinaryTypes> {
    match common(left, right) {
        Some(whole @ (DataType::Bytea | DataType::Jsonb | DataType::Text)) => {
            Some(alike(whole, whole))
        }
        // With a text or a literal on one side, the other is printed, whatever it is.
        _ if is_textual(left) || is_textual(right) => Some(BinaryTypes {
            left: left.copied().unwrap_or(DataType::Text),
            right: right.copied().unwrap_or(DataType::Text),
            result: DataType::Text,
        }),
        _ => None,
    }
}

/// Whether it is a text, or a literal that can be one.
fn is_textual(operand: Operand<'_>) -> bool {
    operand.is_none_or(|data_type| *data_type == DataType::Text)
}

fn comparison(left: Operand<'_>, right: Operand<'_>) -> Option<BinaryTypes> {
    let operand = match (left, right) {
        (None, None) => DataType::Text,
        _ => common(left, right)?,
    };
    Some(alike(operand, DataType::Boolean))
}

/// A document and a key or a position.
fn json_get(left: Operand<'_>, right: Operand<'_>, result: DataType) -> Option<BinaryTypes> {
    let right = match right {
        None | Some(DataType::Text) => DataType::Text,
        Some(DataType::Integer) => DataType::Integer,
        Some(_) => return None,
    };
    is_json(left).then_some(BinaryTypes {
        left: DataType::Jsonb,
        right,
        result,
    })
}

/// A document and a text.
fn json_with_text(left: Operand<'_>, right: Operand<'_>, result: DataType) -> Option<BinaryTypes> {
    (is_json(left) && is_textual(right)).then_some(BinaryTypes {
        left: DataType::Jsonb,
        right: DataType::Text,
        result,
    })
}

fn json_pair(left: Operand<'_>, right: Operand<'_>) -> Option<BinaryTypes> {
    (is_json(left) && is_json(right)).then_some(alike(DataType::Jsonb, DataType::Boolean))
}

/// Whether it is a document, or a literal that can be one.
fn is_json(operand: Operand<'_>) -> bool {
    operand.is_none_or(|data_type| *data_type == DataType::Jsonb)
}

fn distance(
    op: BinaryOp,
    left: Operand<'_>,
    right: Operand<'_>,
) -> Result<Option<BinaryTypes>, TypeError> {
    match common(left, right) {
        Some(vector @ DataType::Vector(_)) => Ok(Some(alike(vector, DataType::Double))),
        None if left.is_none() => Err(TypeError::Ambiguous(described(op, left, right))),
        _ => Ok(None),
    }
}

fn described(op: BinaryOp, left: Operand<'_>, right: Operand<'_>) -> String {
    let name = |operand: Operand<'_>| match operand {
        Some(data_type) => data_type.to_string(),
        None => "unknown".to_owned(),
    };
    format!("{} {op} {}", name(left), name(right))
}

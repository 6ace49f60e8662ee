//! Operators: which there are, the types they take, and what they give.
//!
//! AND, OR, NOT, IS and LIKE are not among them: their operands are not all evaluated, or not values.

mod arithmetic;
mod json;
mod json_path;
mod typing;
mod vector;

use std::cmp::Ordering;
use std::fmt;

use drystone_record::Value;

use crate::cast::to_text;
use crate::eval_error::{EvalError, types_of};
use crate::function::checked_len;

pub(crate) use json::{element_idx, text as json_text};
pub(crate) use json_path::{JsonPath, step_into};
pub(crate) use typing::{TypeError, binary_type, unary_type};
pub(crate) use vector::{cosine_distance, inner_product, l2_distance, norm};

/// An operator between two operands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum BinaryOp {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
    Power,
    /// `||`
    Concat,
    Eq,
    NotEq,
    Lt,
    LtEq,
    Gt,
    GtEq,
    /// `->`
    JsonGet,
    /// `->>`
    JsonGetText,
    /// `#>`
    JsonPath,
    /// `#>>`
    JsonPathText,
    /// `@>`
    JsonContains,
    /// `<@`
    JsonContainedBy,
    /// `?`
    JsonHasKey,
    /// `<->`
    L2Distance,
    /// `<=>`
    CosineDistance,
    /// `<#>`
    NegativeInnerProduct,
}

/// An operator before one operand.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum UnaryOp {
    Minus,
}

impl BinaryOp {
    /// How it is written.
    pub(crate) fn symbol(self) -> &'static str {
        match self {
            BinaryOp::Add => "+",
            BinaryOp::Subtract => "-",
            BinaryOp::Multiply => "*",
            BinaryOp::Divide => "/",
            BinaryOp::Modulo => "%",
            BinaryOp::Power => "^",
            BinaryOp::Concat => "||",
            BinaryOp::Eq => "=",
            BinaryOp::NotEq => "<>",
            BinaryOp::Lt => "<",
            BinaryOp::LtEq => "<=",
            BinaryOp::Gt => ">",
            BinaryOp::GtEq => ">=",
            BinaryOp::JsonGet => "->",
            BinaryOp::JsonGetText => "->>",
            BinaryOp::JsonPath => "#>",
            BinaryOp::JsonPathText => "#>>",
            BinaryOp::JsonContains => "@>",
            BinaryOp::JsonContainedBy => "<@",
            BinaryOp::JsonHasKey => "?",
            BinaryOp::L2Distance => "<->",
            BinaryOp::CosineDistance => "<=>",
            BinaryOp::NegativeInnerProduct => "<#>",
        }
    }

    /// Whether an order of its operands makes it true; `None` for operators that are no comparison.
    fn holds(self, order: Ordering) -> Option<bool> {
        Some(match self {
            BinaryOp::Eq => order.is_eq(),
            BinaryOp::NotEq => order.is_ne(),
            BinaryOp::Lt => order.is_lt(),
            BinaryOp::LtEq => order.is_le(),
            BinaryOp::Gt => order.is_gt(),
            BinaryOp::GtEq => order.is_ge(),
            _ => return None,
        })
    }
}

impl fmt::Display for BinaryOp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.symbol())
    }
}

impl fmt::Display for UnaryOp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            UnaryOp::Minus => f.write_str("-"),
        }
    }
}

/// `left op right`, of the types that [`binary_type`] said. NULL where either is NULL.
pub(crate) fn eval_binary(op: BinaryOp, left: &Value, right: &Value) -> Result<Value, EvalError> {
    if left.is_null() || right.is_null() {
        return Ok(Value::Null);
    }
    match op {
        BinaryOp::Eq
        | BinaryOp::NotEq
        | BinaryOp::Lt
        | BinaryOp::LtEq
        | BinaryOp::Gt
        | BinaryOp::GtEq => compare(op, left, right),
        BinaryOp::Concat => concat(left, right),
        BinaryOp::Add
        | BinaryOp::Subtract
        | BinaryOp::Multiply
        | BinaryOp::Divide
        | BinaryOp::Modulo
        | BinaryOp::Power => match (left, right) {
            (Value::Vector(left), Value::Vector(right)) => vector::elementwise(op, left, right),
            (Value::Json(document), key) if op == BinaryOp::Subtract => {
                json::without(document, key)
            }
            _ => arithmetic::eval(op, left, right),
        },
        BinaryOp::L2Distance | BinaryOp::CosineDistance | BinaryOp::NegativeInnerProduct => {
            match (left, right) {
                (Value::Vector(left), Value::Vector(right)) => vector::distance(op, left, right),
                _ => Err(mismatch(op, left, right)),
            }
        }
        BinaryOp::JsonGet
        | BinaryOp::JsonGetText
        | BinaryOp::JsonPath
        | BinaryOp::JsonPathText
        | BinaryOp::JsonContains
        | BinaryOp::JsonContainedBy
        | BinaryOp::JsonHasKey => json::eval(op, left, right),
    }
}

/// `op operand`, of the type that [`unary_type`] said. NULL of NULL.
pub(crate) fn eval_unary(op: UnaryOp, operand: &Value) -> Result<Value, EvalError> {
    match (op, operand) {
        (_, Value::Null) => Ok(Value::Null),
        (UnaryOp::Minus, operand) => arithmetic::negate(operand),
    }
}

/// IS NOT DISTINCT FROM: `=` for which NULL is a value like any other.
pub(crate) fn is_not_distinct(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Null, Value::Null) => true,
        _ => left.compare(right) == Some(Ordering::Equal),
    }
}

fn compare(op: BinaryOp, left: &Value, right: &Value) -> Result<Value, EvalError> {
    left.compare(right)
        .and_then(|order| op.holds(order))
        .map(Value::Boolean)
        .ok_or_else(|| mismatch(op, left, right))
}

fn concat(left: &Value, right: &Value) -> Result<Value, EvalError> {
    match (left, right) {
        (Value::Bytea(left), Value::Bytea(right)) => {
            checked_len(left.len().saturating_add(right.len()))?;
            Ok(Value::from([left.as_ref(), right.as_ref()].concat()))
        }
        (Value::Json(left), Value::Json(right)) => json::concat(left, right),
        _ => {
            let (left, right) = (to_text(left), to_text(right));
            checked_len(left.len().saturating_add(right.len()))?;
            Ok(Value::from([left.as_str(), right.as_str()].concat()))
        }
    }
}

/// The operands are not what the operator was planned for.
fn mismatch(op: BinaryOp, left: &Value, right: &Value) -> EvalError {
    EvalError::Mismatch {
        operation: op.symbol(),
        found: types_of(&[left.clone(), right.clone()]),
    }
}

#[cfg(test)]
mod tests;

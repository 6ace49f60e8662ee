//! Arithmetic on integers and doubles: checked, never wrapped, never infinite out of finite operands.

use drystone_record::{DataType, Value};

use crate::eval_error::EvalError;
use crate::operator::{BinaryOp, mismatch};

/// `left op right` of numbers, neither NULL. Of different types, the wider counts.
pub(super) fn eval(op: BinaryOp, left: &Value, right: &Value) -> Result<Value, EvalError> {
    match (left, right) {
        (Value::Integer(left), Value::Integer(right)) => integers(op, *left, *right),
        (Value::BigInt(left), Value::BigInt(right)) => bigints(op, *left, *right),
        (Value::Double(left), Value::Double(right)) => doubles(op, *left, *right),
        (Value::Integer(left), Value::BigInt(right)) => bigints(op, i64::from(*left), *right),
        (Value::BigInt(left), Value::Integer(right)) => bigints(op, *left, i64::from(*right)),
        _ => match (to_double(left), to_double(right)) {
            (Some(left), Some(right)) => doubles(op, left, right),
            _ => Err(mismatch(op, left, right)),
        },
    }
}

/// `-operand`.
pub(super) fn negate(operand: &Value) -> Result<Value, EvalError> {
    match operand {
        Value::Integer(value) => value
            .checked_neg()
            .map(Value::Integer)
            .ok_or(EvalError::OutOfRange(DataType::Integer)),
        Value::BigInt(value) => value
            .checked_neg()
            .map(Value::BigInt)
            .ok_or(EvalError::OutOfRange(DataType::BigInt)),
        Value::Double(value) => Ok(Value::Double(-value)),
        other => Err(mismatch(BinaryOp::Subtract, &Value::Integer(0), other)),
    }
}

/// A number as a double: rounded to the nearest, where it has too many digits.
#[expect(
    clippy::cast_precision_loss,
    reason = "as PostgreSQL's cast: the nearest double"
)]
fn to_double(value: &Value) -> Option<f64> {
    match value {
        Value::Integer(value) => Some(f64::from(*value)),
        Value::BigInt(value) => Some(*value as f64),
        Value::Double(value) => Some(*value),
        _ => None,
    }
}

fn integers(op: BinaryOp, left: i32, right: i32) -> Result<Value, EvalError> {
    let result = match op {
        BinaryOp::Add => left.checked_add(right),
        BinaryOp::Subtract => left.checked_sub(right),
        BinaryOp::Multiply => left.checked_mul(right),
        BinaryOp::Divide | BinaryOp::Modulo if right == 0 => return Err(EvalError::DivisionByZero),
        BinaryOp::Divide => left.checked_div(right),
        BinaryOp::Modulo => Some(left.wrapping_rem(right)),
        _ => return doubles(op, f64::from(left), f64::from(right)),
    };
    result
        .map(Value::Integer)
        .ok_or(EvalError::OutOfRange(DataType::Integer))
}

#[expect(
    clippy::cast_precision_loss,
    reason = "only powers come this way, which are doubles"
)]
fn bigints(op: BinaryOp, left: i64, right: i64) -> Result<Value, EvalError> {
    let result = match op {
        BinaryOp::Add => left.checked_add(right),
        BinaryOp::Subtract => left.checked_sub(right),
        BinaryOp::Multiply => left.checked_mul(right),
        BinaryOp::Divide | BinaryOp::Modulo if right == 0 => return Err(EvalError::DivisionByZero),
        BinaryOp::Divide => left.checked_div(right),
        BinaryOp::Modulo => Some(left.wrapping_rem(right)),
        _ => return doubles(op, left as f64, right as f64),
    };
    result
        .map(Value::BigInt)
        .ok_or(EvalError::OutOfRange(DataType::BigInt))
}

fn doubles(op: BinaryOp, left: f64, right: f64) -> Result<Value, EvalError> {
    let result = match op {
        BinaryOp::Add => left + right,
        BinaryOp::Subtract => left - right,
        BinaryOp::Multiply => return product(left, right),
        BinaryOp::Divide => return quotient(left, right),
        BinaryOp::Modulo if right == 0.0 => return Err(EvalError::DivisionByZero),
        BinaryOp::Modulo => left % right,
        BinaryOp::Power => return power(left, right).map(Value::Double),
        _ => {
            return Err(mismatch(op, &Value::Double(left), &Value::Double(right)));
        }
    };
    within_range(result, left.is_finite() && right.is_finite())
}

fn product(left: f64, right: f64) -> Result<Value, EvalError> {
    let result = left * right;
    if result == 0.0 && left != 0.0 && right != 0.0 {
        return Err(EvalError::Underflow);
    }
    within_range(result, left.is_finite() && right.is_finite())
}

fn quotient(left: f64, right: f64) -> Result<Value, EvalError> {
    if right == 0.0 && !left.is_nan() {
        return Err(EvalError::DivisionByZero);
    }
    let result = left / right;
    if result == 0.0 && left != 0.0 && right.is_finite() {
        return Err(EvalError::Underflow);
    }
    within_range(result, left.is_finite())
}

/// A result that is infinite though its operands were not has passed the range.
fn within_range(result: f64, operands_finite: bool) -> Result<Value, EvalError> {
    match result.is_infinite() && operands_finite {
        true => Err(EvalError::Overflow),
        false => Ok(Value::Double(result)),
    }
}

/// `base ^ exponent`.
fn power(base: f64, exponent: f64) -> Result<f64, EvalError> {
    if base == 0.0 && exponent < 0.0 {
        return Err(EvalError::Power(
            "zero raised to a negative power is undefined",
        ));
    }
    if base < 0.0 && exponent.is_finite() && exponent.fract() != 0.0 {
        return Err(EvalError::Power(
            "a negative number raised to a non-integer power yields a complex result",
        ));
    }
    let result = base.powf(exponent);
    let finite = base.is_finite() && exponent.is_finite();
    match result {
        _ if finite && result.is_infinite() => Err(EvalError::Overflow),
        0.0 if finite && base != 0.0 => Err(EvalError::Underflow),
        _ => Ok(result),
    }
}

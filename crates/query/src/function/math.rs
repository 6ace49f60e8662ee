//! Numbers.

use std::f64::consts::PI;

use drystone_record::{DataType, Value};

use crate::eval_error::EvalError;
use crate::function::{BIGINT, DOUBLE, Definition, EvalContext, INTEGER, mismatch, take};
use crate::operator::{BinaryOp, UnaryOp, eval_binary, eval_unary};

pub(super) const FUNCTIONS: &[Definition] = &[
    Definition::new("abs", &[DOUBLE], DOUBLE, abs),
    Definition::new("abs", &[INTEGER], INTEGER, abs),
    Definition::new("abs", &[BIGINT], BIGINT, abs),
    Definition::new("sign", &[DOUBLE], DOUBLE, |args, _| of(args, sign)),
    Definition::new("mod", &[DOUBLE, DOUBLE], DOUBLE, modulo),
    Definition::new("mod", &[INTEGER, INTEGER], INTEGER, modulo),
    Definition::new("mod", &[BIGINT, BIGINT], BIGINT, modulo),
    Definition::new("div", &[DOUBLE, DOUBLE], DOUBLE, div),
    Definition::new("div", &[BIGINT, BIGINT], BIGINT, div),
    Definition::new("gcd", &[INTEGER, INTEGER], INTEGER, gcd),
    Definition::new("gcd", &[BIGINT, BIGINT], BIGINT, gcd),
    Definition::new("lcm", &[INTEGER, INTEGER], INTEGER, lcm),
    Definition::new("lcm", &[BIGINT, BIGINT], BIGINT, lcm),
    Definition::new("sqrt", &[DOUBLE], DOUBLE, |args, _| of(args, sqrt)),
    Definition::new("cbrt", &[DOUBLE], DOUBLE, |args, _| of_any(args, f64::cbrt)),
    Definition::new("power", &[DOUBLE, DOUBLE], DOUBLE, power),
    Definition::new("pow", &[DOUBLE, DOUBLE], DOUBLE, power),
    Definition::new("exp", &[DOUBLE], DOUBLE, |args, _| of(args, exp)),
    Definition::new("ln", &[DOUBLE], DOUBLE, |args, _| {
        of(args, |x| logarithm(x, f64::ln))
    }),
    Definition::new("log", &[DOUBLE], DOUBLE, |args, _| {
        of(args, |x| logarithm(x, f64::log10))
    }),
    Definition::new("log10", &[DOUBLE], DOUBLE, |args, _| {
        of(args, |x| logarithm(x, f64::log10))
    }),
    Definition::new("log", &[DOUBLE, DOUBLE], DOUBLE, log_to_base),
    Definition::new("pi", &[], DOUBLE, |_, _| Ok(Value::Double(PI))),
    Definition::new("sin", &[DOUBLE], DOUBLE, |args, _| {
        of_finite(args, f64::sin)
    }),
    Definition::new("cos", &[DOUBLE], DOUBLE, |args, _| {
        of_finite(args, f64::cos)
    }),
    Definition::new("tan", &[DOUBLE], DOUBLE, |args, _| {
        of_finite(args, f64::tan)
    }),
    Definition::new("cot", &[DOUBLE], DOUBLE, |args, _| {
        of_finite(args, |x| x.tan().recip())
    }),
    Definition::new("asin", &[DOUBLE], DOUBLE, |args, _| {
        of_unit(args, f64::asin)
    }),
    Definition::new("acos", &[DOUBLE], DOUBLE, |args, _| {
        of_unit(args, f64::acos)
    }),
    Definition::new("atan", &[DOUBLE], DOUBLE, |args, _| of_any(args, f64::atan)),
    Definition::new("atan2", &[DOUBLE, DOUBLE], DOUBLE, atan2),
    Definition::new("sinh", &[DOUBLE], DOUBLE, |args, _| of_any(args, f64::sinh)),
    Definition::new("cosh", &[DOUBLE], DOUBLE, |args, _| of_any(args, f64::cosh)),
    Definition::new("tanh", &[DOUBLE], DOUBLE, |args, _| of_any(args, f64::tanh)),
    Definition::new("degrees", &[DOUBLE], DOUBLE, |args, _| {
        of(args, |x| within_range(x, x / (PI / 180.0)))
    }),
    Definition::new("radians", &[DOUBLE], DOUBLE, |args, _| {
        of_any(args, |x| x * (PI / 180.0))
    }),
];

/// A function of one double that may have no answer.
fn of(
    args: &[Value],
    function: impl Fn(f64) -> Result<f64, EvalError>,
) -> Result<Value, EvalError> {
    take!(args, Double(x));
    function(*x).map(Value::Double)
}

/// A function of any double.
fn of_any(args: &[Value], function: impl Fn(f64) -> f64) -> Result<Value, EvalError> {
    of(args, |x| Ok(function(x)))
}

/// A function of doubles other than the infinities.
fn of_finite(args: &[Value], function: impl Fn(f64) -> f64) -> Result<Value, EvalError> {
    of(args, |x| match x.is_infinite() {
        true => Err(EvalError::InputOutOfRange),
        false => Ok(function(x)),
    })
}

/// A function of doubles from -1 to 1.
fn of_unit(args: &[Value], function: impl Fn(f64) -> f64) -> Result<Value, EvalError> {
    of(args, |x| match x.abs() > 1.0 {
        true => Err(EvalError::InputOutOfRange),
        false => Ok(function(x)),
    })
}

/// `result` of `x`, unless it became infinite.
fn within_range(x: f64, result: f64) -> Result<f64, EvalError> {
    match result.is_infinite() && x.is_finite() {
        true => Err(EvalError::Overflow),
        false => Ok(result),
    }
}

fn abs(args: &[Value], _: &EvalContext) -> Result<Value, EvalError> {
    match args {
        [Value::Double(x)] => Ok(Value::Double(x.abs())),
        [number @ Value::Integer(x)] if *x >= 0 => Ok(number.clone()),
        [number @ Value::BigInt(x)] if *x >= 0 => Ok(number.clone()),
        [negative] => eval_unary(UnaryOp::Minus, negative),
        _ => Err(mismatch(args)),
    }
}

fn sign(x: f64) -> Result<f64, EvalError> {
    Ok(match x {
        _ if x > 0.0 => 1.0,
        _ if x < 0.0 => -1.0,
        _ => 0.0,
    })
}

fn modulo(args: &[Value], _: &EvalContext) -> Result<Value, EvalError> {
    match args {
        [left, right] => eval_binary(BinaryOp::Modulo, left, right),
        _ => Err(mismatch(args)),
    }
}

/// The quotient without its fraction.
fn div(args: &[Value], _: &EvalContext) -> Result<Value, EvalError> {
    let [left, right] = args else {
        return Err(mismatch(args));
    };
    Ok(match eval_binary(BinaryOp::Divide, left, right)? {
        Value::Double(quotient) => Value::Double(quotient.trunc()),
        whole => whole,
    })
}

fn gcd(args: &[Value], _: &EvalContext) -> Result<Value, EvalError> {
    let (left, right, data_type) = whole_pair(args)?;
    whole(greatest_divisor(left, right), data_type)
}

fn lcm(args: &[Value], _: &EvalContext) -> Result<Value, EvalError> {
    let (left, right, data_type) = whole_pair(args)?;
    match greatest_divisor(left, right) {
        0 => whole(0, data_type),
        divisor => whole(left / divisor * right, data_type),
    }
}

/// The magnitudes of two integers, and their type.
fn whole_pair(args: &[Value]) -> Result<(i128, i128, DataType), EvalError> {
    let (left, right, data_type) = match args {
        [Value::Integer(left), Value::Integer(right)] => {
            (i128::from(*left), i128::from(*right), DataType::Integer)
        }
        [Value::BigInt(left), Value::BigInt(right)] => {
            (i128::from(*left), i128::from(*right), DataType::BigInt)
        }
        _ => return Err(mismatch(args)),
    };
    Ok((left.abs(), right.abs(), data_type))
}

fn greatest_divisor(mut left: i128, mut right: i128) -> i128 {
    while right != 0 {
        (left, right) = (right, left % right);
    }
    left
}

fn whole(number: i128, data_type: DataType) -> Result<Value, EvalError> {
    let value = match data_type {
        DataType::Integer => i32::try_from(number).map(Value::Integer),
        _ => i64::try_from(number).map(Value::BigInt),
    };
    value.map_err(|_| EvalError::OutOfRange(data_type))
}

fn sqrt(x: f64) -> Result<f64, EvalError> {
    match x < 0.0 {
        true => Err(EvalError::Power(
            "cannot take square root of a negative number",
        )),
        false => Ok(x.sqrt()),
    }
}

fn power(args: &[Value], _: &EvalContext) -> Result<Value, EvalError> {
    match args {
        [base, exponent] => eval_binary(BinaryOp::Power, base, exponent),
        _ => Err(mismatch(args)),
    }
}

fn exp(x: f64) -> Result<f64, EvalError> {
    match within_range(x, x.exp())? {
        0.0 if x.is_finite() => Err(EvalError::Underflow),
        result => Ok(result),
    }
}

fn logarithm(x: f64, function: impl Fn(f64) -> f64) -> Result<f64, EvalError> {
    match x {
        0.0 => Err(EvalError::Logarithm("zero")),
        _ if x < 0.0 => Err(EvalError::Logarithm("a negative number")),
        _ => Ok(function(x)),
    }
}

fn log_to_base(args: &[Value], _: &EvalContext) -> Result<Value, EvalError> {
    take!(args, Double(base), Double(x));
    let (base, x) = (logarithm(*base, f64::log2)?, logarithm(*x, f64::log2)?);
    match base {
        0.0 => Err(EvalError::DivisionByZero),
        _ => Ok(Value::Double(x / base)),
    }
}

fn atan2(args: &[Value], _: &EvalContext) -> Result<Value, EvalError> {
    take!(args, Double(y), Double(x));
    Ok(Value::Double(y.atan2(*x)))
}

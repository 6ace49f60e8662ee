//! Rounding of doubles.
//!
//! To a whole number, ties go to the even one, as PostgreSQL does for DOUBLE PRECISION. To a number of digits, it is the
//! number's shortest decimal form that is rounded, ties away from zero, as PostgreSQL does for NUMERIC: 2.675 to two
//! digits is 2.68, though the double nearest to 2.675 is a little less.

use drystone_record::Value;

use crate::eval_error::EvalError;
use crate::function::{DOUBLE, Definition, INTEGER, take};

pub(super) const FUNCTIONS: &[Definition] = &[
    Definition::new("ceil", &[DOUBLE], DOUBLE, |args, _| whole(args, f64::ceil)),
    Definition::new("ceiling", &[DOUBLE], DOUBLE, |args, _| {
        whole(args, f64::ceil)
    }),
    Definition::new("floor", &[DOUBLE], DOUBLE, |args, _| {
        whole(args, f64::floor)
    }),
    Definition::new("round", &[DOUBLE], DOUBLE, |args, _| {
        whole(args, f64::round_ties_even)
    }),
    Definition::new("round", &[DOUBLE, INTEGER], DOUBLE, |args, _| {
        to_digits(args, Ties::AwayFromZero)
    }),
    Definition::new("trunc", &[DOUBLE], DOUBLE, |args, _| {
        whole(args, f64::trunc)
    }),
    Definition::new("trunc", &[DOUBLE, INTEGER], DOUBLE, |args, _| {
        to_digits(args, Ties::Cut)
    }),
];

/// No double has more digits than this on either side of its point.
const DIGITS_MAX: i32 = 400;

/// What becomes of the digits that are not kept.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Ties {
    AwayFromZero,
    Cut,
}

fn whole(args: &[Value], function: impl Fn(f64) -> f64) -> Result<Value, EvalError> {
    take!(args, Double(x));
    Ok(Value::Double(function(*x)))
}

fn to_digits(args: &[Value], ties: Ties) -> Result<Value, EvalError> {
    take!(args, Double(x), Integer(digits));
    let rounded = match x.is_finite() {
        true => rounded(*x, (*digits).clamp(-DIGITS_MAX, DIGITS_MAX), ties),
        false => *x,
    };
    match rounded.is_infinite() && x.is_finite() {
        true => Err(EvalError::Overflow),
        false => Ok(Value::Double(rounded)),
    }
}

/// `x` with `digits` digits after the point; before it, where that is negative.
fn rounded(x: f64, digits: i32, ties: Ties) -> f64 {
    let shortest = format!("{:e}", x.abs());
    let (mantissa, exponent) = shortest.split_once('e').unwrap_or((&shortest, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let mut decimal: Vec<u8> = mantissa.bytes().filter(u8::is_ascii_digit).collect();
    // The digit at index i stands for decimal[i] * 10^(exponent - i).
    let Ok(kept) = usize::try_from(exponent + digits + 1) else {
        return 0.0f64.copysign(x);
    };
    let Some(&next) = decimal.get(kept) else {
        return x;
    };
    decimal.truncate(kept);
    let mut carries = ties == Ties::AwayFromZero && next >= b'5';
    for digit in decimal.iter_mut().rev() {
        if !carries {
            break;
        }
        carries = *digit == b'9';
        *digit = if carries { b'0' } else { *digit + 1 };
    }
    decimal.insert(0, if carries { b'1' } else { b'0' });
    let text: String = decimal.into_iter().map(char::from).collect();
    let magnitude: f64 = format!("{text}e{}", -digits).parse().unwrap_or(f64::NAN);
    magnitude.copysign(x)
}

//! Doubles: their order, as bits and as text.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;

use crate::data_type::DataType;
use crate::error::{ParseError, ParseErrorKind};

/// Decimal exponents below this, and from [`EXPONENT_MAX`] on, are printed as such.
const EXPONENT_MIN: i32 = -4;
/// See [`EXPONENT_MIN`].
const EXPONENT_MAX: i32 = 15;

/// The order of PostgreSQL: NaN equals itself and is greater than every other number; -0 equals 0.
pub(crate) fn compare(left: f64, right: f64) -> Ordering {
    left.partial_cmp(&right)
        .unwrap_or_else(|| left.is_nan().cmp(&right.is_nan()))
}

/// Bits that, as an unsigned number, have the order of [`compare`]: equal numbers have equal bits.
pub(crate) fn ordered_bits(double: f64) -> u64 {
    let bits = canonical(double).to_bits();
    if bits >> 63 == 1 {
        !bits
    } else {
        bits | 1 << 63
    }
}

/// The inverse of [`ordered_bits`]; `None` for bits that it never gives.
pub(crate) fn from_ordered_bits(ordered: u64) -> Option<f64> {
    let bits = if ordered >> 63 == 1 {
        ordered & !(1 << 63)
    } else {
        !ordered
    };
    let double = f64::from_bits(bits);
    (ordered_bits(double) == ordered).then_some(double)
}

/// One NaN and one zero for all of them.
fn canonical(double: f64) -> f64 {
    if double.is_nan() {
        f64::NAN.copysign(1.0)
    } else if double == 0.0 {
        0.0
    } else {
        double
    }
}

/// Prints the shortest digits that read back as the same double, as PostgreSQL lays them out.
pub(crate) fn print(double: f64, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    if double.is_nan() {
        return f.write_str("NaN");
    }
    if double.is_infinite() {
        return f.write_str(if double > 0.0 {
            "Infinity"
        } else {
            "-Infinity"
        });
    }
    let scientific = format!("{double:e}");
    print_shortest(&scientific, EXPONENT_MAX, f, |f| write!(f, "{double}"))
}

/// Prints a number of which `scientific` is Rust's `{:e}` form: plainly where its exponent is small, else as
/// `1.5e+20`, with a sign and at least two digits.
pub(crate) fn print_shortest(
    scientific: &str,
    exponent_max: i32,
    f: &mut fmt::Formatter<'_>,
    plainly: impl FnOnce(&mut fmt::Formatter<'_>) -> fmt::Result,
) -> fmt::Result {
    let (digits, exponent) = scientific.split_once('e').unwrap_or((scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (EXPONENT_MIN..exponent_max).contains(&exponent) {
        return plainly(f);
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    write!(f, "{digits}e{sign}{:02}", exponent.unsigned_abs())
}

/// Reads a double. `Infinity`, `inf` and `NaN` in any case, with a sign.
pub(crate) fn parse(text: &str) -> Result<f64, ParseError> {
    let number = text.trim();
    let double: f64 = number.parse().map_err(|_| {
        error(
            text,
            ParseErrorKind::Syntax(Cow::Borrowed("expected a number")),
        )
    })?;
    let overflowed = double.is_infinite() && number.bytes().any(|byte| byte.is_ascii_digit());
    if overflowed || (double == 0.0 && has_nonzero_digit(number)) {
        return Err(error(text, ParseErrorKind::OutOfRange));
    }
    Ok(double)
}

/// Whether the digits before the exponent are not all zero.
fn has_nonzero_digit(number: &str) -> bool {
    let mantissa = number.split(['e', 'E']).next().unwrap_or(number);
    mantissa.bytes().any(|byte| (b'1'..=b'9').contains(&byte))
}

fn error(text: &str, kind: ParseErrorKind) -> ParseError {
    let position = text.len() - text.trim_start().len();
    ParseError::new(&DataType::Double, text, position, kind)
}

#[cfg(test)]
mod tests;

//! Booleans and integers: their text forms, and how integers compare with doubles.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::num::IntErrorKind;
use std::str::FromStr;

use crate::data_type::DataType;
use crate::error::{ParseError, ParseErrorKind};

/// Compares an integer with a double by what they stand for, exactly. NaN is greater than every integer.
pub(crate) fn compare(integer: i128, double: f64) -> Ordering {
    /// Beyond this every double is a whole number that no 64-bit integer reaches.
    const REACH: f64 = 18_446_744_073_709_551_616.0;
    if double.is_nan() || double >= REACH {
        return Ordering::Less;
    }
    if double < -REACH {
        return Ordering::Greater;
    }
    let whole = double.floor();
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a whole number below 2^65 in magnitude, as checked above"
    )]
    let by_whole = integer.cmp(&(whole as i128));
    by_whole.then(if double > whole {
        Ordering::Less
    } else {
        Ordering::Equal
    })
}

/// Reads a boolean: `true`, `yes`, `on`, `1`, their opposites, and unique beginnings of them, in any case.
pub(crate) fn parse_boolean(text: &str) -> Result<bool, ParseError> {
    let word = text.trim().to_ascii_lowercase();
    let starts = |full: &str, least: usize| word.len() >= least && full.starts_with(&word);
    if starts("true", 1) || starts("yes", 1) || word == "on" || word == "1" {
        return Ok(true);
    }
    if starts("false", 1) || starts("no", 1) || starts("off", 2) || word == "0" {
        return Ok(false);
    }
    let kind = ParseErrorKind::Syntax(Cow::Borrowed("expected true or false"));
    Err(ParseError::new(&DataType::Boolean, text, 0, kind))
}

/// Reads an INTEGER.
pub(crate) fn parse_integer(text: &str) -> Result<i32, ParseError> {
    parse_whole(&DataType::Integer, text)
}

/// Reads a BIGINT.
pub(crate) fn parse_bigint(text: &str) -> Result<i64, ParseError> {
    parse_whole(&DataType::BigInt, text)
}

fn parse_whole<T: FromStr<Err = std::num::ParseIntError>>(
    data_type: &DataType,
    text: &str,
) -> Result<T, ParseError> {
    text.trim().parse().map_err(|why: std::num::ParseIntError| {
        let kind = match why.kind() {
            IntErrorKind::PosOverflow | IntErrorKind::NegOverflow => ParseErrorKind::OutOfRange,
            _ => ParseErrorKind::Syntax(Cow::Borrowed("expected a whole number")),
        };
        ParseError::new(data_type, text, first_non_digit(text), kind)
    })
}

/// Byte position of the first character that cannot be part of a whole number.
fn first_non_digit(text: &str) -> usize {
    let blank = text.len() - text.trim_start().len();
    let sign = usize::from(text[blank..].starts_with(['+', '-']));
    let digits = &text[blank + sign..];
    let len = digits.find(|c: char| !c.is_ascii_digit());
    blank + sign + len.unwrap_or(digits.len())
}

#[cfg(test)]
mod tests;

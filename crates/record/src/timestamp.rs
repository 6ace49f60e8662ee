//! Timestamps as text: `2024-02-29 13:37:00.5`.
//!
//! The range is that of the SQL standard, the years 1 to 9999; PostgreSQL's is wider. A zone in the input converts to
//! UTC, where PostgreSQL drops it without a word.

use std::borrow::Cow;
use std::fmt;

use drystone_base::Timestamp;
use jiff::SignedDuration;
use jiff::civil::{Date, DateTime};

use crate::data_type::DataType;
use crate::error::{ParseError, ParseErrorKind};

/// The first: 0001-01-01 00:00:00.
pub const TIMESTAMP_MIN: Timestamp = Timestamp(-62_135_596_800_000_000);
/// The last: 9999-12-31 23:59:59.999999.
pub const TIMESTAMP_MAX: Timestamp = Timestamp(253_402_300_799_999_999);

/// 1970-01-01 00:00:00.
const EPOCH: DateTime = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);

/// Whether it is within [`TIMESTAMP_MIN`] and [`TIMESTAMP_MAX`].
pub(crate) fn in_range(timestamp: Timestamp) -> bool {
    (TIMESTAMP_MIN..=TIMESTAMP_MAX).contains(&timestamp)
}

/// Prints date, time and as many digits of the second as are not zero. One outside the range, which no table holds,
/// as its microseconds.
pub(crate) fn print(timestamp: Timestamp, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let Ok(time) = EPOCH.checked_add(SignedDuration::from_micros(timestamp.0)) else {
        return write!(f, "{} µs since 1970", timestamp.0);
    };
    let (year, month, day) = (time.year(), time.month(), time.day());
    let (hour, minute, second) = (time.hour(), time.minute(), time.second());
    write!(
        f,
        "{year:04}-{month:02}-{day:02} {hour:02}:{minute:02}:{second:02}"
    )?;
    match timestamp.0.rem_euclid(1_000_000) {
        0 => Ok(()),
        micros => f.write_str(format!(".{micros:06}").trim_end_matches('0')),
    }
}

/// Reads a date, or a date and a time apart by a blank or `T`, or those and a zone offset. More than six digits of the second
/// are rounded to the nearest microsecond, as in PostgreSQL.
pub(crate) fn parse(text: &str) -> Result<Timestamp, ParseError> {
    let time = text.trim();
    let shape = Shape::of(time).ok_or_else(|| syntax(text, "expected YYYY-MM-DD HH:MM:SS"))?;
    let civil: DateTime = match shape.time {
        None => shape
            .date
            .parse::<Date>()
            .map(|date| date.at(0, 0, 0, 0))
            .map_err(|_| bad_field(text))?,
        Some(_) => shape.civil.parse().map_err(|_| bad_field(text))?,
    };
    let nanos = civil.duration_since(EPOCH).as_nanos();
    let micros = nanos.div_euclid(1000) + i128::from(nanos.rem_euclid(1000) >= 500);
    let micros = micros - i128::from(shape.offset_seconds) * 1_000_000;
    i64::try_from(micros)
        .ok()
        .map(Timestamp)
        .filter(|timestamp| in_range(*timestamp))
        .ok_or_else(|| out_of_range(text))
}

/// A timestamp's text, taken apart.
struct Shape<'a> {
    date: &'a str,
    time: Option<&'a str>,
    /// Date and time without the zone.
    civil: &'a str,
    offset_seconds: i32,
}

impl Shape<'_> {
    /// `None` when it does not look like a timestamp at all.
    fn of(text: &str) -> Option<Shape<'_>> {
        let Some(split) = text.find([' ', 'T', 't']) else {
            return is_date(text).then_some(Shape {
                date: text,
                time: None,
                civil: text,
                offset_seconds: 0,
            });
        };
        let (date, rest) = (&text[..split], &text[split + 1..]);
        let zone = rest.find(['+', '-', 'Z', 'z']).unwrap_or(rest.len());
        let time = rest[..zone].trim_end();
        let looks_right = is_date(date) && time.starts_with(|c: char| c.is_ascii_digit());
        let offset_seconds = zone_offset(&rest[zone..])?;
        looks_right.then_some(Shape {
            date,
            time: Some(time),
            civil: &text[..split + 1 + time.len()],
            offset_seconds,
        })
    }
}

/// Whether it is digits and dashes, beginning with four digits and a dash.
fn is_date(text: &str) -> bool {
    let bytes = text.as_bytes();
    bytes.len() > 4
        && bytes[..4].iter().all(u8::is_ascii_digit)
        && bytes[4] == b'-'
        && bytes
            .iter()
            .all(|byte| byte.is_ascii_digit() || *byte == b'-')
}

/// Seconds east of UTC of nothing, `Z`, `+HH`, `+HHMM` or `+HH:MM`.
fn zone_offset(zone: &str) -> Option<i32> {
    let sign = match zone.bytes().next() {
        None => return Some(0),
        Some(b'Z' | b'z') if zone.len() == 1 => return Some(0),
        Some(b'+') => 1,
        Some(b'-') => -1,
        Some(_) => return None,
    };
    let digits = zone[1..].replace(':', "");
    let number: i32 = match digits.len() {
        2 | 4 if digits.bytes().all(|byte| byte.is_ascii_digit()) => digits.parse().ok()?,
        _ => return None,
    };
    let (hours, minutes) = match digits.len() {
        2 => (number, 0),
        _ => (number / 100, number % 100),
    };
    (hours < 16 && minutes < 60).then_some(sign * (hours * 60 + minutes) * 60)
}

/// It has the shape of a timestamp, but a field that no calendar has.
fn bad_field(text: &str) -> ParseError {
    match text.bytes().filter(u8::is_ascii_digit).count() {
        8.. => out_of_range(text),
        _ => syntax(text, "expected YYYY-MM-DD HH:MM:SS"),
    }
}

fn out_of_range(text: &str) -> ParseError {
    ParseError::new(&DataType::Timestamp, text, 0, ParseErrorKind::OutOfRange)
}

fn syntax(text: &str, expected: &'static str) -> ParseError {
    let kind = ParseErrorKind::Syntax(Cow::Borrowed(expected));
    let position = text.len() - text.trim_start().len();
    ParseError::new(&DataType::Timestamp, text, position, kind)
}

#[cfg(test)]
mod tests;

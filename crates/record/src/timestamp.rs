//! Timestamps as text: `2024-02-29 13:37:00.5`.
//!
//! The range is that of the SQL standard, the years 1 to 9999; PostgreSQL's is wider. A zone in the input converts to
//! UTC, where PostgreSQL drops it without a word.

use std::borrow::Cow;
use std::fmt;
use std::ops::RangeInclusive;

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

const MICROS: i64 = 1_000_000;
const DAY_SECONDS: i64 = 86_400;
/// No zone is further from UTC.
const ZONE_HOURS_MAX: i64 = 15;

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

/// Reads a date, or a date and a time apart by a blank or `T`, or those and a zone (`Z`, `UTC`, `+HH`, `+HHMM` or
/// `+HH:MM`). More than six digits of the second are rounded to the nearest microsecond.
pub(crate) fn parse(text: &str) -> Result<Timestamp, ParseError> {
    let mut fields = Fields::new(text);
    let date = fields.date()?;
    let since_midnight = match fields.is_done() {
        true => 0,
        false => fields.time()? - fields.zone_micros()?,
    };
    fields.end()?;
    let midnight = date.at(0, 0, 0, 0).duration_since(EPOCH).as_micros();
    i64::try_from(midnight + i128::from(since_midnight))
        .ok()
        .map(Timestamp)
        .filter(|timestamp| in_range(*timestamp))
        .ok_or_else(|| fields.error(ParseErrorKind::OutOfRange))
}

/// A timestamp's text, read from front to back.
struct Fields<'a> {
    text: &'a str,
    /// Where the next field begins.
    position: usize,
}

impl<'a> Fields<'a> {
    fn new(text: &'a str) -> Fields<'a> {
        let position = text.len() - text.trim_start().len();
        Fields { text, position }
    }

    /// `YYYY-MM-DD`; month and day may have one digit.
    fn date(&mut self) -> Result<Date, ParseError> {
        let year = self.number(4..=4, "a year of four digits")?;
        self.expect("-", "-")?;
        let month = self.number(1..=2, "a month")?;
        self.expect("-", "-")?;
        let day = self.number(1..=2, "a day")?;
        i8::try_from(month)
            .ok()
            .zip(i8::try_from(day).ok())
            .zip(i16::try_from(year).ok())
            .and_then(|((month, day), year)| Date::new(year, month, day).ok())
            .ok_or_else(|| self.error(ParseErrorKind::OutOfRange))
    }

    /// `T` or blanks, then `HH:MM` or `HH:MM:SS.ffffff`, in microseconds. 24:00:00 is the end of the day.
    fn time(&mut self) -> Result<i64, ParseError> {
        let blanks = self.skip_blanks();
        if blanks == 0 && !self.eat("T") && !self.eat("t") {
            return Err(self.syntax("a blank or T"));
        }
        let hour = self.number(1..=2, "an hour")?;
        self.expect(":", ":")?;
        let minute = self.number(1..=2, "a minute")?;
        let (second, micros) = match self.eat(":") {
            true => (self.number(1..=2, "a second")?, self.fraction()?),
            false => (0, 0),
        };
        let total = (hour * 3600 + minute * 60 + second) * MICROS + micros;
        if minute > 59 || second > 60 || total > DAY_SECONDS * MICROS {
            return Err(self.error(ParseErrorKind::OutOfRange));
        }
        Ok(total)
    }

    /// What follows the second: nothing, or a point and digits, in microseconds.
    fn fraction(&mut self) -> Result<i64, ParseError> {
        if !self.eat(".") {
            return Ok(0);
        }
        let digits = self.digits();
        if digits.is_empty() {
            return Err(self.syntax("digits after the point"));
        }
        let digit =
            |idx: usize| i64::from(digits.as_bytes().get(idx).map_or(0, |byte| byte - b'0'));
        let micros = (0..6).fold(0, |micros, idx| micros * 10 + digit(idx));
        Ok(micros + i64::from(digit(6) >= 5))
    }

    /// The zone's distance east of UTC in microseconds: 0 where there is none.
    fn zone_micros(&mut self) -> Result<i64, ParseError> {
        self.skip_blanks();
        if self.is_done()
            || ["Z", "z", "UTC", "utc"]
                .into_iter()
                .any(|zone| self.eat(zone))
        {
            return Ok(0);
        }
        let sign = match (self.eat("+"), self.eat("-")) {
            (true, _) => 1,
            (_, true) => -1,
            _ => return Err(self.syntax("a zone as +HH:MM or Z")),
        };
        let hours = self.number(1..=2, "the zone's hours")?;
        let minutes = match self.eat(":") || !self.digits_ahead().is_empty() {
            true => self.number(2..=2, "the zone's minutes")?,
            false => 0,
        };
        if hours > ZONE_HOURS_MAX || minutes > 59 {
            return Err(self.error(ParseErrorKind::OutOfRange));
        }
        Ok(sign * (hours * 3600 + minutes * 60) * MICROS)
    }

    fn end(&mut self) -> Result<(), ParseError> {
        self.skip_blanks();
        match self.is_done() {
            true => Ok(()),
            false => Err(self.syntax("the end")),
        }
    }

    fn rest(&self) -> &'a str {
        &self.text[self.position..]
    }

    fn is_done(&self) -> bool {
        self.rest().trim_end().is_empty()
    }

    fn skip_blanks(&mut self) -> usize {
        let blanks = self.rest().len() - self.rest().trim_start().len();
        self.position += blanks;
        blanks
    }

    fn eat(&mut self, word: &str) -> bool {
        let found = self.rest().starts_with(word);
        self.position += if found { word.len() } else { 0 };
        found
    }

    fn expect(&mut self, word: &str, expected: &'static str) -> Result<(), ParseError> {
        match self.eat(word) {
            true => Ok(()),
            false => Err(self.syntax(expected)),
        }
    }

    fn digits_ahead(&self) -> &'a str {
        let rest = self.rest();
        let len = rest.bytes().position(|byte| !byte.is_ascii_digit());
        &rest[..len.unwrap_or(rest.len())]
    }

    fn digits(&mut self) -> &'a str {
        let digits = self.digits_ahead();
        self.position += digits.len();
        digits
    }

    /// A number of so many digits; of a longer run, the first.
    fn number(
        &mut self,
        lens: RangeInclusive<usize>,
        expected: &'static str,
    ) -> Result<i64, ParseError> {
        let digits = self.digits_ahead();
        let digits = &digits[..digits.len().min(*lens.end())];
        match digits.parse() {
            Ok(number) if digits.len() >= *lens.start() => {
                self.position += digits.len();
                Ok(number)
            }
            _ => Err(self.syntax(expected)),
        }
    }

    fn syntax(&self, expected: &'static str) -> ParseError {
        let expected = format!("expected {expected}, as in 2024-02-29 13:37:00");
        self.error(ParseErrorKind::Syntax(Cow::Owned(expected)))
    }

    fn error(&self, kind: ParseErrorKind) -> ParseError {
        ParseError::new(&DataType::Timestamp, self.text, self.position, kind)
    }
}

#[cfg(test)]
mod tests;

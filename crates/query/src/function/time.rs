//! Timestamps: now, their parts, and making them.

use drystone_record::{Timestamp, Value};
use jiff::civil::{Date, DateTime};

use crate::eval_error::EvalError;
use crate::function::calendar::{OUT_OF_RANGE, civil, in_range, micros, timestamp};
use crate::function::to_char::to_char;
use crate::function::{DOUBLE, Definition, EvalContext, INTEGER, TEXT, TIMESTAMP, mismatch, take};

pub(super) const FUNCTIONS: &[Definition] = &[
    Definition::new("now", &[], TIMESTAMP, now).stable(),
    Definition::new("transaction_timestamp", &[], TIMESTAMP, now).stable(),
    Definition::new("clock_timestamp", &[], TIMESTAMP, clock_timestamp).volatile(),
    Definition::new("date_trunc", &[TEXT, TIMESTAMP], TIMESTAMP, date_trunc),
    Definition::new("date_part", &[TEXT, TIMESTAMP], DOUBLE, date_part),
    Definition::new("to_timestamp", &[DOUBLE], TIMESTAMP, to_timestamp),
    Definition::new(
        "make_timestamp",
        &[INTEGER, INTEGER, INTEGER, INTEGER, INTEGER, DOUBLE],
        TIMESTAMP,
        make_timestamp,
    ),
    Definition::new("to_char", &[TIMESTAMP, TEXT], TEXT, |args, _| {
        take!(args, Timestamp(timestamp), Text(pattern));
        to_char(*timestamp, pattern).map(Value::from)
    }),
];

const MICROS: f64 = 1e6;

fn now(_: &[Value], context: &EvalContext) -> Result<Value, EvalError> {
    Ok(Value::Timestamp(context.now))
}

fn clock_timestamp(_: &[Value], context: &EvalContext) -> Result<Value, EvalError> {
    Ok(Value::Timestamp(context.env.clock.now()))
}

/// A part of a date or time.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Unit {
    Microseconds,
    Milliseconds,
    Second,
    Minute,
    Hour,
    Day,
    Week,
    Month,
    Quarter,
    Year,
    Decade,
    Century,
    Millennium,
    Epoch,
    DayOfWeek,
    IsoDayOfWeek,
    DayOfYear,
    IsoYear,
    Julian,
}

impl Unit {
    fn of_name(name: &str) -> Result<Unit, EvalError> {
        Ok(match name.trim().to_lowercase().as_str() {
            "microseconds" | "microsecond" | "us" | "usec" | "usecs" => Unit::Microseconds,
            "milliseconds" | "millisecond" | "ms" | "msec" | "msecs" => Unit::Milliseconds,
            "second" | "seconds" | "sec" | "secs" | "s" => Unit::Second,
            "minute" | "minutes" | "min" | "mins" | "m" => Unit::Minute,
            "hour" | "hours" | "hr" | "hrs" | "h" => Unit::Hour,
            "day" | "days" | "d" => Unit::Day,
            "week" | "weeks" | "w" => Unit::Week,
            "month" | "months" | "mon" | "mons" => Unit::Month,
            "quarter" | "qtr" => Unit::Quarter,
            "year" | "years" | "yr" | "yrs" | "y" => Unit::Year,
            "decade" | "decades" | "dec" | "decs" => Unit::Decade,
            "century" | "centuries" | "cent" | "c" => Unit::Century,
            "millennium" | "millennia" | "mil" | "mils" => Unit::Millennium,
            "epoch" => Unit::Epoch,
            "dow" => Unit::DayOfWeek,
            "isodow" => Unit::IsoDayOfWeek,
            "doy" => Unit::DayOfYear,
            "isoyear" => Unit::IsoYear,
            "julian" | "jd" | "j" => Unit::Julian,
            _ => return Err(unrecognized(name)),
        })
    }
}

fn unrecognized(name: &str) -> EvalError {
    EvalError::Unrecognized {
        what: "unit",
        found: name.to_owned(),
    }
}

/// The start of the unit of time that the timestamp is in.
fn date_trunc(args: &[Value], _: &EvalContext) -> Result<Value, EvalError> {
    take!(args, Text(name), Timestamp(value));
    let at = civil(*value)?;
    let truncated = match Unit::of_name(name)? {
        Unit::Microseconds => at,
        Unit::Milliseconds => with_micros(at, micros(at) / 1000 * 1000),
        Unit::Second => with_micros(at, 0),
        Unit::Minute => at.date().at(at.hour(), at.minute(), 0, 0),
        Unit::Hour => at.date().at(at.hour(), 0, 0, 0),
        Unit::Day => at.date().at(0, 0, 0, 0),
        Unit::Week => monday(at.date())?.at(0, 0, 0, 0),
        Unit::Month => start(at.year(), at.month())?,
        Unit::Quarter => start(at.year(), (at.month() - 1) / 3 * 3 + 1)?,
        Unit::Year => start(at.year(), 1)?,
        Unit::Decade => start(at.year().div_euclid(10) * 10, 1)?,
        Unit::Century => start((at.year() - 1).div_euclid(100) * 100 + 1, 1)?,
        Unit::Millennium => start((at.year() - 1).div_euclid(1000) * 1000 + 1, 1)?,
        Unit::Epoch
        | Unit::DayOfWeek
        | Unit::IsoDayOfWeek
        | Unit::DayOfYear
        | Unit::IsoYear
        | Unit::Julian => return Err(unrecognized(name)),
    };
    timestamp(truncated).map(Value::Timestamp)
}

fn with_micros(at: DateTime, micros: i32) -> DateTime {
    at.date()
        .at(at.hour(), at.minute(), at.second(), micros * 1000)
}

fn monday(date: Date) -> Result<Date, EvalError> {
    let days = i64::from(date.weekday().to_monday_zero_offset());
    date.checked_sub(jiff::Span::new().days(days))
        .map_err(|_| OUT_OF_RANGE)
}

/// Midnight of the first of a month.
fn start(year: i16, month: i8) -> Result<DateTime, EvalError> {
    let first = Date::new(year, month, 1).map_err(|_| OUT_OF_RANGE)?;
    Ok(first.at(0, 0, 0, 0))
}

/// One part of the timestamp, as a number.
fn date_part(args: &[Value], _: &EvalContext) -> Result<Value, EvalError> {
    take!(args, Text(name), Timestamp(value));
    let unit = Unit::of_name(name)?;
    let at = civil(*value)?;
    let in_second = f64::from(at.second()) * MICROS + f64::from(micros(at));
    let year = i32::from(at.year());
    let part = match unit {
        Unit::Microseconds => in_second,
        Unit::Milliseconds => in_second / 1000.0,
        Unit::Second => in_second / MICROS,
        Unit::Epoch => seconds(*value),
        Unit::Julian => {
            let of_day = (seconds(*value) / DAY_SECONDS).rem_euclid(1.0);
            f64::from(julian_day(at.date())) + of_day
        }
        whole => f64::from(match whole {
            Unit::Minute => i32::from(at.minute()),
            Unit::Hour => i32::from(at.hour()),
            Unit::Day => i32::from(at.day()),
            Unit::Week => i32::from(at.date().iso_week_date().week()),
            Unit::Month => i32::from(at.month()),
            Unit::Quarter => i32::from((at.month() - 1) / 3 + 1),
            Unit::Decade => year.div_euclid(10),
            Unit::Century => (year + 99) / 100,
            Unit::Millennium => (year + 999) / 1000,
            Unit::DayOfWeek => i32::from(at.weekday().to_sunday_zero_offset()),
            Unit::IsoDayOfWeek => i32::from(at.weekday().to_monday_one_offset()),
            Unit::DayOfYear => i32::from(at.day_of_year()),
            Unit::IsoYear => i32::from(at.date().iso_week_date().year()),
            _ => year,
        }),
    };
    Ok(Value::Double(part))
}

const DAY_SECONDS: f64 = 86_400.0;

/// Seconds since 1970.
#[expect(
    clippy::cast_precision_loss,
    reason = "microseconds of the years 1 to 9999 take 59 bits: the nearest double is what SQL asks for"
)]
fn seconds(timestamp: Timestamp) -> f64 {
    timestamp.0 as f64 / MICROS
}

/// Number of a day in the count that astronomers use.
pub(super) fn julian_day(date: Date) -> i32 {
    /// That of 1970-01-01.
    const EPOCH_DAY: i32 = 2_440_588;
    let epoch = Date::constant(1970, 1, 1);
    let days = date.duration_since(epoch).as_hours() / 24;
    EPOCH_DAY + i32::try_from(days).expect("a date is within some millions of days of 1970")
}

/// Seconds since 1970 as a timestamp, rounded to the microsecond.
fn to_timestamp(args: &[Value], _: &EvalContext) -> Result<Value, EvalError> {
    take!(args, Double(seconds));
    rounded_micros(seconds * MICROS)
        .and_then(|micros| in_range(Timestamp(micros)))
        .map(Value::Timestamp)
}

fn rounded_micros(micros: f64) -> Result<i64, EvalError> {
    let rounded = micros.round_ties_even();
    match rounded.abs() < 1e18 {
        #[expect(clippy::cast_possible_truncation, reason = "below 10^18 in magnitude")]
        true => Ok(rounded as i64),
        false => Err(OUT_OF_RANGE),
    }
}

fn make_timestamp(args: &[Value], _: &EvalContext) -> Result<Value, EvalError> {
    let [
        Value::Integer(year),
        Value::Integer(month),
        Value::Integer(day),
        Value::Integer(hour),
        Value::Integer(minute),
        Value::Double(second),
    ] = args
    else {
        return Err(mismatch(args));
    };
    let small = |number: &i32| i8::try_from(*number).map_err(|_| OUT_OF_RANGE);
    let year = i16::try_from(*year).map_err(|_| OUT_OF_RANGE)?;
    let date = Date::new(year, small(month)?, small(day)?).map_err(|_| OUT_OF_RANGE)?;
    let fits = (0..24).contains(hour) && (0..60).contains(minute) && (0.0..=60.0).contains(second);
    if !fits {
        return Err(OUT_OF_RANGE);
    }
    let midnight = timestamp(date.at(0, 0, 0, 0))?;
    let minutes = i64::from(hour * 60 + minute);
    let micros = rounded_micros(second * MICROS)?;
    in_range(Timestamp(midnight.0 + minutes * 60_000_000 + micros)).map(Value::Timestamp)
}

//! Timestamps as dates and times of day, and back.

use drystone_record::{DataType, TIMESTAMP_MAX, TIMESTAMP_MIN, Timestamp};
use jiff::SignedDuration;
use jiff::civil::DateTime;

use crate::eval_error::EvalError;

const EPOCH: DateTime = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);

pub(super) const OUT_OF_RANGE: EvalError = EvalError::OutOfRange(DataType::Timestamp);

/// The date and time of a timestamp.
pub(super) fn civil(timestamp: Timestamp) -> Result<DateTime, EvalError> {
    EPOCH
        .checked_add(SignedDuration::from_micros(timestamp.0))
        .map_err(|_| OUT_OF_RANGE)
}

/// The timestamp of a date and time.
pub(super) fn timestamp(civil: DateTime) -> Result<Timestamp, EvalError> {
    i64::try_from(civil.duration_since(EPOCH).as_micros())
        .map_err(|_| OUT_OF_RANGE)
        .and_then(|micros| in_range(Timestamp(micros)))
}

/// A timestamp that a table can hold.
pub(super) fn in_range(timestamp: Timestamp) -> Result<Timestamp, EvalError> {
    match (TIMESTAMP_MIN..=TIMESTAMP_MAX).contains(&timestamp) {
        true => Ok(timestamp),
        false => Err(OUT_OF_RANGE),
    }
}

/// Microseconds past the whole second.
pub(super) fn micros(civil: DateTime) -> i32 {
    civil.subsec_nanosecond() / 1000
}

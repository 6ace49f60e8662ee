//! Timestamps as text, against what PostgreSQL 15 prints and takes.

use super::*;
use crate::value::Value;

fn check(text: &str, expected: &str) {
    let timestamp = parse(text).unwrap_or_else(|why| panic!("{why}"));
    assert_eq!(Value::Timestamp(timestamp).to_string(), expected, "{text}");
}

#[test]
fn dates_times_and_zones_are_read() {
    check("2024-02-29", "2024-02-29 00:00:00");
    check(" 2024-2-9 ", "2024-02-09 00:00:00");
    check("2024-02-29T13:37", "2024-02-29 13:37:00");
    check("2024-02-29 1:2:3", "2024-02-29 01:02:03");
    check("2024-02-29 13:37:00.5", "2024-02-29 13:37:00.5");
    check("2024-02-29 13:37:00.1234564", "2024-02-29 13:37:00.123456");
    check("2024-02-29 13:37:00.1234567", "2024-02-29 13:37:00.123457");
    check("1969-12-31 23:59:59.9999999", "1970-01-01 00:00:00");
    check("1969-12-31 23:59:59.000001", "1969-12-31 23:59:59.000001");
    check("2024-02-29 24:00:00", "2024-03-01 00:00:00");
    check("2024-02-29 23:59:60", "2024-03-01 00:00:00");
    check("2024-02-29 13:37:00 UTC", "2024-02-29 13:37:00");
    check("2024-02-29T13:37:00Z", "2024-02-29 13:37:00");
    check("2024-02-29 00:30:00+02", "2024-02-28 22:30:00");
    check("2024-02-29 13:37-05:30", "2024-02-29 19:07:00");
    check("2024-02-29 13:37:00 +0100", "2024-02-29 12:37:00");
}

#[test]
fn the_range_is_the_years_1_to_9999() {
    check("0001-01-01", "0001-01-01 00:00:00");
    assert_eq!(parse("0001-01-01"), Ok(TIMESTAMP_MIN));
    assert_eq!(parse("9999-12-31 23:59:59.999999"), Ok(TIMESTAMP_MAX));
    assert_eq!(parse("1970-01-01"), Ok(Timestamp(0)));
    for text in [
        "0000-12-31",
        "9999-12-31 23:59:59.9999999",
        "0001-01-01 00:00+01",
        "2024-02-30",
        "2023-02-29",
        "2024-13-01",
        "2024-00-01",
        "2024-02-29 25:00",
        "2024-02-29 24:00:00.1",
        "2024-02-29 00:60",
        "2024-02-29 00:00:61",
        "2024-02-29 00:00+16",
    ] {
        assert_eq!(
            parse(text).unwrap_err().kind,
            ParseErrorKind::OutOfRange,
            "{text}"
        );
    }
}

#[test]
fn bad_timestamps_say_where() {
    for (text, position) in [
        ("", 0),
        ("foo", 0),
        ("24-02-29", 0),
        ("2024/02/29", 4),
        ("2024-02-", 8),
        ("20240229", 4),
        ("2024-02-29x", 10),
        ("2024-02-29 13", 13),
        ("2024-02-29 13:37:00.", 20),
        ("2024-02-29 13:37:00 CET", 20),
        ("2024-02-29 13:37:00Z!", 20),
        ("2024-02-29 13:37:00+0100x", 24),
        ("12024-02-29", 4),
    ] {
        assert_eq!(parse(text).unwrap_err().position, position, "{text}");
    }
}

#[test]
fn any_number_of_microseconds_prints() {
    let printed = |micros| Value::Timestamp(Timestamp(micros)).to_string();
    assert_eq!(printed(i64::MAX), "9223372036854775807 µs since 1970");
    assert_eq!(printed(i64::MIN), "-9223372036854775808 µs since 1970");
    assert_eq!(printed(-1), "1969-12-31 23:59:59.999999");
}

//! Doubles as text, against what PostgreSQL 15 prints and takes.

use crate::error::ParseErrorKind;
use crate::value::Value;

use super::*;

fn printed(double: f64) -> String {
    Value::Double(double).to_string()
}

#[test]
fn doubles_print_as_in_postgresql() {
    for (double, expected) in [
        (0.0, "0"),
        (-0.0, "-0"),
        (0.1, "0.1"),
        (1.0, "1"),
        (100_000.0, "100000"),
        (999_999_999_999_999.0, "999999999999999"),
        (1e15, "1e+15"),
        (-1e15, "-1e+15"),
        (1e20, "1e+20"),
        (123_456_789_012_345_680.0, "1.2345678901234568e+17"),
        (1e-4, "0.0001"),
        (0.000_123_45, "0.00012345"),
        (1e-5, "1e-05"),
        (1.5e-5, "1.5e-05"),
        (1e300, "1e+300"),
        (5e-324, "5e-324"),
        (f64::MAX, "1.7976931348623157e+308"),
        (f64::INFINITY, "Infinity"),
        (f64::NEG_INFINITY, "-Infinity"),
        (f64::NAN, "NaN"),
    ] {
        assert_eq!(printed(double), expected);
    }
}

#[test]
fn doubles_are_read_as_in_postgresql() {
    for (text, expected) in [
        (" 1.5 ", 1.5),
        (".5", 0.5),
        ("5.", 5.0),
        ("-1e3", -1000.0),
        ("Infinity", f64::INFINITY),
        ("-inf", f64::NEG_INFINITY),
        ("0e400", 0.0),
        ("-0.0", 0.0),
    ] {
        assert_eq!(parse(text), Ok(expected), "{text}");
    }
    assert!(parse("nan").unwrap().is_nan());
}

#[test]
fn bad_doubles_are_errors() {
    for text in ["1e400", "-1e400", "1e-400"] {
        assert_eq!(
            parse(text).unwrap_err().kind,
            ParseErrorKind::OutOfRange,
            "{text}"
        );
    }
    for text in ["", "1.5x", "e5", "0x10", "1_000", "--1"] {
        let kind = parse(text).unwrap_err().kind;
        assert!(matches!(kind, ParseErrorKind::Syntax(_)), "{text}");
    }
}

#[test]
fn ordered_bits_ascend() {
    let ascending = [
        f64::NEG_INFINITY,
        f64::MIN,
        -1.0,
        -f64::MIN_POSITIVE,
        -5e-324,
        0.0,
        5e-324,
        1.0,
        f64::MAX,
        f64::INFINITY,
        f64::NAN,
    ];
    for pair in ascending.windows(2) {
        assert!(ordered_bits(pair[0]) < ordered_bits(pair[1]), "{pair:?}");
        assert_eq!(compare(pair[0], pair[1]), Ordering::Less, "{pair:?}");
    }
    assert_eq!(ordered_bits(-0.0), ordered_bits(0.0));
    assert_eq!(ordered_bits(-f64::NAN), ordered_bits(f64::NAN));
}

#[test]
fn only_the_one_zero_and_nan_are_decoded() {
    assert_eq!(from_ordered_bits(ordered_bits(-2.5)), Some(-2.5));
    assert!(from_ordered_bits(ordered_bits(f64::NAN)).unwrap().is_nan());
    assert_eq!(from_ordered_bits(!(-0.0f64).to_bits()), None);
    assert_eq!(from_ordered_bits(u64::MAX), None);
    assert_eq!(from_ordered_bits(0), None);
}

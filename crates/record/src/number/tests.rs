//! Booleans and integers as text; integers beside doubles.

use std::cmp::Ordering::{Equal, Greater, Less};

use super::*;

#[test]
fn booleans_are_read_from_words_and_their_beginnings() {
    for text in ["t", "tru", "TRUE", " yes", "ye", "on", "1"] {
        assert_eq!(parse_boolean(text), Ok(true), "{text}");
    }
    for text in ["f", "false ", "n", "No", "of", "off", "0"] {
        assert_eq!(parse_boolean(text), Ok(false), "{text}");
    }
    for text in ["", "o", "truer", "2", "ja"] {
        assert!(parse_boolean(text).is_err(), "{text}");
    }
}

#[test]
fn integers_are_read_with_blanks_and_signs() {
    assert_eq!(parse_integer(" 12 "), Ok(12));
    assert_eq!(parse_integer("+12"), Ok(12));
    assert_eq!(parse_integer("-2147483648"), Ok(i32::MIN));
    assert_eq!(parse_bigint("9223372036854775807"), Ok(i64::MAX));
}

#[test]
fn bad_integers_say_where() {
    let error = |text| parse_integer(text).unwrap_err();
    assert_eq!(error("2147483648").kind, ParseErrorKind::OutOfRange);
    assert_eq!(
        error("2147483648").to_string(),
        "value \"2147483648\" is out of range for type integer"
    );
    assert_eq!(
        error(" 12a").to_string(),
        "invalid input syntax for type integer: \" 12a\", at byte 3: expected a whole number"
    );
    for (text, position) in [("", 0), ("-", 1), ("1.5", 1), ("- 1", 1), ("é", 0)] {
        assert_eq!(error(text).position, position, "{text}");
    }
}

#[test]
fn integers_compare_with_doubles_exactly() {
    let big = 1i128 << 53;
    for (integer, double, expected) in [
        (1, 1.0, Equal),
        (1, 1.5, Less),
        (2, 1.5, Greater),
        (-1, -1.5, Greater),
        (-2, -1.5, Less),
        (0, -0.0, Equal),
        (big, 9_007_199_254_740_992.0, Equal),
        (big + 1, 9_007_199_254_740_992.0, Greater),
        (i128::from(i64::MAX), 9_223_372_036_854_775_808.0, Less),
        (i128::from(i64::MIN), -9_223_372_036_854_775_808.0, Equal),
        (i128::from(u64::MAX), 18_446_744_073_709_551_616.0, Less),
        (5, f64::INFINITY, Less),
        (5, f64::NEG_INFINITY, Greater),
        (5, f64::NAN, Less),
    ] {
        assert_eq!(compare(integer, double), expected, "{integer} and {double}");
    }
}

//! Timestamps and `to_char`.

use super::*;

const AT: &str = "timestamp 2024-02-29 13:37:05.678901";

#[test]
fn now_is_the_transactions_time() {
    let time = "timestamp without time zone";
    assert_eq!(answer("now", &[]), format!("{time} 1970-01-01 00:00:01"));
    assert_eq!(
        answer("clock_timestamp", &[]),
        format!("{time} 1970-01-01 00:00:02")
    );
    let volatility = |name| resolve(name, &[]).unwrap().volatility();
    assert_eq!(volatility("now"), Volatility::Stable);
    assert_eq!(volatility("clock_timestamp"), Volatility::Volatile);
    assert_eq!(volatility("pi"), Volatility::Immutable);
}

#[test]
fn truncation() {
    for (unit, expected) in [
        ("microseconds", "2024-02-29 13:37:05.678901"),
        ("milliseconds", "2024-02-29 13:37:05.678"),
        ("second", "2024-02-29 13:37:05"),
        ("sec", "2024-02-29 13:37:05"),
        ("minute", "2024-02-29 13:37:00"),
        ("hour", "2024-02-29 13:00:00"),
        ("day", "2024-02-29 00:00:00"),
        ("week", "2024-02-26 00:00:00"),
        ("Month", "2024-02-01 00:00:00"),
        ("months", "2024-02-01 00:00:00"),
        ("quarter", "2024-01-01 00:00:00"),
        ("year", "2024-01-01 00:00:00"),
        ("decade", "2020-01-01 00:00:00"),
        ("century", "2001-01-01 00:00:00"),
        ("millennium", "2001-01-01 00:00:00"),
    ] {
        let found = answer("date_trunc", &[&format!("'{unit}'"), AT]);
        assert_eq!(
            found,
            format!("timestamp without time zone {expected}"),
            "{unit}"
        );
    }
    check(
        "timestamp without time zone",
        &[
            (
                "date_trunc",
                &["'century'", "timestamp 2000-06-01"],
                "1901-01-01 00:00:00",
            ),
            (
                "date_trunc",
                &["'week'", "timestamp 2021-01-03"],
                "2020-12-28 00:00:00",
            ),
            (
                "date_trunc",
                &["'ms'", "timestamp 1969-12-31 23:59:59.9999"],
                "1969-12-31 23:59:59.999",
            ),
            (
                "date_trunc",
                &["'decade'", "timestamp 0005-01-01"],
                "22008: timestamp without time zone out of range",
            ),
            (
                "date_trunc",
                &["'foo'", AT],
                "22023: unit \"foo\" not recognized",
            ),
            (
                "date_trunc",
                &["'epoch'", AT],
                "22023: unit \"epoch\" not recognized",
            ),
        ],
    );
}

#[test]
fn parts() {
    for (unit, expected) in [
        ("microseconds", "5678901"),
        ("milliseconds", "5678.901"),
        ("second", "5.678901"),
        ("minute", "37"),
        ("hours", "13"),
        ("day", "29"),
        ("week", "9"),
        ("month", "2"),
        ("qtr", "1"),
        ("years", "2024"),
        ("decade", "202"),
        ("century", "21"),
        ("millennium", "3"),
        ("epoch", "1709213825.678901"),
        ("dow", "4"),
        ("isodow", "4"),
        ("doy", "60"),
        ("isoyear", "2024"),
        ("julian", "2460370.567426839"),
    ] {
        let found = answer("date_part", &[&format!("'{unit}'"), AT]);
        assert_eq!(found, format!("double precision {expected}"), "{unit}");
    }
    check(
        "double precision",
        &[
            (
                "date_part",
                &["'epoch'", "timestamp 1969-12-31 23:59:59.5"],
                "-0.5",
            ),
            ("date_part", &["'week'", "timestamp 2021-01-03"], "53"),
            ("date_part", &["'isoyear'", "timestamp 2021-01-03"], "2020"),
            ("date_part", &["'century'", "timestamp 2000-01-01"], "20"),
            ("date_part", &["'century'", "timestamp 2001-01-01"], "21"),
            ("date_part", &["'millennium'", "timestamp 2000-01-01"], "2"),
            ("date_part", &["'dow'", "timestamp 2024-03-03"], "0"),
            ("date_part", &["'isodow'", "timestamp 2024-03-03"], "7"),
            (
                "date_part",
                &["'julian'", "timestamp 1969-12-31 12:00"],
                "2440587.5",
            ),
            (
                "date_part",
                &["'foo'", AT],
                "22023: unit \"foo\" not recognized",
            ),
        ],
    );
}

#[test]
fn making() {
    let out = "22008: timestamp without time zone out of range";
    let make = |month: &'static str, day: &'static str, hour, second: &'static str| {
        let args = ["int 2024", month, day, hour, "int 2", second];
        answer("make_timestamp", &args)
    };
    let made = "timestamp without time zone";
    assert_eq!(
        make("int 2", "int 29", "int 1", "double 3.5"),
        format!("{made} 2024-02-29 01:02:03.5")
    );
    assert_eq!(
        make("int 2", "int 29", "int 1", "double 60"),
        format!("{made} 2024-02-29 01:03:00")
    );
    assert_eq!(make("int 2", "int 30", "int 1", "double 3.5"), out);
    assert_eq!(make("int 200", "int 30", "int 1", "double 3.5"), out);
    assert_eq!(make("int 2", "int 29", "int 24", "double 3.5"), out);
    assert_eq!(make("int 2", "int 29", "int 1", "double NaN"), out);
    check(
        made,
        &[
            ("to_timestamp", &["double 1.5"], "1970-01-01 00:00:01.5"),
            ("to_timestamp", &["double -0.5"], "1969-12-31 23:59:59.5"),
            ("to_timestamp", &["double 1e300"], out),
            ("to_timestamp", &["double NaN"], out),
            ("to_timestamp", &["double 1e12"], out),
        ],
    );
}

#[test]
fn patterns() {
    for (pattern, expected) in [
        ("YYYY-MM-DD HH24:MI:SS", "2024-02-29 13:37:05"),
        ("yyyy-mm-dd hh24:mi:ss", "2024-02-29 13:37:05"),
        ("YYYY-MM-DD HH12:MI:SS AM", "2024-02-29 01:37:05 PM"),
        ("FMDay, DD FMMonth YYYY", "Thursday, 29 February 2024"),
        (
            "Day|Month|Dy|Mon|DAY|MONTH|",
            "Thursday |February |Thu|Feb|THURSDAY |FEBRUARY |",
        ),
        ("day|mon|MON|dy", "thursday |feb|FEB|thu"),
        ("FMHH:FMMI", "1:37"),
        ("MS US", "678 678901"),
        ("Q DDD WW IW D ID IYYY", "1 060 09 09 5 4 2024"),
        ("YY YYY Y", "24 024 4"),
        ("J CC", "2460370 21"),
        ("\"literal YYYY\" YYYY", "literal YYYY 2024"),
        ("HH24hMI", "13h37"),
        ("am pm a.m. P.M.", "pm pm p.m. P.M."),
        ("DDth Mon", "29th Feb"),
        ("FMDDth", "29th"),
        ("DDTH", "29TH"),
        ("SSSS SSSSS", "49025 49025"),
        ("Y,YYY", "2,024"),
        ("RM rm", "II   ii  "),
        ("TMMonth|", "February|"),
        ("FF3 FF6", "678 678901"),
        ("TZ", ""),
        ("W", "5"),
        ("BC AD", "AD AD"),
        ("xyz", "x4z"),
        ("FMMM/FMDD", "2/29"),
        ("Mth", "Mth"),
        ("IDDD IY I", "060 24 4"),
        ("\\\"YYYY\\\"", "\"2024\""),
        ("\"a\\\"b", "a\"b"),
        ("YYYYTmon", "2024Tfeb"),
        ("mONTH Hh Fm", "mONTH Hh Fm"),
        ("éM", "éM"),
        ("FM", ""),
        ("", ""),
    ] {
        let found = answer("to_char", &[AT, &format!("'{pattern}'")]);
        assert_eq!(found, format!("text {expected}"), "{pattern}");
    }
    check(
        "text",
        &[
            (
                "to_char",
                &[
                    "timestamp 2024-03-01 00:05:09",
                    "'HH HH12 HH24 AM FMHH24 FMSS DDth'",
                ],
                "12 12 00 AM 0 9 01st",
            ),
            (
                "to_char",
                &["timestamp 2024-03-02 12:05:09", "'HH12 PM DDth'"],
                "12 PM 02nd",
            ),
            (
                "to_char",
                &["timestamp 2024-03-13 12:05:09", "'DDth MMth'"],
                "13th 03rd",
            ),
        ],
    );
}

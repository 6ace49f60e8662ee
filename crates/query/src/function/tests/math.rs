//! Numbers, rounding, greatest and least.

use super::*;

#[test]
fn rounding() {
    check(
        "double precision",
        &[
            ("ceil", &["double 1.2"], "2"),
            ("ceiling", &["double -1.2"], "-1"),
            ("floor", &["double -1.2"], "-2"),
            ("round", &["double 2.5"], "2"),
            ("round", &["double -2.5"], "-2"),
            ("round", &["double 3.5"], "4"),
            ("round", &["int 5"], "5"),
            ("round", &["double 2.675", "int 2"], "2.68"),
            ("round", &["double -2.675", "int 2"], "-2.68"),
            ("round", &["double 1.005", "int 2"], "1.01"),
            ("round", &["double 1234.567", "int -2"], "1200"),
            ("round", &["int 15", "int -1"], "20"),
            ("round", &["double 9.99", "int 1"], "10"),
            ("round", &["double 99.5", "int 0"], "100"),
            ("round", &["double 0.5", "int 0"], "1"),
            ("round", &["double 0.05", "int 0"], "0"),
            ("round", &["double 6", "int -1"], "10"),
            ("round", &["double 4", "int -1"], "0"),
            ("round", &["double 40", "int -3"], "0"),
            ("round", &["double 1e300", "int 2"], "1e+300"),
            ("round", &["double 0", "int 2"], "0"),
            ("round", &["double 1.5", "int 2147483647"], "1.5"),
            ("round", &["double 1.5", "int -2147483648"], "0"),
            ("round", &["double NaN", "int 2"], "NaN"),
            ("round", &["double Infinity", "int 2"], "Infinity"),
            (
                "round",
                &["double 1.7e308", "int -308"],
                "22003: value out of range: overflow",
            ),
            ("trunc", &["double 1.79", "int 1"], "1.7"),
            ("trunc", &["double -1.7"], "-1"),
            ("trunc", &["double 1789.5", "int -2"], "1700"),
            ("trunc", &["double 0.29", "int 2"], "0.29"),
        ],
    );
}

#[test]
fn absolute_values_and_remainders() {
    check(
        "integer",
        &[
            ("abs", &["int -5"], "5"),
            ("abs", &["int -2147483648"], "22003: integer out of range"),
            ("mod", &["int 7", "int 3"], "1"),
            ("mod", &["int -7", "int 3"], "-1"),
            ("mod", &["int 7", "int 0"], "22012: division by zero"),
            ("mod", &["'7'", "int 3"], "1"),
            ("gcd", &["int 12", "int -18"], "6"),
            ("gcd", &["int 0", "int 0"], "0"),
            (
                "gcd",
                &["int -2147483648", "int 0"],
                "22003: integer out of range",
            ),
            ("lcm", &["int 4", "int 6"], "12"),
            ("lcm", &["int 0", "int 6"], "0"),
            (
                "lcm",
                &["int 2147483647", "int 2"],
                "22003: integer out of range",
            ),
        ],
    );
    check(
        "bigint",
        &[
            ("abs", &["bigint -5"], "5"),
            ("mod", &["int 7", "bigint 3"], "1"),
            ("div", &["bigint -7", "int 2"], "-3"),
            ("lcm", &["bigint 4", "int 6"], "12"),
        ],
    );
    check(
        "double precision",
        &[
            ("abs", &["double -5.5"], "5.5"),
            ("abs", &["'-5'"], "5"),
            ("mod", &["double 5.5", "int 2"], "1.5"),
            ("div", &["double -7.5", "int 2"], "-3"),
            ("sign", &["double -3.5"], "-1"),
            ("sign", &["int 0"], "0"),
            ("sign", &["double NaN"], "0"),
        ],
    );
}

#[test]
fn roots_powers_and_logarithms() {
    check(
        "double precision",
        &[
            ("sqrt", &["int 2"], "1.4142135623730951"),
            (
                "sqrt",
                &["int -1"],
                "2201F: cannot take square root of a negative number",
            ),
            ("cbrt", &["int 8"], "2"),
            ("power", &["int 2", "int 10"], "1024"),
            ("pow", &["int 2", "double 0.5"], "1.4142135623730951"),
            (
                "power",
                &["int 0", "int -1"],
                "2201F: zero raised to a negative power is undefined",
            ),
            ("exp", &["int 1"], "2.718281828459045"),
            ("exp", &["int 1000"], "22003: value out of range: overflow"),
            (
                "exp",
                &["int -1000"],
                "22003: value out of range: underflow",
            ),
            ("exp", &["double -Infinity"], "0"),
            ("ln", &["int 10"], "2.302585092994046"),
            ("ln", &["int 0"], "2201E: cannot take logarithm of zero"),
            (
                "ln",
                &["int -1"],
                "2201E: cannot take logarithm of a negative number",
            ),
            ("log", &["int 100"], "2"),
            ("log10", &["int 1000"], "3"),
            ("log", &["int 2", "int 8"], "3"),
            ("log", &["int 1", "int 8"], "22012: division by zero"),
            (
                "log",
                &["int 2", "int 0"],
                "2201E: cannot take logarithm of zero",
            ),
        ],
    );
}

#[test]
fn angles() {
    check(
        "double precision",
        &[
            ("pi", &[], "3.141592653589793"),
            ("sin", &["int 0"], "0"),
            ("cos", &["int 0"], "1"),
            ("tan", &["int 0"], "0"),
            ("sin", &["double Infinity"], "22003: input is out of range"),
            ("acos", &["int 1"], "0"),
            ("acos", &["int 2"], "22003: input is out of range"),
            ("asin", &["int 1"], "1.5707963267948966"),
            ("atan", &["int 1"], "0.7853981633974483"),
            ("atan2", &["int 1", "int 2"], "0.4636476090008061"),
            ("cot", &["double Infinity"], "22003: input is out of range"),
            ("sinh", &["int 0"], "0"),
            ("cosh", &["int 0"], "1"),
            ("tanh", &["int 0"], "0"),
            ("degrees", &["double 3.141592653589793"], "180"),
            (
                "degrees",
                &["double 1e308"],
                "22003: value out of range: overflow",
            ),
            ("radians", &["int 180"], "3.141592653589793"),
        ],
    );
}

#[test]
fn greatest_and_least() {
    check(
        "integer",
        &[
            ("greatest", &["int 1", "NULL", "int 3"], "3"),
            ("least", &["int 1", "NULL", "int 3"], "1"),
            ("greatest", &["int 1", "'2'"], "2"),
            ("greatest", &["int NULL", "int NULL"], "NULL"),
        ],
    );
    check("text", &[("least", &["'b'", "'a'"], "a")]);
    check(
        "double precision",
        &[
            ("greatest", &["int 1", "double 2.5"], "2.5"),
            ("greatest", &["double NaN", "int 1"], "NaN"),
        ],
    );
    assert!(answer("greatest", &["int 1", "'a'"]).starts_with("22P02"));
    assert!(answer("greatest", &["int 1", "text a"]).starts_with("42883"));
}

#[test]
fn chance_and_version() {
    let random = resolve("random", &[]).unwrap();
    let context = context();
    let mut seen = Vec::new();
    for _ in 0..100 {
        let Value::Double(value) = random.call(&[], &context).unwrap() else {
            panic!("not a double");
        };
        assert!((0.0..1.0).contains(&value));
        seen.push(value.to_bits());
    }
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen.len(), 100);
    assert!(random.is_volatile());
    assert!(answer("version", &[]).starts_with("text Drystone "));
}

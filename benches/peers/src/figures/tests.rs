//! Tests of how figures are shown.

use super::*;

#[test]
fn values_have_three_digits_and_a_prefix() {
    assert_eq!(Unit::PerSecond("gets").show(1_460_000.0), "1.46M");
    assert_eq!(Unit::PerSecond("gets").show(65_432.0), "65.4k");
    assert_eq!(Unit::PerSecond("gets").show(227.0), "227");
    assert_eq!(Unit::Bytes.show(253.0 * 1024.0 * 1024.0), "253 MiB");
    assert_eq!(Unit::Millis.show(0.3), "0.30 ms");
    assert_eq!(Unit::Micros.show(148.0), "148 µs");
}

#[test]
fn names_are_given_once() {
    let mut names: Vec<_> = KEY_VALUE.iter().map(|figure| figure.name).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), KEY_VALUE.len());
}

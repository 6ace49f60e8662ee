//! Tests of the rows.

use std::collections::HashSet;

use super::*;

#[test]
fn keys_ascend_with_their_numbers() {
    for rows in [1, 2, 1000] {
        let data = DataSet::new(rows, 7);
        let keys: Vec<Key> = (0..rows).map(|number| data.key(number)).collect();
        assert!(keys.is_sorted_by(|left, right| left < right));
    }
}

#[test]
fn every_row_has_one_place_in_the_random_order() {
    for rows in [1, 2, 3, 1000, 4096] {
        let data = DataSet::new(rows, 7);
        let order: Vec<u64> = (0..rows).map(|place| data.shuffled(place)).collect();
        assert!(order.iter().all(|number| *number < rows));
        assert_eq!(order.iter().collect::<HashSet<_>>().len() as u64, rows);
        assert!(rows < 1000 || !order.is_sorted());
    }
}

#[test]
fn a_version_changes_the_value_but_not_its_tag() {
    let data = DataSet::new(1000, 7);
    let (first, second) = (data.value(5, 0), data.value(5, 1));
    assert_ne!(first, second);
    assert_eq!(tag_of(&first), data.tag(5));
    assert_eq!(tag_of(&second), data.tag(5));
    assert_ne!(data.tag(5), data.tag(6));
}

#[test]
fn half_of_a_value_is_text() {
    let value = DataSet::new(1000, 7).value(5, 0);
    let text = &value[RANDOM_BYTES..];
    let is_text = |byte: &u8| byte.is_ascii_lowercase() || *byte == b' ';
    assert!(text.iter().all(is_text));
    assert!(!value[..RANDOM_BYTES].iter().all(is_text));
}

#[test]
fn values_for_sizes_are_text_but_for_their_tags() {
    let data = DataSet::of_text(1000, 7);
    let value = data.value(5, 0);
    let is_text = |byte: &u8| byte.is_ascii_lowercase() || *byte == b' ';
    assert_eq!(tag_of(&value), data.tag(5));
    assert!(value[TAG_BYTES..].iter().all(is_text));
    assert_ne!(value, data.value(5, 1));
}

#[test]
fn another_seed_makes_other_rows() {
    let (one, other) = (DataSet::new(1000, 7), DataSet::new(1000, 8));
    assert_ne!(one.key(5), other.key(5));
    assert_ne!(one.value(5, 0), other.value(5, 0));
}

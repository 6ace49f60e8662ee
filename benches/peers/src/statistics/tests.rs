//! Tests of medians, spreads and latencies.

use super::*;

#[test]
fn the_median_is_in_the_middle() {
    assert_eq!(median(&[]), None);
    assert_eq!(median(&[3.0]), Some(3.0));
    assert_eq!(median(&[9.0, 1.0, 2.0]), Some(2.0));
    assert_eq!(median(&[9.0, 1.0, 2.0, 4.0]), Some(3.0));
}

#[test]
fn the_spread_is_half_the_distance_of_the_outermost() {
    assert_eq!(spread(&[]), None);
    assert_eq!(spread(&[5.0]), Some(0.0));
    assert_eq!(spread(&[8.0, 10.0, 12.0]), Some(0.2));
}

#[test]
fn percentiles_of_a_hundred_steps_are_steps() {
    let mut latencies = Latencies::default();
    (0..100).for_each(|micros| latencies.add(Duration::from_micros(micros)));
    assert_eq!(latencies.micros(Percent(50)), 50.0);
    assert_eq!(latencies.micros(Percent(99)), 99.0);
}

#[test]
fn threads_latencies_are_put_together() {
    let (mut one, mut other) = (Latencies::default(), Latencies::default());
    assert_eq!(one.micros(Percent(99)), 0.0);
    one.add(Duration::from_micros(1));
    other.add(Duration::from_micros(2));
    one.append(other);
    assert_eq!(one.micros(Percent(99)), 2.0);
}

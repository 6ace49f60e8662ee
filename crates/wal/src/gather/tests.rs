//! Whom a leader waits for.

use super::*;

fn group(crowd: &mut Crowd, waiting: u32) {
    for _ in 0..waiting {
        crowd.enter();
    }
    crowd.begin_group();
}

#[test]
fn who_is_alone_waits_for_nobody() {
    let mut crowd = Crowd::default();
    for _ in 0..3 {
        crowd.enter();
        assert!(!crowd.begin());
        crowd.begin_group();
        crowd.end_group(Duration::ZERO);
    }
}

#[test]
fn all_that_wait_when_a_group_ends_are_expected_in_the_next() {
    let mut crowd = Crowd::default();
    group(&mut crowd, 4);
    (0..4).for_each(|_| crowd.enter()); // while it is in flight
    crowd.end_group(Duration::ZERO);
    assert!(crowd.begin(), "eight are expected, and four are there");
    (0..4).for_each(|_| crowd.enter());
    crowd.end();
    crowd.begin_group();
    crowd.end_group(Duration::ZERO);
    (0..8).for_each(|_| crowd.enter());
    assert!(!crowd.begin(), "all are there");
}

#[test]
fn leaders_give_up_on_those_who_do_not_come_and_try_again_later() {
    let mut crowd = Crowd::default();
    let mut tried = 0;
    for _ in 0..1_000 {
        // Two that wait, and two others each time.
        group(&mut crowd, 2);
        crowd.end_group(Duration::ZERO);
        crowd.enter();
        if crowd.begin() {
            tried += 1;
            crowd.end();
        }
    }
    assert!((10..40).contains(&tried), "{tried}");
}

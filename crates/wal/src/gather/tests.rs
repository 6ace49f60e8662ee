//! Whom a leader waits for.

use std::path::Path;

use drystone_base::Env;

use super::*;
use crate::{Log, LogOptions};

/// Behind every group that was taken.
const NEXT: Lsn = Lsn(1);

fn group(crowd: &mut Crowd, waiting: u32) {
    for _ in 0..waiting {
        crowd.enter(NEXT);
    }
    crowd.begin_group(Lsn::ZERO);
}

#[test]
fn who_is_alone_waits_for_nobody() {
    let mut crowd = Crowd::default();
    for _ in 0..3 {
        crowd.enter(NEXT);
        assert!(!crowd.begin());
        crowd.begin_group(Lsn::ZERO);
        crowd.end_group(Duration::ZERO);
    }
}

#[test]
fn all_that_wait_when_a_group_ends_are_expected_in_the_next() {
    let mut crowd = Crowd::default();
    group(&mut crowd, 4);
    (0..4).for_each(|_| crowd.enter(NEXT)); // while it is in flight
    crowd.end_group(Duration::ZERO);
    assert!(crowd.begin(), "eight are expected, and four are there");
    (0..4).for_each(|_| crowd.enter(NEXT));
    crowd.end();
    crowd.begin_group(Lsn::ZERO);
    crowd.end_group(Duration::ZERO);
    (0..8).for_each(|_| crowd.enter(NEXT));
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
        crowd.enter(NEXT);
        if crowd.begin() {
            tried += 1;
            crowd.end();
        }
    }
    assert!((10..40).contains(&tried), "{tried}");
}

#[test]
fn who_waits_for_the_group_in_flight_is_not_expected_to_join_the_next() {
    let mut crowd = Crowd::default();
    crowd.enter(Lsn(4));
    crowd.begin_group(Lsn(6));
    crowd.enter(Lsn(5));
    crowd.enter(Lsn(7));
    assert_eq!((crowd.in_flight, crowd.waiting), (1, 1));
}

/// A leader that synced nothing neither takes those away who wait for a sync, nor says how long one takes.
#[test]
fn groups_without_a_sync_say_nothing_of_who_waits_for_one() {
    let options = LogOptions::default();
    let log = Log::open(&Env::memory(1), Path::new("log"), options, Lsn::ZERO).unwrap();
    let synced = log.append(b"synced").unwrap();
    log.sync_to(synced).unwrap();
    let crowd = |show: fn(&Crowd) -> (Lsn, u32, u32)| show(&log.shared().state.lock().crowd);
    let before = crowd(|crowd| (crowd.upto, crowd.in_flight, crowd.expected));
    assert_eq!(before, (synced, 1, 1));
    let lsn = log.append(b"written").unwrap();
    log.shared().state.lock().crowd.enter(lsn); // waits, as another thread would
    log.flush().unwrap();
    log.append(b"started").unwrap();
    log.start_sync().unwrap();
    assert_eq!(
        crowd(|crowd| (crowd.upto, crowd.in_flight, crowd.expected)),
        before
    );
    assert_eq!(crowd(|crowd| (crowd.upto, crowd.waiting, 0)).1, 1);
    log.sync_to(lsn).unwrap();
    assert_eq!(
        crowd(|crowd| (crowd.upto, crowd.in_flight, crowd.waiting)),
        (lsn.next(), 2, 0),
        "also a record that was written before counts as waiting for the sync"
    );
}

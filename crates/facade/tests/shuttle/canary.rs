//! A model with a bug in it: the runner must find it, and find it again under the schedule that it printed.

use std::sync::Arc;

use drystone_base::sync::atomic::{AtomicU64, Ordering};
use shuttle::thread;

use crate::runner::{fails_under, find_failure};

/// Two threads add one each, by a load and a store.
fn lost_update() {
    let count = Arc::new(AtomicU64::new(0));
    let add = {
        let count = Arc::clone(&count);
        move || {
            let before = count.load(Ordering::SeqCst);
            count.store(before + 1, Ordering::SeqCst);
        }
    };
    let threads = [thread::spawn(add.clone()), thread::spawn(add)];
    for thread in threads {
        thread.join().unwrap();
    }
    assert_eq!(count.load(Ordering::SeqCst), 2, "an update was lost");
}

#[test]
fn the_runner_finds_a_lost_update_and_replays_it() {
    let schedule = find_failure(100, lost_update).expect("100 schedules find a lost update");
    assert!(fails_under(&schedule, lost_update));
}

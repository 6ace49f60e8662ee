//! Which spares go where nothing happens, and that this ends.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use drystone_base::{Clock, Env, Lsn, ManualClock};

use crate::{Log, LogOptions, Progress};

const PAYLOAD: [u8; 500] = [7; 500];

fn log(clock: &Arc<ManualClock>, spare_segments_max: usize) -> Log {
    let env = Env {
        clock: Arc::clone(clock) as Arc<dyn Clock>,
        ..Env::memory(1)
    };
    let options = LogOptions {
        segment_bytes: 12 << 10,
        spare_segments_max,
        ..LogOptions::default()
    };
    Log::open(&env, Path::new("log"), options, Lsn::ZERO).unwrap()
}

fn append(log: &Log, count: usize) {
    for _ in 0..count {
        log.append(&PAYLOAD).unwrap();
    }
}

/// Steps until nothing is left to do.
fn step_to_rest(log: &Log) {
    let is_at_rest = (0..100).any(|_| log.step().unwrap() == Progress::Idle);
    assert!(is_at_rest, "it does and undoes the same for ever");
}

/// What is prepared ahead of need and what is too many are never the same file.
#[test]
fn a_quiet_log_comes_to_rest_however_few_spares_it_is_to_keep() {
    for spare_segments_max in 0..4 {
        let clock = Arc::new(ManualClock::default());
        let log = log(&clock, spare_segments_max);
        while log.stats().segments < 5 {
            log.append(&PAYLOAD).unwrap();
        }
        // To behind the middle of the segment, where the next one is prepared.
        append(&log, 4);
        let last = log.sync().unwrap();
        log.trim(last).unwrap();
        for _ in 0..3 {
            step_to_rest(&log);
            clock.advance(Duration::from_secs(11));
        }
        step_to_rest(&log);
        assert_eq!(log.stats().spares, spare_segments_max.clamp(1, 2) as u64);
    }
}

#[test]
fn a_spare_of_another_length_goes_before_one_that_is_prepared_again() {
    let clock = Arc::new(ManualClock::default());
    let log = log(&clock, 1);
    append(&log, 6);
    log.sync().unwrap();
    log.shared().prepare(40 << 10).unwrap(); // as for a long record that another segment had room for
    step_to_rest(&log);
    assert_eq!(log.stats().spares, 2);
    clock.advance(Duration::from_secs(11));
    step_to_rest(&log);
    assert_eq!(log.stats().spares, 1);
    assert!(log.shared().state.lock().has_spare(12 << 10));
}

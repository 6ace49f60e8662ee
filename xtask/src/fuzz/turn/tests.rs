//! Processor time is read right.

use super::*;

#[test]
fn ticks_are_found_behind_any_name() {
    let stat = "42 (a name) with (brackets 1 2 3) R 1 42 42 0 -1 4194304 100 0 0 0 250 17 0 0 20 0 1 0 12345 1000 2";
    assert_eq!(ticks(stat), Some(267));
    assert_eq!(ticks("42 (cut) R 1"), None);
}

#[test]
#[cfg(target_os = "linux")]
fn this_process_has_a_time() {
    assert!(processor_seconds(rustix::process::getpid()).is_some());
}

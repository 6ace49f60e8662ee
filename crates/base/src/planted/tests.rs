//! Only the bug that was chosen is there; in a normal build, none ever.

use super::is_planted;

#[cfg(not(planted))]
#[test]
fn no_bug_is_there_when_the_code_is_compiled() {
    const { assert!(!is_planted("wal-sync-skipped")) }
}

#[cfg(planted)]
#[test]
fn the_chosen_bug_is_there_and_no_other() {
    assert!(!is_planted("first"));
    super::plant("first");
    assert!(is_planted("first") && !is_planted("second"));
    super::allow(1);
    assert!(is_planted("first"));
    assert!(std::panic::catch_unwind(|| is_planted("first")).is_err());
    assert!(is_planted("first"));
}

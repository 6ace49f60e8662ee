//! Tests of recovery: the order of records.

use super::*;

#[test]
fn records_follow_each_other_without_a_gap() {
    check_follows(Lsn(4), Lsn(5)).unwrap();
    for wrong in [Lsn(3), Lsn(4), Lsn(6)] {
        let gap = check_follows(Lsn(4), wrong).unwrap_err();
        assert!(
            matches!(gap, StoreError::LogGap { expected: Lsn(5), found } if found == wrong),
            "{gap:?}"
        );
    }
}

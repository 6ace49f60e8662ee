//! Tests of key ranges.

use super::*;

#[test]
fn a_prefix_ends_at_the_next_key_without_it() {
    let check = |prefix: &[u8], end: Bound<&'static [u8]>| {
        assert_eq!(KeyRange::prefix(prefix).end, end.map(Bytes::from_static));
    };
    check(b"ab", Bound::Excluded(b"ac"));
    check(b"a\xFF\xFF", Bound::Excluded(b"b"));
    check(b"\xFF", Bound::Unbounded);
    check(b"", Bound::Unbounded);
}

#[test]
fn ranges_keep_their_kind_of_bounds() {
    assert!(!KeyRange::from("b".."d").contains(b"d"));
    assert!(KeyRange::from("b"..="d").contains(b"d"));
    assert!(KeyRange::from("b"..).contains(b"zzz"));
    assert!(!KeyRange::from(.."d").contains(b"e"));
    assert!(KeyRange::from(..).contains(b""));
    let open = (Bound::Excluded("b"), Bound::Unbounded);
    assert!(!KeyRange::from(open).contains(b"b"));
    assert!(KeyRange::from(open).contains(b"b\0"));
}

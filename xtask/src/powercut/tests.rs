//! A copy counts only where the kernel counted no write meanwhile.

use super::*;

#[test]
fn the_kernels_counters_are_read_by_their_places() {
    let text = "  11 0 96 2  29 5 252 7  0 9 9  3 0 24 1  4 2\n";
    let traffic = Traffic::parse(text).unwrap();
    let expected = Traffic {
        writes: 29,
        discards: 3,
        in_flight: 0,
    };
    assert_eq!(traffic, expected);
    assert!(traffic.is_quiet());
    assert!(
        !Traffic::parse(&text.replace(" 0 9 9", " 1 9 9"))
            .unwrap()
            .is_quiet()
    );
    Traffic::parse("1 2 3").unwrap_err();
}

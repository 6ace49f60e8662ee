//! Every number comes back, and no bytes panic.

use proptest::prelude::*;

use super::*;

fn check(number: u64, expected: &[u8]) {
    let mut bytes = Vec::new();
    encode(number, &mut bytes);
    assert_eq!(bytes, expected);
    assert_eq!(decode(&bytes), Some((number, bytes.len())));
}

#[test]
fn known_encodings() {
    check(0, &[0]);
    check(127, &[0x7F]);
    check(300, &[0xAC, 0x02]);
    check(
        u64::MAX,
        &[0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x01],
    );
}

#[test]
fn rejects_cut_overlong_and_oversized() {
    assert_eq!(decode(&[]), None);
    assert_eq!(decode(&[0x80]), None);
    assert_eq!(decode(&[0x80, 0x00]), None);
    assert_eq!(
        decode(&[0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x02]),
        None
    );
}

proptest! {
    #[test]
    fn round_trip(number: u64, tail: Vec<u8>) {
        let mut bytes = Vec::new();
        encode(number, &mut bytes);
        let len = bytes.len();
        bytes.extend(tail);
        prop_assert_eq!(decode(&bytes), Some((number, len)));
    }

    #[test]
    fn any_bytes_decode_without_panic(bytes: Vec<u8>) {
        if let Some((number, len)) = decode(&bytes) {
            let mut again = Vec::new();
            encode(number, &mut again);
            prop_assert_eq!(&again[..], &bytes[..len]);
        }
    }
}

//! The root payload and what it is made of, to the byte, and against any bytes.

use drystone_storage_pager::{BlockNo, PageRef};
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::node::child::{Child, Overflow};

fn example() -> Payload {
    let page = PageRef {
        block: BlockNo(0x0102_0304),
        len: 0x0506,
        codec: 0,
        checksum: 0x1112_1314_1516_1718,
    };
    Payload {
        page_bytes: 8192,
        directory: Some(TreeRoot {
            child: Child {
                page,
                entries: 9,
                has_overflow: true,
            },
            level: 2,
        }),
    }
}

#[test]
fn the_first_version_is_laid_out_as_specified() {
    let bytes = example().encode();
    let mut expected = b"DRYSBTR1".to_vec();
    expected.extend_from_slice(&[1, 0, 0, 0, 0, 32, 0, 0]);
    expected.extend_from_slice(&[2, 2, 0, 0, 0, 0, 0, 0]);
    expected.extend_from_slice(&[4, 3, 2, 1, 0, 0, 0, 0, 6, 5, 0, 0, 0, 0, 0, 0]);
    expected.extend_from_slice(&[
        0x18, 0x17, 0x16, 0x15, 0x14, 0x13, 0x12, 0x11, 0, 0, 0, 0, 0, 0, 0, 0,
    ]);
    expected.extend_from_slice(&[9, 0, 0, 0, 0, 0, 0, 0x80]);
    assert_eq!(bytes[..], expected);
    assert_eq!(Payload::decode(&bytes), Ok(example()));
    let empty = Payload {
        directory: None,
        ..example()
    };
    assert_eq!(Payload::decode(&empty.encode()), Ok(empty));
}

#[test]
fn a_newer_version_is_named_and_other_bytes_are_refused() {
    let changed = |at: usize, byte: u8| {
        let mut bytes = example().encode();
        bytes[at] = byte;
        Payload::decode(&bytes)
    };
    assert_eq!(changed(8, 2), Err(Refused::Version(2)));
    // Magic, page_bytes, state, level, reserved, the page reference's seal.
    let wrong = [
        (0, b'X'),
        (15, 1),
        (16, 0),
        (16, 1),
        (17, 64),
        (18, 1),
        (37, 1),
    ];
    for (at, byte) in wrong {
        let refused = matches!(changed(at, byte), Err(Refused::Malformed(_)));
        assert!(refused, "byte {at} as {byte}");
    }
    let whole = example().encode();
    for len in 0..whole.len() {
        assert!(
            matches!(Payload::decode(&whole[..len]), Err(Refused::Malformed(_))),
            "{len} bytes"
        );
    }
}

proptest! {
    #[test]
    fn any_bytes_are_decoded_or_refused(bytes in vec(any::<u8>(), 0..80)) {
        if let Ok(payload) = Payload::decode(&bytes) {
            prop_assert_eq!(&payload.encode()[..], bytes.as_slice());
        }
        if let Ok(tree) = Tree::decode(&bytes) {
            prop_assert_eq!(&tree.encode()[..], bytes.as_slice());
        }
        if let Ok(child) = Child::decode(&bytes) {
            prop_assert_eq!(&child.encode()[..], bytes.as_slice());
        }
        if let Ok(overflow) = Overflow::decode(&bytes) {
            prop_assert_eq!(&overflow.encode()[..], bytes.as_slice());
        }
    }

    #[test]
    fn a_flipped_bit_is_decoded_as_it_is_or_refused(bit in 0usize..64 * 8) {
        let mut bytes = example().encode();
        bytes[bit / 8] ^= 1 << (bit % 8);
        match Payload::decode(&bytes) {
            Ok(payload) => prop_assert_eq!(payload.encode(), bytes),
            Err(Refused::Version(version)) => prop_assert_ne!(version, VERSION),
            Err(Refused::Malformed(_)) => {}
        }
    }
}

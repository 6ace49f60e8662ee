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
        stages: Stages::default(),
        has_pieces: false,
    }
}

/// As the example, with an undecided stage.
fn staged_example() -> Payload {
    let page = |block: u64| PageRef {
        block: BlockNo(block),
        len: 9,
        codec: 0,
        checksum: 0x2122_2324_2526_2728,
    };
    let fork = Fork {
        replaced: page(0x31),
        added: page(0x32),
    };
    Payload {
        stages: Stages {
            made: StageId(0x41),
            adopted: StageId(0x40),
            staged: Some(Staged {
                directory: None,
                fork,
            }),
        },
        ..example()
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
fn the_second_version_is_laid_out_as_specified() {
    let bytes = staged_example().encode();
    assert_eq!(bytes.len(), 200);
    let mut expected = example().encode();
    expected[8] = 2;
    for number in [0x41u64, 0x40, 1] {
        expected.extend_from_slice(&number.to_le_bytes());
    }
    expected.extend_from_slice(&[1]);
    expected.extend_from_slice(&[0; 47]);
    for block in [0x31, 0x32] {
        expected.extend_from_slice(&[block, 0, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 0, 0, 0, 0]);
        expected.extend_from_slice(&[
            0x28, 0x27, 0x26, 0x25, 0x24, 0x23, 0x22, 0x21, 0, 0, 0, 0, 0, 0, 0, 0,
        ]);
    }
    assert_eq!(bytes, expected);
    assert_eq!(Payload::decode(&bytes), Ok(staged_example()));
    let mut decided = staged_example();
    decided.stages.adopted = decided.stages.made;
    decided.stages.staged = None;
    assert_eq!(Payload::decode(&decided.encode()), Ok(decided));
    // Adopted and undecided; adopted and never made; no stage at all; neither staged nor not; zeros that are none.
    for (at, byte) in [(72, 0x41), (72, 0x42), (64, 0), (80, 2), (80, 0)] {
        let mut bytes = staged_example().encode();
        bytes[at] = byte;
        let refused = matches!(Payload::decode(&bytes), Err(Refused::Malformed(_)));
        assert!(refused, "byte {at} as {byte}");
    }
    for len in 0..bytes.len() {
        assert!(Payload::decode(&bytes[..len]).is_err(), "{len} bytes");
    }
}

#[test]
fn the_third_version_is_laid_out_as_the_second_one() {
    let mut expected = staged_example().encode();
    expected[8] = 3;
    let in_pieces = Payload {
        has_pieces: true,
        ..staged_example()
    };
    assert_eq!(in_pieces.encode(), expected);
    assert_eq!(Payload::decode(&expected), Ok(in_pieces));
    let unstaged = Payload {
        has_pieces: true,
        ..example()
    };
    let bytes = unstaged.encode();
    assert_eq!((bytes.len(), bytes[8]), (200, 3));
    assert_eq!(Payload::decode(&bytes), Ok(unstaged));
}

#[test]
fn a_newer_version_is_named_and_other_bytes_are_refused() {
    let changed = |at: usize, byte: u8| {
        let mut bytes = example().encode();
        bytes[at] = byte;
        Payload::decode(&bytes)
    };
    assert_eq!(changed(8, 4), Err(Refused::Version(4)));
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
    fn any_bytes_are_decoded_or_refused(bytes in vec(any::<u8>(), 0..220)) {
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
    fn a_flipped_bit_is_decoded_as_it_is_or_refused(bit in 0usize..200 * 8) {
        let mut bytes = staged_example().encode();
        bytes[bit / 8] ^= 1 << (bit % 8);
        match Payload::decode(&bytes) {
            Ok(payload) => prop_assert_eq!(payload.encode(), bytes),
            Err(Refused::Version(version)) => prop_assert!(version == 0 || version > VERSION),
            Err(Refused::Malformed(_)) => {}
        }
    }
}

//! Tests of the page reference's format.

use proptest::prelude::*;

use super::*;

fn page() -> PageRef {
    PageRef {
        block: BlockNo(0x0102_0304),
        len: 0x0506,
        codec: 7,
        checksum: 0x1112_1314_1516_1718,
    }
}

#[track_caller]
fn check_rejected(change: impl Fn(&mut [u8; PAGE_REF_BYTES]), what: &str) {
    let mut bytes = page().encode();
    change(&mut bytes);
    let why = PageRef::decode(&bytes).unwrap_err();
    assert_eq!(why.what, what);
}

#[test]
fn the_layout_is_the_one_of_the_table() {
    let expected: [u8; PAGE_REF_BYTES] = [
        4, 3, 2, 1, 0, 0, 0, 0, // block
        6, 5, 0, 0, // len
        7, 0, 0, 0, // codec, seal, reserved
        0x18, 0x17, 0x16, 0x15, 0x14, 0x13, 0x12, 0x11, // checksum
        0, 0, 0, 0, 0, 0, 0, 0, // reserved
    ];
    assert_eq!(page().encode(), expected);
}

#[test]
fn every_rule_of_the_table_is_checked() {
    check_rejected(|bytes| bytes[13] = 1, "seal of a page");
    for reserved in [14, 15, 24, 31] {
        let what = "reserved bytes of a page reference";
        check_rejected(|bytes| bytes[reserved] = 1, what);
    }
    check_rejected(|bytes| bytes[8..12].fill(0), "length of a page");
    check_rejected(|bytes| bytes[8..12].fill(0xFF), "length of a page");
    check_rejected(|bytes| bytes[..8].fill(0), "first block of a page");
    check_rejected(|bytes| bytes[..8].fill(0xFF), "first block of a page");
    assert!(PageRef::decode(&[0; PAGE_REF_BYTES]).is_err());
}

proptest! {
    #[test]
    fn what_decodes_encodes_to_the_same_bytes(bytes: [u8; PAGE_REF_BYTES]) {
        if let Ok(page) = PageRef::decode(&bytes) {
            prop_assert_eq!(page.encode(), bytes);
        }
    }

    #[test]
    fn what_was_encoded_decodes(
        block in SUPERBLOCKS..1 << 40,
        len in 1..=u32::try_from(MAX_PAGE_BYTES).unwrap(),
        codec: u8,
        checksum: u64,
    ) {
        let page = PageRef { block: BlockNo(block), len, codec, checksum };
        prop_assert_eq!(PageRef::decode(&page.encode()), Ok(page));
    }
}

#[test]
fn a_page_may_end_where_the_longest_file_does_and_no_further() {
    let page = |block| PageRef {
        block: BlockNo(block),
        len: 4096,
        codec: CODEC_NONE,
        checksum: 1,
    };
    page(MAX_BLOCKS - 1).check().unwrap();
    assert_eq!(
        page(MAX_BLOCKS).check().unwrap_err().what,
        "first block of a page"
    );
    page(SUPERBLOCKS).check().unwrap();
    page(SUPERBLOCKS - 1).check().unwrap_err();
}

#[test]
fn the_longest_page_is_allowed() {
    let longest = PageRef {
        len: u32::try_from(MAX_PAGE_BYTES).unwrap(),
        ..page()
    };
    longest.check().unwrap();
    let longer = PageRef {
        len: longest.len + 1,
        ..longest
    };
    assert_eq!(longer.check().unwrap_err().what, "length of a page");
}

//! Tests of the superblock's format.

use proptest::prelude::*;

use super::*;
use crate::block::BlockNo;

fn superblock() -> Superblock {
    Superblock {
        uuid: *b"0123456789abcdef",
        generation: 5,
        lsn: Lsn(9),
        durable_lsn: Lsn(8),
        blocks: 100,
        free_list: Some(PageRef {
            block: BlockNo(99),
            len: 4096,
            codec: 0,
            checksum: 3,
        }),
        payload: Bytes::from_static(b"stone"),
    }
}

/// Sets bytes and makes the checksum agree again.
fn changed(at: usize, bytes: &[u8]) -> [u8; BLOCK_BYTES] {
    let mut block = superblock().encode();
    put(&mut block, at, bytes);
    let checksum = crc64(&block[..CHECKSUM]);
    put(&mut block, CHECKSUM, &checksum.to_le_bytes());
    block
}

#[track_caller]
fn check_rejected(at: usize, bytes: &[u8], what: &str) {
    match Superblock::decode(&changed(at, bytes)) {
        Err(Unusable::Malformed(why)) => assert_eq!(why.what, what),
        other => panic!("{other:?} instead of a broken {what}"),
    }
}

#[test]
fn what_was_encoded_decodes() {
    let mut superblock = superblock();
    assert_eq!(
        Superblock::decode(&superblock.encode()),
        Ok(superblock.clone())
    );
    superblock.free_list = None;
    superblock.payload = Bytes::from(vec![7; MAX_PAYLOAD_BYTES]);
    assert_eq!(Superblock::decode(&superblock.encode()), Ok(superblock));
}

#[test]
fn every_rule_of_the_table_is_checked() {
    check_rejected(0, b"X", "magic of a superblock");
    check_rejected(8, &[0], "format version");
    check_rejected(12, &[1], "block size");
    check_rejected(32, &[0xFF; 8], "generation of a superblock");
    check_rejected(48, &[10], "durable LSN of a superblock");
    check_rejected(56, &[3], "length of the file in blocks");
    check_rejected(56, &[0xFF; 8], "length of the file in blocks");
    check_rejected(64, &[100], "end of the free list");
    check_rejected(64, &[1], "first block of a page");
    check_rejected(96, &[0xFF, 0xFF], "length of the root payload");
    check_rejected(96, &[4], "bytes after the root payload");
    for reserved in [98, 127, 1152, 4087] {
        check_rejected(reserved, &[1], "reserved bytes of a superblock");
    }
}

#[test]
fn a_newer_version_is_named_and_nothing_else_of_it_is_judged() {
    let mut newer = changed(8, &[2]);
    put(&mut newer, 98, &[1]);
    let checksum = crc64(&newer[..CHECKSUM]);
    put(&mut newer, CHECKSUM, &checksum.to_le_bytes());
    assert_eq!(Superblock::decode(&newer), Err(Unusable::Newer(2)));
}

#[test]
fn zeros_are_no_superblock() {
    assert!(Superblock::decode(&[0; BLOCK_BYTES]).is_err());
}

#[test]
fn every_flipped_bit_is_found() {
    let whole = superblock().encode();
    for bit in 0..BLOCK_BYTES * 8 {
        let mut damaged = whole;
        damaged[bit / 8] ^= 1 << (bit % 8);
        assert!(Superblock::decode(&damaged).is_err(), "bit {bit}");
    }
}

proptest! {
    /// Any bytes, with a checksum and a head that agree, so that the fields behind them are reached.
    #[test]
    fn decoding_is_total(fields in prop::collection::vec(any::<u8>(), 16..200), fill: bool) {
        let rest = if fill { 0xA5 } else { 0 };
        let mut block = [rest; BLOCK_BYTES];
        put(&mut block, 16, &fields);
        put(&mut block, 0, &superblock().encode()[..16]);
        let checksum = crc64(&block[..CHECKSUM]);
        put(&mut block, CHECKSUM, &checksum.to_le_bytes());
        if let Ok(superblock) = Superblock::decode(&block) {
            prop_assert_eq!(superblock.encode(), block);
        }
    }
}

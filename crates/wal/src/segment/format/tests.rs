//! Segment headers as bytes.

use proptest::prelude::*;

use super::*;

const HEADER: SegmentHeader = SegmentHeader {
    number: SegmentId(0x0102),
    epoch: 0x1122_3344_5566_7788,
    first_lsn: Lsn(0x0304),
    capacity: 0x1_0000,
};

#[test]
fn the_layout_is_the_one_in_the_table() {
    let block = encode(&HEADER);
    assert_eq!(&block[..12], b"DRYSTWAL\x01\0\0\0");
    assert_eq!(&block[16..24], &[2, 1, 0, 0, 0, 0, 0, 0]);
    assert_eq!(
        &block[24..32],
        &[0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11]
    );
    assert_eq!(&block[32..40], &[4, 3, 0, 0, 0, 0, 0, 0]);
    assert_eq!(&block[40..48], &[0, 0, 1, 0, 0, 0, 0, 0]);
    assert_eq!(block[48..], [0; 4048]);
    assert_eq!(decode(&block), Ok(HEADER));
}

#[test]
fn every_flipped_bit_is_found() {
    let block = encode(&HEADER);
    for bit in 0..block.len() * 8 {
        let mut flipped = block;
        flipped[bit / 8] ^= 1 << (bit % 8);
        assert!(decode(&flipped).is_err(), "bit {bit}");
    }
}

#[test]
fn each_field_is_refused_for_its_own_reason() {
    let block = encode(&HEADER);
    let mut wrong = block;
    wrong[0] = b'd';
    assert_eq!(decode(&wrong), Err(Malformed::Magic));
    let mut newer = block;
    newer[8] = 2;
    assert_eq!(decode(&newer), Err(Malformed::Version { found: 2 }));
    let mut reserved = block;
    reserved[4095] = 1;
    let crc = crc32c_seeded(1, &reserved[16..]);
    reserved[12..16].copy_from_slice(&crc.to_le_bytes());
    assert_eq!(decode(&reserved), Err(Malformed::Reserved));
    let nothing = encode(&SegmentHeader {
        first_lsn: Lsn::ZERO,
        ..HEADER
    });
    assert_eq!(decode(&nothing), Err(Malformed::FirstLsn));
}

#[test]
fn a_segment_has_room_for_its_record_and_a_trailer() {
    let check = |stored, expected| {
        assert_eq!(capacity_for(stored, 16384), expected);
        assert!(RECORDS_START + stored <= records_end(expected));
    };
    check(0, 16384);
    check(8192, 16384);
    check(8200, 20480);
    check(1 << 30, (1 << 30) + 8192);
}

proptest! {
    #[test]
    fn any_header_is_read_back(number: u64, epoch: u64, first_lsn in 1_u64.., capacity: u64) {
        let header = SegmentHeader {
            number: SegmentId(number),
            epoch,
            first_lsn: Lsn(first_lsn),
            capacity,
        };
        prop_assert_eq!(decode(&encode(&header)), Ok(header));
    }

    #[test]
    fn any_bytes_decode_or_fail(start: [u8; 64], fill: u8) {
        let mut block = [fill; SEGMENT_HEADER_BYTES];
        block[..64].copy_from_slice(&start);
        prop_assert!(decode(&block).is_err());
    }
}

//! Records as bytes: totality, and that no single bit goes unseen.

use proptest::prelude::*;

use super::*;

const EPOCH: u64 = 0x5EED;

fn sealed(kind: RecordKind, lsn: u64, durable: u64, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    encode_unsealed(&mut bytes, kind, Lsn(lsn), payload);
    assert_eq!(seal(&mut bytes, Lsn(durable), EPOCH), 1);
    bytes
}

/// Decodes and checks a record that fills `bytes`.
fn read(bytes: &[u8], epoch: u64) -> Result<(Header, Vec<u8>), Malformed> {
    let header = decode(bytes.first_chunk().unwrap(), bytes.len() as u64)?;
    check(&header, bytes, epoch)?;
    let payload = &bytes[HEADER_BYTES..HEADER_BYTES + header.len as usize];
    Ok((header, payload.to_vec()))
}

#[test]
fn the_layout_is_the_one_in_the_table() {
    let mut bytes = sealed(RecordKind::Data, 0x0102, 0x0101, b"stone");
    bytes[..4].fill(0);
    let mut expected = vec![0; 40];
    expected[4] = 5;
    expected[8..10].copy_from_slice(&[2, 1]);
    expected[16..18].copy_from_slice(&[1, 1]);
    expected[24] = 1;
    expected[32..37].copy_from_slice(b"stone");
    assert_eq!(bytes, expected);
}

#[test]
fn zeros_are_no_record() {
    let found = decode(&[0; HEADER_BYTES], 100);
    assert_eq!(found, Err(Malformed::Kind { found: 0 }));
}

#[test]
fn a_marker_claims_its_own_number() {
    let (header, payload) = read(&sealed(RecordKind::Marker, 9, 3, &[]), EPOCH).unwrap();
    assert_eq!((header.lsn, header.durable_lsn), (Lsn(9), Lsn(9)));
    assert_eq!(payload, b"");
}

#[test]
fn every_flipped_bit_is_found() {
    for payload in [&b""[..], b"a", b"abcdefgh", b"abcdefghi"] {
        let bytes = sealed(RecordKind::Data, 7, 6, payload);
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes.clone();
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert!(read(&flipped, EPOCH).is_err(), "bit {bit} of {payload:?}");
        }
    }
}

#[test]
fn another_epoch_or_a_set_padding_is_refused() {
    let mut bytes = sealed(RecordKind::Data, 7, 6, b"a");
    assert!(matches!(
        read(&bytes, EPOCH + 1),
        Err(Malformed::Checksum { .. })
    ));
    bytes[39] = 1;
    let crc = crc32c_seeded(EPOCH, &bytes[4..]);
    bytes[..4].copy_from_slice(&crc.to_le_bytes());
    assert_eq!(read(&bytes, EPOCH), Err(Malformed::Reserved));
}

#[test]
fn what_cannot_be_is_refused_without_its_checksum() {
    let check = |change: fn(&mut [u8; HEADER_BYTES]), expected: fn(&Malformed) -> bool| {
        let bytes = sealed(RecordKind::Data, 7, 6, b"abcdefgh");
        let mut header = *bytes.first_chunk().unwrap();
        change(&mut header);
        let found = decode(&header, 40).unwrap_err();
        assert!(expected(&found), "{found:?}");
    };
    check(
        |bytes| bytes[4] = 9,
        |why| matches!(why, Malformed::Length { found: 9, room: 40 }),
    );
    check(
        |bytes| bytes[7] = 0xFF,
        |why| matches!(why, Malformed::Length { .. }),
    );
    check(
        |bytes| bytes[24] = 2,
        |why| matches!(why, Malformed::Length { .. }),
    );
    check(
        |bytes| bytes[24] = 3,
        |why| matches!(why, Malformed::Kind { found: 3 }),
    );
    check(
        |bytes| bytes[31] = 1,
        |why| matches!(why, Malformed::Reserved),
    );
    check(
        |bytes| bytes[16] = 7,
        |why| matches!(why, Malformed::DurableLsn { .. }),
    );
}

proptest! {
    #[test]
    fn any_bytes_decode_or_fail(mut bytes: [u8; HEADER_BYTES], room: u64, near: bool) {
        if near {
            bytes[24] = 1 + bytes[24] % 2;
            bytes[25..].fill(0);
        }
        if let Ok(header) = decode(&bytes, room) {
            prop_assert!(header.stored_bytes() as u64 <= room);
        }
    }

    #[test]
    fn what_is_written_is_read(
        payloads in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..100), 1..5),
        durable in 0..50u64,
    ) {
        let mut bytes = Vec::new();
        for (payload, lsn) in payloads.iter().zip(50..) {
            encode_unsealed(&mut bytes, RecordKind::Data, Lsn(lsn), payload);
        }
        prop_assert_eq!(seal(&mut bytes, Lsn(durable), EPOCH), payloads.len() as u64);
        let mut rest = &bytes[..];
        for (payload, lsn) in payloads.iter().zip(50..) {
            let (record, after) = rest.split_at(stored_bytes(payload.len()));
            let (header, found) = read(record, EPOCH).unwrap();
            prop_assert_eq!((header.lsn, header.durable_lsn), (Lsn(lsn), Lsn(durable)));
            prop_assert_eq!(&found, payload);
            rest = after;
        }
    }
}

//! Piece lists to the byte, and against any bytes.

use drystone_storage_pager::BlockNo;
use proptest::collection::vec;
use proptest::prelude::*;

use super::*;

fn page_ref(number: u64) -> PageRef {
    PageRef {
        block: BlockNo(4 + number),
        len: 7,
        codec: 0,
        checksum: number,
    }
}

fn encode(piece_bytes: u32, value_len: u64) -> Vec<u8> {
    let count = value_len.div_ceil(u64::from(piece_bytes));
    let pieces: Vec<PageRef> = (0..count).map(page_ref).collect();
    PieceList::encode(piece_bytes, value_len, &pieces)
}

#[test]
fn is_laid_out_as_specified() {
    let bytes = encode(1000, 2500);
    let mut expected = vec![3, 1, 0, 0, 232, 3, 0, 0, 196, 9, 0, 0, 0, 0, 0, 0];
    (0..3).for_each(|number| expected.extend_from_slice(&page_ref(number).encode()));
    assert_eq!(bytes, expected);
}

#[test]
fn says_where_each_byte_is() {
    let list = PieceList::open(encode(1000, 2500).into()).unwrap();
    assert_eq!(
        (list.count(), list.value_len(), list.piece_bytes()),
        (3, 2500, 1000)
    );
    for (offset, piece) in [(0, 0), (999, 0), (1000, 1), (1999, 1), (2000, 2), (2499, 2)] {
        assert_eq!(list.at(offset), piece);
    }
    assert_eq!([0, 1, 2].map(|idx| list.start(idx)), [0, 1000, 2000]);
    assert_eq!([0, 1, 2].map(|idx| list.piece_len(idx)), [1000, 1000, 500]);
    assert_eq!(list.piece(2).unwrap(), page_ref(2));
    assert_eq!(list.piece(3).unwrap_err().what, "piece of a value");
}

#[test]
fn what_is_broken_is_refused() {
    let sound = encode(1000, 2500);
    assert!(PieceList::open(sound.clone().into()).is_ok());
    for (at, byte) in [
        (0, 1),
        (1, 2),
        (2, 1),
        (3, 1),
        (7, 1),
        (15, 1),
        (9, 1),
        (5, 0),
    ] {
        let mut broken = sound.clone();
        broken[at] = byte;
        assert!(PieceList::open(broken.into()).is_err(), "byte {at}");
    }
    for len in [0, 15, 16, sound.len() - 1] {
        assert!(PieceList::open(sound[..len].to_vec().into()).is_err());
    }
    let zeros = [[3, 1, 0, 0].as_slice(), &[0; 12]].concat();
    assert!(PieceList::open(zeros.into()).is_err());
}

proptest! {
    #[test]
    fn any_bytes_open_or_are_refused(mut bytes in vec(any::<u8>(), 0..200), is_ours in any::<bool>()) {
        if is_ours && bytes.len() >= 16 {
            bytes[..4].copy_from_slice(&[3, 1, 0, 0]);
            bytes[6..8].fill(0);
            bytes[9..16].fill(0);
        }
        if let Ok(list) = PieceList::open(bytes.into()) {
            let lens: u64 = (0..list.count()).map(|idx| list.piece_len(idx)).sum();
            prop_assert_eq!(lens, list.value_len());
            for idx in 0..=list.count() {
                let _ = list.piece(idx);
            }
        }
    }
}

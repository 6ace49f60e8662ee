//! Readers of values against slices: reads of any length, from any place.

use std::io::{BufRead, ErrorKind, Read, Seek, SeekFrom};
use std::sync::Arc;

use bytes::Bytes;

use super::*;
use crate::long_value::{LongValue, read_whole};

/// A value in pieces of seven bytes, one of which may be damaged.
#[derive(Debug)]
struct Sevens {
    bytes: Vec<u8>,
    damaged: Option<u64>,
}

impl LongValue for Sevens {
    fn byte_len(&self) -> u64 {
        self.bytes.len() as u64
    }

    fn piece(&self, offset: u64) -> Result<Piece, EngineError> {
        let start = offset / 7 * 7;
        if self.damaged == Some(start) {
            return Err(EngineError::MergeOver);
        }
        let from = usize::try_from(start).unwrap();
        let end = self.bytes.len().min(from + 7);
        Ok(Piece {
            start,
            bytes: Bytes::copy_from_slice(&self.bytes[from..end]),
        })
    }
}

fn bytes(len: u8) -> Vec<u8> {
    (0..len).collect()
}

fn long(len: u8, damaged: Option<u64>) -> StoredValue {
    let bytes = bytes(len);
    StoredValue::Long(Arc::new(Sevens { bytes, damaged }))
}

#[test]
fn reads_all_of_a_value_whatever_its_form() {
    for len in [0, 1, 6, 7, 8, 14, 50] {
        for value in [StoredValue::Whole(bytes(len).into()), long(len, None)] {
            assert_eq!(value.byte_len(), u64::from(len));
            let mut read = Vec::new();
            ValueReader::new(value.clone())
                .read_to_end(&mut read)
                .unwrap();
            assert_eq!(read, bytes(len));
            assert_eq!(value.into_bytes().unwrap(), bytes(len));
        }
    }
}

#[test]
fn reads_from_wherever_it_is_set() {
    let mut reader = ValueReader::new(long(50, None));
    let mut buf = [0; 3];
    for (to, at) in [
        (SeekFrom::Start(13), 13),
        (SeekFrom::Current(-9), 7),
        (SeekFrom::End(-3), 47),
        (SeekFrom::Start(0), 0),
    ] {
        assert_eq!(reader.seek(to).unwrap(), at);
        reader.read_exact(&mut buf).unwrap();
        let first = u8::try_from(at).unwrap();
        assert_eq!(buf, [first, first + 1, first + 2]);
    }
}

#[test]
fn ends_at_the_end_and_behind_it() {
    let mut reader = ValueReader::new(long(50, None));
    for to in [
        SeekFrom::End(0),
        SeekFrom::End(9),
        SeekFrom::Start(u64::MAX),
    ] {
        reader.seek(to).unwrap();
        assert_eq!(reader.fill_buf().unwrap(), b"");
        assert_eq!(reader.read(&mut [0; 5]).unwrap(), 0);
    }
    for to in [SeekFrom::End(-51), SeekFrom::Start(0)] {
        reader.seek(SeekFrom::Start(3)).unwrap();
        if reader.seek(to).is_err() {
            let why = reader.seek(to).unwrap_err();
            assert_eq!(why.kind(), ErrorKind::InvalidInput);
            assert_eq!(reader.stream_position().unwrap(), 3);
        }
    }
}

#[test]
fn a_damaged_piece_is_an_error_and_others_are_read() {
    let value = long(50, Some(14));
    let mut reader = ValueReader::new(value.clone());
    let mut buf = [0; 14];
    reader.read_exact(&mut buf).unwrap();
    assert!(reader.read(&mut buf).is_err());
    reader.seek(SeekFrom::Start(21)).unwrap();
    reader.read_exact(&mut buf).unwrap();
    assert_eq!(buf[0], 21);
    assert!(value.into_bytes().is_err());
    let sevens = Sevens {
        bytes: bytes(9),
        damaged: None,
    };
    assert_eq!(read_whole(&sevens).unwrap(), bytes(9));
}

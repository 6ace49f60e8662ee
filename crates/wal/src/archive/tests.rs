//! The bytes of a closed segment, read in any pieces.

use std::path::Path;

use drystone_base::Env;

use super::*;
use crate::LogOptions;
use crate::segment::format::{RECORDS_START, SEGMENT_HEADER_BYTES, decode as decode_header};

#[test]
fn any_piece_of_a_segment_reads_as_in_the_whole() {
    let options = LogOptions {
        segment_bytes: 12 << 10,
        ..LogOptions::default()
    };
    let log = Log::open(&Env::memory(1), Path::new("log"), options, Lsn::ZERO).unwrap();
    for number in 0..3_u8 {
        log.append(&[number + 1; 1000]).unwrap();
    }
    log.append(&[9; 3000]).unwrap(); // in the next segment
    log.sync().unwrap();
    let (segment, until) = {
        let state = log.shared().state.lock();
        (
            Arc::clone(&state.segments[0]),
            state.segments[1].first_lsn(),
        )
    };
    // Something of the file's past, everywhere behind the records.
    let end = RECORDS_START + 3 * 1032;
    let junk = vec![7; usize::try_from(segment.capacity() - end).unwrap()];
    segment.file.write_all_at(&junk, end).unwrap();

    let closed = ClosedSegment::check(segment, Some(until)).unwrap();
    assert_eq!((closed.first_lsn(), closed.last_lsn()), (Lsn(1), Lsn(3)));
    let mut whole = vec![0; usize::try_from(closed.len()).unwrap()];
    closed.read_at(&mut whole, 0).unwrap();
    let header = decode_header(whole[..SEGMENT_HEADER_BYTES].first_chunk().unwrap()).unwrap();
    assert_eq!(header.number, closed.number());
    let trailer = whole.len() - 4096;
    assert!(
        whole[4096 + 3 * 1032..trailer]
            .iter()
            .all(|&byte| byte == 0)
    );
    assert!(whole[trailer..trailer + 32].iter().any(|&byte| byte != 0));
    assert!(whole[trailer + 32..].iter().all(|&byte| byte == 0));
    for len in [1, 7, 32, 100, 4096, 5000] {
        for offset in (0..whole.len() - len).step_by(61) {
            let mut piece = vec![1; len];
            closed.read_at(&mut piece, offset as u64).unwrap();
            assert_eq!(
                piece,
                whole[offset..offset + len],
                "{len} bytes at {offset}"
            );
        }
    }
    assert!(closed.read_at(&mut [0; 2], closed.len() - 1).is_err());
    let payloads: Vec<_> = closed
        .records()
        .map(|record| record.unwrap().payload[0])
        .collect();
    assert_eq!(payloads, [1, 2, 3]);
}

//! What fuzz targets ask of the log's formats, in builds with `--cfg fuzzing` alone.

use drystone_base::fuzzing::AnyChecksum;

use crate::folder;
use crate::record::format::{self, HEADER_BYTES, RecordKind};
use crate::segment;

/// A record that decodes is the one that would be written, but for its checksum.
///
/// # Panics
/// When it is not.
pub fn check_record(bytes: &[u8]) {
    let _any = AnyChecksum::accept();
    let Some(header_bytes) = bytes.first_chunk::<HEADER_BYTES>() else {
        return;
    };
    let Ok(header) = format::decode(header_bytes, bytes.len() as u64) else {
        return;
    };
    if format::check(&header, bytes, 7).is_err() {
        return;
    }
    let record = &bytes[..header.stored_bytes()];
    let payload = &record[HEADER_BYTES..][..header.len as usize];
    let mut written = Vec::new();
    format::encode_unsealed(&mut written, header.kind, header.lsn, payload);
    assert_eq!(format::seal(&mut written, header.durable_lsn, 7), 1);
    assert_eq!(written[4..], record[4..], "{header:?}");
    if header.kind == RecordKind::Marker {
        assert_eq!(header.lsn, header.durable_lsn);
    }
}

/// A segment's header that decodes is the one that would be written, but for its checksum.
///
/// # Panics
/// When it is not.
pub fn check_segment_header(bytes: &[u8]) {
    const CRC: std::ops::Range<usize> = 12..16;
    let _any = AnyChecksum::accept();
    let mut block = [0; segment::format::SEGMENT_HEADER_BYTES];
    let len = bytes.len().min(block.len());
    block[..len].copy_from_slice(&bytes[..len]);
    if let Ok(header) = segment::format::decode(&block) {
        let mut written = segment::format::encode(&header);
        written[CRC].copy_from_slice(&block[CRC]);
        assert_eq!(written, block, "{header:?}");
    }
}

/// A name that is taken for a file of the log is the one that its number would be given.
///
/// # Panics
/// When it is not.
pub fn check_file_name(name: &str) {
    if let Some((stem, number)) = folder::parse_stem(name) {
        assert_eq!(format!("{number:020}"), stem);
        assert!(name.starts_with(stem));
    }
}

//! How compressed pages are stored, and what damage to them gives.

use drystone_compress::Codec;

use super::*;

fn text(len: usize) -> Vec<u8> {
    b"a course of stones; "
        .iter()
        .copied()
        .cycle()
        .take(len)
        .collect()
}

fn packed(contents: &[u8], codec: Codec) -> Option<Vec<u8>> {
    let mut packer = Packer::default();
    let stored = packer.pack(contents, codec).unwrap();
    stored.map(<[u8]>::to_vec)
}

#[track_caller]
fn malformed(codec: CodecId, stored: &[u8]) -> Malformed {
    match Unpacker::default().unpack(codec, stored) {
        Err(Refused::Malformed(why)) => why,
        other => panic!("{other:?} instead of what is malformed"),
    }
}

#[test]
fn what_saves_no_block_is_not_packed() {
    for len in [1, 100, BLOCK_BYTES - 1, BLOCK_BYTES] {
        assert_eq!(packed(&text(len), Codec::Lz4), None, "{len} bytes");
    }
    let stored = packed(&text(BLOCK_BYTES + 1), Codec::Lz4).unwrap();
    assert!(stored.len() <= BLOCK_BYTES);
    assert_eq!(packed(&text(100_000), Codec::None), None);
}

/// To the byte: one more would be a block more.
#[test]
fn the_length_that_saves_a_block_includes_the_frame_around_it() {
    assert_eq!(len_that_saves_a_block(0), None);
    assert_eq!(len_that_saves_a_block(BLOCK_BYTES), None);
    assert_eq!(len_that_saves_a_block(BLOCK_BYTES + 1), Some(BLOCK_BYTES));
    assert_eq!(
        len_that_saves_a_block(3 * BLOCK_BYTES),
        Some(2 * BLOCK_BYTES)
    );
    let noise: Vec<u8> = (0..20_000_u32)
        .flat_map(|at| at.wrapping_mul(0x9E37_79B9).to_be_bytes())
        .collect();
    let mut found = Vec::new();
    for noisy in (3000..4200).step_by(7) {
        let contents = [&noise[..noisy], &text(2 * BLOCK_BYTES - noisy)].concat();
        found.push(packed(&contents, Codec::Lz4).map(|stored| stored.len()));
    }
    assert!(found.iter().flatten().all(|len| *len <= BLOCK_BYTES));
    assert!(found.contains(&None) && found.iter().any(Option::is_some));
}

#[test]
fn what_was_packed_comes_back() {
    let unpacker = Unpacker::default();
    let mut packer = Packer::default();
    for codec in [Codec::Lz4, Codec::Snappy, Codec::Zstd(1), Codec::Gzip(1)] {
        if codec.check().is_err() {
            assert!(packer.pack(&text(10_000), codec).is_err());
            continue;
        }
        for len in [5000, 8192, 100_000] {
            let contents = text(len);
            let stored = packer.pack(&contents, codec).unwrap().unwrap();
            assert_eq!(stored[..4], u32::try_from(len).unwrap().to_le_bytes());
            assert_eq!(unpacker.unpack(codec.id(), stored).unwrap(), contents);
        }
    }
}

#[test]
fn no_length_is_believed_that_the_bytes_cannot_hold() {
    let stored = packed(&text(8192), Codec::Lz4).unwrap();
    let with_len = |len: u32| [&len.to_le_bytes()[..], &stored[4..]].concat();
    for (len, what) in [
        (0, "length of a page's contents"),
        (u32::MAX, "length of a page's contents"),
        (1 << 30, "length of the contents"),
        (8191, "stream"),
        (8193, "length of the contents"),
    ] {
        assert_eq!(malformed(CodecId::Lz4, &with_len(len)).what, what, "{len}");
    }
    for len in 0..4 {
        let why = malformed(CodecId::Lz4, &stored[..len]);
        assert_eq!(why.what, "length of a compressed page");
    }
}

#[test]
fn idle_decompressors_are_used_again_and_not_hoarded() {
    let unpacker = Unpacker::default();
    let stored = packed(&text(8192), Codec::Lz4).unwrap();
    for _ in 0..3 {
        unpacker.unpack(CodecId::Lz4, &stored).unwrap();
        assert!(unpacker.unpack(CodecId::Lz4, &stored[..20]).is_err());
    }
    assert_eq!(unpacker.idle.lock().len(), 1);
    unpacker
        .idle
        .lock()
        .resize_with(IDLE_MAX + 1, Decompressor::new);
    unpacker.unpack(CodecId::Lz4, &stored).unwrap();
    unpacker.unpack(CodecId::Lz4, &stored).unwrap();
    assert_eq!(unpacker.idle.lock().len(), IDLE_MAX);
}

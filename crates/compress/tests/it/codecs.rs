//! The codecs of this build, and contents for them.

use drystone_compress::{Codec, CodecId, Compressor, DecompressError, Decompressor};
use proptest::prelude::*;

/// All that compress, at their least and their most, in every build.
const ALL: [Codec; 8] = [
    Codec::Lz4,
    Codec::Snappy,
    Codec::Zstd(1),
    Codec::Zstd(3),
    Codec::Zstd(19),
    Codec::Gzip(1),
    Codec::Gzip(6),
    Codec::Gzip(9),
];

/// Those that this build has.
pub(crate) fn built() -> Vec<Codec> {
    let all = ALL.into_iter();
    all.filter(|codec| codec.check().is_ok()).collect()
}

/// Those that it lacks.
pub(crate) fn lacking() -> Vec<Codec> {
    let all = ALL.into_iter();
    all.filter(|codec| codec.check().is_err()).collect()
}

/// Text of many lines that are alike and not the same.
pub(crate) fn text(lines: usize) -> Vec<u8> {
    let line = |number: usize| format!("{number}: course of {} stones\n", number * 7919 % 1000);
    (0..lines).map(line).collect::<String>().into_bytes()
}

/// Bytes that no codec makes shorter.
pub(crate) fn noise(len: usize) -> Vec<u8> {
    let mut state = 0x9E37_79B9_7F4A_7C15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()[3]
    };
    (0..len).map(|_| next()).collect()
}

/// Runs, repeats and noise, one behind the other.
pub(crate) fn contents() -> impl Strategy<Value = Vec<u8>> {
    let run = (any::<u8>(), 1..3000_usize).prop_map(|(byte, len)| vec![byte; len]);
    let repeat = (prop::collection::vec(any::<u8>(), 1..40), 1..200_usize)
        .prop_map(|(unit, count)| unit.repeat(count));
    let noise = prop::collection::vec(any::<u8>(), 1..500);
    let part = prop_oneof![run, repeat, noise];
    prop::collection::vec(part, 1..8).prop_map(|parts| parts.concat())
}

pub(crate) fn compress(codec: Codec, contents: &[u8]) -> Option<Vec<u8>> {
    let mut stored = Vec::new();
    let pays = Compressor::new()
        .compress(codec, contents, contents.len(), &mut stored)
        .unwrap();
    pays.then_some(stored)
}

pub(crate) fn decompress(
    codec: CodecId,
    stored: &[u8],
    contents_len: usize,
) -> Result<Vec<u8>, DecompressError> {
    let mut contents = Vec::new();
    Decompressor::new().decompress(codec, stored, contents_len, &mut contents)?;
    Ok(contents)
}

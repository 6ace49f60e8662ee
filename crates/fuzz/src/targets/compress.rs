//! Compression: any bytes as what a codec stored, and any bytes compressed.

use drystone_compress::{Codec, CodecId, Compressor, Decompressor};

/// Those that this build has, and what is none.
const CODECS: [Codec; 4] = [Codec::Lz4, Codec::Snappy, Codec::Gzip(1), Codec::None];

/// The first byte picks the codec, the next two the length that is expected.
pub fn decompress(data: &[u8]) {
    let Some(([codec, low, high], stored)) = data.split_first_chunk() else {
        return;
    };
    let codec = CODECS[usize::from(*codec) % CODECS.len()].id();
    let contents_len = usize::from(u16::from_le_bytes([*low, *high]));
    check_bounded(codec, stored, contents_len);
    check_round_trip(stored);
}

/// What comes out has the length expected, or is nothing.
fn check_bounded(codec: CodecId, stored: &[u8], contents_len: usize) {
    let mut contents = b"before".to_vec();
    let decompressed = Decompressor::new().decompress(codec, stored, contents_len, &mut contents);
    let added = decompressed.map_or(0, |()| contents_len);
    assert_eq!(contents.len(), 6 + added, "{codec}");
}

fn check_round_trip(contents: &[u8]) {
    let contents = contents.repeat(3);
    let (mut compressor, mut decompressor) = (Compressor::new(), Decompressor::new());
    for codec in CODECS {
        let mut stored = Vec::new();
        let pays = compressor.compress(codec, &contents, contents.len(), &mut stored);
        if !pays.expect("a codec of this build") {
            assert!(stored.is_empty(), "{codec:?}");
            continue;
        }
        let mut read = Vec::new();
        let decompressed = decompressor.decompress(codec.id(), &stored, contents.len(), &mut read);
        decompressed.expect("bytes of our own making");
        assert!(read == contents, "{codec:?}");
    }
}

/// Sound streams of each codec, under the bytes that pick it.
#[must_use]
pub fn seeds() -> Vec<Vec<u8>> {
    let contents = b"a course of stones; and another one".repeat(9);
    let len = u16::try_from(contents.len()).unwrap_or(u16::MAX);
    let picked = |(number, codec): (u8, Codec)| {
        let mut seed = vec![number];
        seed.extend(len.to_le_bytes());
        let pays = Compressor::new().compress(codec, &contents, contents.len(), &mut seed);
        pays.is_ok_and(|pays| pays).then_some(seed)
    };
    (0..).zip(CODECS).filter_map(picked).collect()
}

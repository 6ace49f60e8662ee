//! What the interface promises beside the round trip.

use drystone_compress::{
    Codec, CodecId, CompressError, Compressor, DecompressError, Decompressor, MAX_CONTENTS_BYTES,
};

use crate::codecs::{built, compress, decompress, lacking, noise, text};

#[test]
fn the_build_has_some_codec_or_says_which_feature_brings_it() {
    assert_eq!(built().len() + lacking().len(), 8);
    for codec in lacking() {
        let refused = Compressor::new().compress(codec, &text(9), 100, &mut Vec::new());
        let refused = refused.unwrap_err().to_string();
        assert!(refused.contains("it comes with the feature `"), "{refused}");
        let refused = decompress(codec.id(), &[1; 40], 100).unwrap_err();
        assert!(matches!(refused, DecompressError::NotBuilt(_)), "{refused}");
        assert!(
            Decompressor::new()
                .decompress_into(codec.id(), &[1; 40], &mut [0; 100])
                .is_err()
        );
    }
}

#[test]
fn what_is_incompressible_is_left_alone() {
    for codec in built() {
        for len in [1, 2, 17, 100, 4096, 100_000] {
            let mut stored = b"before".to_vec();
            let pays = Compressor::new().compress(codec, &noise(len), len, &mut stored);
            assert!(!pays.unwrap(), "{codec:?} of {len} bytes");
            assert_eq!(stored, b"before");
        }
    }
}

#[test]
fn no_contents_are_not_compressed() {
    let codecs = built().into_iter().chain([Codec::None]);
    for codec in codecs {
        let mut stored = Vec::new();
        assert!(
            !Compressor::new()
                .compress(codec, b"", 100, &mut stored)
                .unwrap()
        );
        assert!(stored.is_empty());
    }
}

#[test]
fn none_never_pays_and_reads_what_is_there() {
    assert_eq!(compress(Codec::None, &text(100)), None);
    assert_eq!(decompress(CodecId::None, b"slate", 5).unwrap(), b"slate");
    for wrong in [4, 6] {
        let refused = decompress(CodecId::None, b"slate", wrong).unwrap_err();
        assert!(
            matches!(refused, DecompressError::Malformed { .. }),
            "{refused}"
        );
    }
}

/// What pays is for the caller to say, to the byte.
#[test]
fn the_longest_that_pays_is_kept_to() {
    let contents = text(200);
    for codec in built() {
        let len = compress(codec, &contents).unwrap().len();
        let mut compressor = Compressor::new();
        let mut stored = Vec::new();
        // A codec may need a few bytes more than it writes, where it writes to just as many as it may.
        let enough = len + 16;
        assert!(
            compressor
                .compress(codec, &contents, enough, &mut stored)
                .unwrap()
        );
        assert_eq!(stored.len(), len, "{codec:?}");
        for too_few in [0, 1, 17, len / 2, len - 1] {
            let pays = compressor.compress(codec, &contents, too_few, &mut stored);
            assert!(!pays.unwrap(), "{codec:?} in {too_few} bytes");
            assert_eq!(stored.len(), len);
        }
        // Not paying leaves nothing behind that the next call would meet.
        stored.clear();
        assert!(
            compressor
                .compress(codec, &contents, enough, &mut stored)
                .unwrap()
        );
        assert_eq!(
            decompress(codec.id(), &stored, contents.len()).unwrap(),
            contents
        );
    }
}

#[test]
fn contents_are_appended() {
    let contents = text(50);
    for codec in built() {
        let stored = compress(codec, &contents).unwrap();
        let mut read = b"before ".to_vec();
        let mut decompressor = Decompressor::new();
        decompressor
            .decompress(codec.id(), &stored, contents.len(), &mut read)
            .unwrap();
        assert_eq!(read, [b"before ", &contents[..]].concat());
        let refused = decompressor.decompress(codec.id(), &stored, 3, &mut read);
        assert!(refused.is_err());
        assert_eq!(read.len(), 7 + contents.len(), "{codec:?}");
    }
}

#[test]
fn a_level_out_of_range_stores_nothing() {
    for codec in [Codec::Zstd(23), Codec::Gzip(0)] {
        let mut stored = Vec::new();
        let refused = Compressor::new()
            .compress(codec, &text(50), 100, &mut stored)
            .unwrap_err();
        assert!(matches!(refused, CompressError::Level { .. }), "{refused}");
        assert!(stored.is_empty());
    }
}

/// Denser levels are denser, or there would be no use in them.
#[test]
fn levels_do_something() {
    let contents = text(20_000);
    let len_of = |codec: Codec| compress(codec, &contents).unwrap().len();
    if Codec::Zstd(1).check().is_ok() {
        assert!(len_of(Codec::Zstd(19)) < len_of(Codec::Zstd(1)));
    }
    if Codec::Gzip(1).check().is_ok() {
        assert!(len_of(Codec::Gzip(9)) < len_of(Codec::Gzip(1)));
    }
}

/// One gibibyte and a byte, of which nothing is touched.
#[test]
fn contents_past_the_limit_are_refused() {
    let contents = vec![0; MAX_CONTENTS_BYTES + 1];
    let refused = Compressor::new()
        .compress(Codec::None, &contents, usize::MAX, &mut Vec::new())
        .unwrap_err();
    assert!(
        matches!(refused, CompressError::TooLong { .. }),
        "{refused}"
    );
}

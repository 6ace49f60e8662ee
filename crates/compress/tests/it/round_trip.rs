//! C1: what was stored comes back.

use drystone_compress::{Compressor, Decompressor};
use proptest::prelude::*;

use crate::codecs::{built, compress, contents, decompress, noise, text};

#[test]
fn text_of_every_length_comes_back() {
    for codec in built() {
        for lines in [1, 2, 10, 100, 1000, 10_000] {
            let contents = text(lines);
            if let Some(stored) = compress(codec, &contents) {
                let read = decompress(codec.id(), &stored, contents.len()).unwrap();
                assert!(read == contents, "{codec:?} of {lines} lines");
            } else {
                assert!(lines < 10, "{codec:?} of {lines} lines");
            }
        }
    }
}

/// Past 64 KiB LZ4 has another table, Snappy another block, and Zstd and gzip several blocks.
#[test]
fn lengths_around_the_limits_of_blocks_come_back() {
    for codec in built() {
        for len in [65_534, 65_535, 65_536, 65_537, 131_071, 131_073, 400_000] {
            let mut contents = text(20_000);
            contents.truncate(len - 700);
            contents.extend(noise(700));
            let stored = compress(codec, &contents).unwrap();
            let read = decompress(codec.id(), &stored, len).unwrap();
            assert!(read == contents, "{codec:?} of {len} bytes");
        }
    }
}

/// The shortest that a format can make of the longest: what the bound on a claimed length must let through.
#[test]
fn one_byte_over_and_over_comes_back() {
    for codec in built() {
        for len in [100, 4096, (1 << 20) + 3] {
            let contents = vec![7; len];
            let stored = compress(codec, &contents).unwrap();
            let read = decompress(codec.id(), &stored, len).unwrap();
            assert!(read == contents, "{codec:?} of {len} bytes");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(50))]

    /// One compressor and one decompressor for all of them, as they are meant to be used.
    #[test]
    fn anything_comes_back(all in prop::collection::vec(contents(), 1..5)) {
        let (mut compressor, mut decompressor) = (Compressor::new(), Decompressor::new());
        for contents in &all {
            for codec in built() {
                let mut stored = Vec::new();
                let pays = compressor
                    .compress(codec, contents, contents.len(), &mut stored)
                    .unwrap();
                prop_assert_eq!(pays, !stored.is_empty());
                prop_assert!(stored.len() < contents.len());
                if !pays {
                    continue;
                }
                let mut read = Vec::new();
                decompressor
                    .decompress(codec.id(), &stored, contents.len(), &mut read)
                    .unwrap();
                prop_assert!(read == *contents, "{:?}", codec);
            }
        }
    }
}

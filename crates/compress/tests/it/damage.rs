//! C2 and C3: damaged bytes are an error or the expected length, never a panic, and never more than was asked for.

use drystone_compress::{CodecId, DecompressError, Decompressor};
use proptest::prelude::*;

use crate::codecs::{built, compress, contents, decompress, noise, text};

const IDS: [CodecId; 5] = [
    CodecId::None,
    CodecId::Lz4,
    CodecId::Snappy,
    CodecId::Zstd,
    CodecId::Gzip,
];

/// Bytes behind those that a decoder may fill, which it must leave alone.
const FENCE: [u8; 64] = [0xA5; 64];

/// Decompresses any bytes; a decoder that writes past its bound panics, or is found here.
fn check_bounded(decompressor: &mut Decompressor, id: CodecId, stored: &[u8], len: usize) {
    let mut room = [&vec![0; len][..], &FENCE].concat();
    let (contents, fence) = room.split_at_mut(len);
    let into = decompressor.decompress_into(id, stored, contents);
    assert_eq!(*fence, FENCE, "{id} passed its bound");
    let mut appended = Vec::new();
    let decompressed = decompressor.decompress(id, stored, len, &mut appended);
    match decompressed {
        Ok(()) => assert!(into.is_ok() && appended == *contents),
        Err(_) => assert!(appended.is_empty()),
    }
}

#[test]
fn a_length_that_is_not_the_contents_is_refused() {
    let contents = text(100);
    for codec in built() {
        let stored = compress(codec, &contents).unwrap();
        for wrong in [
            0,
            1,
            contents.len() - 1,
            contents.len() + 1,
            contents.len() * 2,
        ] {
            let refused = decompress(codec.id(), &stored, wrong).unwrap_err();
            assert!(
                matches!(refused, DecompressError::Malformed { .. }),
                "{codec:?} as {wrong} bytes: {refused}"
            );
        }
    }
}

/// A length that only a damaged parent could claim takes no memory.
#[test]
fn an_absurd_length_is_refused_at_once() {
    for codec in built() {
        let stored = compress(codec, &text(10)).unwrap();
        for absurd in [stored.len() * 40_000, 1 << 40, usize::MAX] {
            let refused = decompress(codec.id(), &stored, absurd).unwrap_err();
            assert!(
                matches!(refused, DecompressError::Malformed { .. }),
                "{codec:?} as {absurd} bytes: {refused}"
            );
        }
    }
}

#[test]
fn stored_bytes_that_are_cut_or_followed_are_refused() {
    let contents = text(30);
    for codec in built() {
        let stored = compress(codec, &contents).unwrap();
        for len in 0..stored.len() {
            let refused = decompress(codec.id(), &stored[..len], contents.len());
            assert!(refused.is_err(), "{codec:?} cut to {len} bytes");
        }
        for tail in [&[0][..], &[0xFF], &noise(30), &stored] {
            let longer = [&stored[..], tail].concat();
            let refused = decompress(codec.id(), &longer, contents.len());
            assert!(refused.is_err(), "{codec:?} followed by {tail:?}");
        }
    }
}

#[test]
fn every_bit_may_flip() {
    let contents = text(30);
    let mut decompressor = Decompressor::new();
    for codec in built() {
        let stored = compress(codec, &contents).unwrap();
        for bit in 0..stored.len() * 8 {
            let mut damaged = stored.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            check_bounded(&mut decompressor, codec.id(), &damaged, contents.len());
        }
        let read = decompress(codec.id(), &stored, contents.len());
        assert_eq!(read.unwrap(), contents, "{codec:?} after damage");
    }
}

#[test]
fn errors_say_what_was_expected_and_what_was_found() {
    let refused = decompress(CodecId::None, b"slate", 4).unwrap_err();
    assert_eq!(refused.to_string(), "damaged none");
    let why = std::error::Error::source(&refused).unwrap().to_string();
    assert_eq!(why, "length of the contents: expected 4, found 5");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn any_bytes_are_bounded(stored in prop::collection::vec(any::<u8>(), 0..300), len in 0..5000_usize) {
        let mut decompressor = Decompressor::new();
        for id in IDS {
            check_bounded(&mut decompressor, id, &stored, len);
        }
    }

    /// One that was used for damage is as good as new.
    #[test]
    fn damaged_bytes_are_bounded(
        contents in contents(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
        len in 0..30_000_usize,
    ) {
        let mut decompressor = Decompressor::new();
        for codec in built() {
            let Some(stored) = compress(codec, &contents) else {
                continue;
            };
            let mut damaged = stored.clone();
            for (at, byte) in &damage {
                damaged[at.index(stored.len())] = *byte;
            }
            check_bounded(&mut decompressor, codec.id(), &damaged, contents.len());
            check_bounded(&mut decompressor, codec.id(), &damaged, len);
            let mut read = Vec::new();
            decompressor.decompress(codec.id(), &stored, contents.len(), &mut read).unwrap();
            prop_assert!(read == contents, "{:?}", codec);
        }
    }
}

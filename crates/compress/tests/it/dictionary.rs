//! Zstd's dictionaries: trained, kept by their bytes, found by their ids.

use std::sync::Arc;

use drystone_compress::{
    CodecId, CompressError, Compressor, DecompressError, Decompressor, Dictionary, DictionaryError,
};

use crate::codecs::text;
use crate::golden;

/// Short and alike: what dictionaries are for.
fn sample(number: usize) -> Vec<u8> {
    let stone = ["granite", "gneiss", "slate", "greywacke"][number % 4];
    let text = format!(
        r#"{{"id": {number}, "quarry": "north face {}", "stone": "{stone}", "weight": {}}}"#,
        number % 13,
        number * 7919 % 500
    );
    text.into_bytes()
}

fn trained(from: usize, level: u8) -> Dictionary {
    let samples: Vec<Vec<u8>> = (from..from + 1000).map(sample).collect();
    let samples: Vec<&[u8]> = samples.iter().map(Vec::as_slice).collect();
    Dictionary::train(&samples, 2048, level).unwrap()
}

fn compress(dictionary: &Dictionary, contents: &[u8]) -> Vec<u8> {
    let mut stored = Vec::new();
    let pays = Compressor::new().compress_with(dictionary, contents, contents.len(), &mut stored);
    assert!(pays.unwrap());
    stored
}

#[test]
fn what_a_dictionary_compressed_comes_back() {
    let dictionary = trained(0, 3);
    assert!(dictionary.bytes().len() <= 2048);
    let contents = sample(5000);
    let stored = compress(&dictionary, &contents);
    assert!(stored.len() * 2 < contents.len(), "{} bytes", stored.len());

    // From its bytes alone, at any level, as after opening.
    let kept = Dictionary::from_bytes(dictionary.bytes(), 19).unwrap();
    assert_eq!(kept.id(), dictionary.id());
    let mut decompressor = Decompressor::new();
    decompressor.add(Arc::new(kept));
    let mut read = Vec::new();
    decompressor
        .decompress(CodecId::Zstd, &stored, contents.len(), &mut read)
        .unwrap();
    assert_eq!(read, contents);
}

#[test]
fn training_is_the_same_every_time() {
    assert_eq!(trained(0, 3).bytes(), trained(0, 19).bytes());
    assert_ne!(trained(0, 3).id(), trained(70_000, 3).id());
}

#[test]
fn a_dictionary_that_was_not_given_is_named() {
    let (first, second) = (trained(0, 3), trained(70_000, 3));
    let contents = sample(5000);
    let stored = compress(&first, &contents);
    let mut decompressor = Decompressor::new();
    decompressor.add(Arc::new(second));
    let refused = decompressor
        .decompress(CodecId::Zstd, &stored, contents.len(), &mut Vec::new())
        .unwrap_err();
    assert!(
        matches!(refused, DecompressError::UnknownDictionary { id } if id == first.id()),
        "{refused}"
    );
}

/// Frames with and without, of several dictionaries, by one compressor and one decompressor.
#[test]
fn dictionaries_do_not_get_in_each_others_way() {
    let dictionaries = [trained(0, 3), trained(70_000, 1)].map(Arc::new);
    let (mut compressor, mut decompressor) = (Compressor::new(), Decompressor::new());
    for dictionary in &dictionaries {
        decompressor.add(Arc::clone(dictionary));
    }
    for number in 0..50 {
        let contents = [sample(number), text(number % 7 * 5)].concat();
        let max = contents.len();
        let mut stored = Vec::new();
        let pays = match dictionaries.get(number % 3) {
            Some(dictionary) => compressor.compress_with(dictionary, &contents, max, &mut stored),
            None => compressor.compress(
                drystone_compress::Codec::Zstd(3),
                &contents,
                max,
                &mut stored,
            ),
        };
        if !pays.unwrap() {
            assert_eq!(number % 3, 2, "short contents pay with a dictionary");
            continue;
        }
        let mut read = Vec::new();
        decompressor
            .decompress(CodecId::Zstd, &stored, max, &mut read)
            .unwrap();
        assert_eq!(read, contents);
    }
}

#[test]
fn damage_to_a_frame_with_a_dictionary_is_bounded() {
    let dictionary = Arc::new(trained(0, 3));
    let contents = sample(5000);
    let stored = compress(&dictionary, &contents);
    let mut decompressor = Decompressor::new();
    decompressor.add(dictionary);
    for bit in 0..stored.len() * 8 {
        let mut damaged = stored.clone();
        damaged[bit / 8] ^= 1 << (bit % 8);
        let mut read = Vec::new();
        let decompressed =
            decompressor.decompress(CodecId::Zstd, &damaged, contents.len(), &mut read);
        assert_eq!(
            read.len(),
            if decompressed.is_ok() {
                contents.len()
            } else {
                0
            }
        );
    }
}

#[test]
fn what_is_no_dictionary_is_refused() {
    let bytes = trained(0, 3).bytes().to_vec();
    for wrong in [&b""[..], b"slate", &[0; 300], &bytes[..8], &bytes[..40]] {
        let refused = Dictionary::from_bytes(wrong, 3).unwrap_err();
        assert!(
            matches!(refused, DictionaryError::Malformed { .. }),
            "{refused}"
        );
    }
    let refused = Dictionary::from_bytes(&bytes, 23).unwrap_err();
    assert!(
        matches!(
            refused,
            DictionaryError::Level(CompressError::Level { level: 23, .. })
        ),
        "{refused}"
    );
}

#[test]
fn too_few_samples_train_none() {
    for samples in [&[][..], &[&b"one"[..]]] {
        let refused = Dictionary::train(samples, 2048, 3).unwrap_err();
        assert!(
            matches!(refused, DictionaryError::Samples { .. }),
            "{refused}"
        );
    }
}

#[test]
fn what_version_1_stored_with_a_dictionary_is_read() {
    let contents = sample(5000);
    if golden::is_writing() {
        let dictionary = trained(0, 3);
        golden::write("dictionary", dictionary.bytes());
        golden::write("dictionary.zst", &compress(&dictionary, &contents));
    }
    let dictionary = Dictionary::from_bytes(&golden::read("dictionary"), 3).unwrap();
    let mut decompressor = Decompressor::new();
    decompressor.add(Arc::new(dictionary));
    let stored = golden::read("dictionary.zst");
    let mut read = Vec::new();
    decompressor
        .decompress(CodecId::Zstd, &stored, contents.len(), &mut read)
        .unwrap();
    assert_eq!(read, contents);
}

//! A manifest comes back as it was written, and no other bytes pass for one.

use drystone_base::Timestamp;
use proptest::prelude::*;

use drystone_engine::EngineError;

use super::format::{NAMED_BYTES, NotAManifest, decode, encode};
use super::*;
use crate::{CustomEngine, Options};

const SAMPLE: Manifest = Manifest {
    id: *b"0123456789abcdef",
    engine: EngineKind::BTree,
    created: Timestamp(7),
};

#[test]
fn created_once_and_read_back() {
    let env = Env::memory(1);
    let directory = Path::new("db");
    env.files.create_dir_all(directory).unwrap();
    assert_eq!(Manifest::read(&env, directory).unwrap(), None);
    let new = NewManifest::begin(&env, directory, SAMPLE).unwrap();
    let unfinished = directory.join(NewManifest::FILE);
    assert!(env.files.exists(&unfinished).unwrap());
    assert_eq!(Manifest::read(&env, directory).unwrap(), None);
    new.finish(&env, directory).unwrap();
    assert!(!env.files.exists(&unfinished).unwrap());
    assert_eq!(Manifest::read(&env, directory).unwrap(), Some(SAMPLE));
}

#[test]
fn version_1_stays_readable() {
    let golden: &[u8] = include_bytes!("../../tests/golden/manifest-1");
    assert_eq!(decode(golden).unwrap(), SAMPLE);
    assert_eq!(encode(SAMPLE), golden);
}

/// One with an engine of this name, which nobody opens.
fn named(name: &'static str) -> Manifest {
    let engine = CustomEngine::new(name, |_, folder| {
        let path = folder.to_owned();
        Err(EngineError::UnsupportedVersion {
            path,
            found: 0,
            supported: 0,
        })
    });
    let options = Options {
        engine: Some(engine),
        ..Options::default()
    };
    Manifest {
        engine: EngineKind::of(&options),
        ..SAMPLE
    }
}

#[test]
fn version_2_stays_readable_and_names_the_engine() {
    let golden: &[u8] = include_bytes!("../../tests/golden/manifest-2");
    let manifest = named("model");
    assert_eq!(decode(golden).unwrap(), manifest);
    assert_eq!(encode(manifest), golden);
    assert_eq!(manifest.engine.to_string(), "\"model\"");
}

#[test]
fn the_longest_name_comes_back() {
    let manifest = named("an-engine-with-a-name-of-32-bytes".split_at(32).0);
    assert_eq!(decode(&encode(manifest)).unwrap(), manifest);
}

#[test]
#[should_panic(expected = "no name for an engine")]
fn a_name_with_a_space_is_none() {
    named("two words");
}

#[test]
fn every_flipped_bit_is_found() {
    for manifest in [SAMPLE, named("model")] {
        for bit in 0..encode(manifest).len() * 8 {
            let mut bytes = encode(manifest);
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert!(decode(&bytes).is_err(), "bit {bit} went unnoticed");
        }
    }
}

#[test]
fn a_name_must_be_one_and_the_engine_must_be_of_the_version() {
    let rewritten = |change: fn(&mut Vec<u8>)| {
        let mut bytes = encode(named("model"));
        bytes.truncate(NAMED_BYTES - 4);
        change(&mut bytes);
        let crc = drystone_base::checksum::crc32c(&bytes);
        bytes.extend(crc.to_le_bytes());
        decode(&bytes).unwrap_err()
    };
    assert_eq!(rewritten(|bytes| bytes[44] = 0), NotAManifest::EngineName);
    assert_eq!(
        rewritten(|bytes| bytes[45] = b' '),
        NotAManifest::EngineName
    );
    assert_eq!(
        rewritten(|bytes| bytes[70] = b'x'),
        NotAManifest::EngineName
    );
    assert_eq!(
        rewritten(|bytes| bytes[28] = 1),
        NotAManifest::Engine { found: 1 }
    );
}

#[test]
fn a_newer_version_is_named() {
    let mut bytes = encode(SAMPLE);
    bytes[8] = 9;
    assert_eq!(decode(&bytes), Err(NotAManifest::Version { found: 9 }));
}

proptest! {
    #[test]
    fn any_bytes_decode_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2 * NAMED_BYTES)) {
        prop_assert!(decode(&bytes).is_err());
    }
}

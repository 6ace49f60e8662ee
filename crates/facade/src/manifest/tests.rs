//! A manifest comes back as it was written, and no other bytes pass for one.

use drystone_base::Timestamp;
use proptest::prelude::*;

use super::format::{BYTES, NotAManifest, decode, encode};
use super::*;

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

#[test]
fn every_flipped_bit_is_found() {
    for bit in 0..BYTES * 8 {
        let mut bytes = encode(SAMPLE);
        bytes[bit / 8] ^= 1 << (bit % 8);
        assert!(decode(&bytes).is_err(), "bit {bit} went unnoticed");
    }
}

#[test]
fn a_newer_version_is_named() {
    let mut bytes = encode(SAMPLE);
    bytes[8] = 9;
    assert_eq!(decode(&bytes), Err(NotAManifest::Version { found: 9 }));
}

proptest! {
    #[test]
    fn any_bytes_decode_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2 * BYTES)) {
        prop_assert!(decode(&bytes).is_err());
    }
}

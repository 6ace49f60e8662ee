//! The laws of engines, with blocks so small that short histories make many of them.

use drystone_lsm::{Codec, Lsm, LsmOptions, MAX_KEY_BYTES};
use drystone_testkit::laws::EngineLaws;

/// Small blocks, and SSTs of so many of them that there are few files: the laws wound each file two thousand times.
fn small() -> LsmOptions {
    LsmOptions {
        sst_bytes: 64 << 10,
        ..crate::small()
    }
}

#[test]
fn an_engine_of_small_files_keeps_the_laws_of_engines() {
    let open = |env: &_, dir: &_| Lsm::open(env, dir, small());
    EngineLaws::new(open)
        .limits(MAX_KEY_BYTES, 1 << 20)
        .check_all();
}

#[test]
fn a_compressed_engine_keeps_the_laws_of_engines() {
    let options = LsmOptions {
        codecs: vec![Codec::Lz4, Codec::Snappy],
        filter_bits_per_key: 0,
        level0_runs: 1,
        ..small()
    };
    let open = move |env: &_, dir: &_| Lsm::open(env, dir, options.clone());
    EngineLaws::new(open)
        .seed(3)
        .limits(MAX_KEY_BYTES, 1 << 20)
        .check_all();
}

#[test]
fn an_engine_by_default_keeps_the_laws_of_engines() {
    let open = |env: &_, dir: &_| Lsm::open(env, dir, LsmOptions::default());
    EngineLaws::new(open).seed(7).check_all();
}

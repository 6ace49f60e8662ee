//! Tests of compactions: what they are given may be damaged in ways that no checksum shows.

use std::path::Path;

use drystone_base::Env;
use drystone_storage_pager::{CachePolicy, PageCache};

use super::*;
use crate::sst::Sst;
use crate::sst::run_writer::Numbers;
use crate::sst::writer::{Shape, SstWriter};
use crate::store::Store;

const SHAPE: Shape = Shape {
    block_bytes: 128,
    filter_bits_per_key: 10,
};

/// An SST with these keys, of which is said that they begin with `smallest`.
fn sst(store: &Arc<Store>, number: u64, keys: &[&str], smallest: &str) -> Arc<Sst> {
    let full = |key: &str| [&[0, 0, 0, 7], key.as_bytes()].concat();
    let mut writer = SstWriter::create(store, SHAPE, number).unwrap();
    for key in keys {
        writer
            .add(&full(key), Some(&[7; 100]), Codec::None)
            .unwrap();
    }
    let mut meta = writer.finish(0, 0).unwrap();
    meta.smallest = full(smallest);
    Arc::new(Sst::new(meta, Arc::clone(store)))
}

/// What merging a run of two SSTs leads to, of which the second is said to begin with "d".
fn compacted(first: &[&str], second: &[&str]) -> Result<Slice, EngineError> {
    let env = Env::memory(1);
    let dir = Path::new("lsm");
    env.files.create_dir_all(dir).unwrap();
    let cache = PageCache::new(1 << 20, CachePolicy::default());
    let store = Arc::new(Store::new(&env, dir, cache));
    let ssts = vec![sst(&store, 1, first, first[0]), sst(&store, 2, second, "d")];
    let numbers = Arc::new(Numbers::new(3));
    let plan = Plan {
        upper: vec![Run::new(ssts).unwrap()],
        lower: Vec::new(),
        output_level: 1,
    };
    let output = RunWriter::new(&store, &numbers, SHAPE, 1 << 20, 1);
    let options = LsmOptions::default();
    let version = Arc::new(Version::default());
    let mut compaction = Compaction::new(version, plan, output, &options);
    let slice = compaction.step(Budget { bytes: u64::MAX });
    drop(compaction);
    if slice.is_err() {
        assert_eq!(env.files.list_dir(dir).unwrap().len(), 2, "nothing is left");
    }
    slice
}

#[test]
fn keys_that_do_not_ascend_are_damage() {
    assert!(compacted(&["a", "c"], &["d", "e"]).unwrap().is_done);
    for second in [["b", "e"], ["c", "e"]] {
        let found = compacted(&["a", "c"], &second);
        assert!(
            matches!(found, Err(EngineError::Corrupt { .. })),
            "{second:?}"
        );
    }
}

//! Tests of SSTs: blocks with right checksums that are not what they should be.

use std::path::Path;

use drystone_base::Env;
use drystone_compress::Codec;
use drystone_storage_pager::{CachePolicy, PageCache};

use super::writer::{Shape, SstWriter};
use super::*;

#[test]
fn a_filter_of_a_wrong_length_is_damage() {
    let env = Env::memory(1);
    let dir = Path::new("lsm");
    env.files.create_dir_all(dir).unwrap();
    let cache = PageCache::new(1 << 20, CachePolicy::default());
    let store = Arc::new(Store::new(&env, dir, cache));
    let shape = Shape {
        block_bytes: 128,
        filter_bits_per_key: 10,
    };
    let mut writer = SstWriter::create(&store, shape, 1).unwrap();
    let key = [0, 0, 0, 7, b'k'];
    writer.add(&key, Some(b"value"), Codec::None).unwrap();
    let sst = Sst::new(writer.finish(0, 0).unwrap(), store);
    let hash = filter::hash(&key);
    let partition = sst.partition_of(&key).unwrap().unwrap();
    assert!(sst.may_hold(&partition, hash).unwrap());
    let wrong = Partition {
        filter: partition.index,
        ..partition
    };
    assert!(!wrong.filter.stored_len.is_multiple_of(32));
    let found = sst.may_hold(&wrong, hash);
    assert!(matches!(found, Err(EngineError::Corrupt { .. })));
}

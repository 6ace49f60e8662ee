//! Tests of what counts as garbage.

use std::path::Path;

use drystone_base::Env;
use drystone_storage_pager::{CachePolicy, PageCache};

use super::*;
use crate::manifest::edit::Edit;
use crate::sst::meta::SstMeta;
use crate::store::Store;

fn meta(number: u64, level: usize, keys: [u8; 2], tombstones: u64) -> SstMeta {
    let full = |key: u8| vec![0, 0, 0, 7, key];
    SstMeta {
        number,
        level,
        run: if level == 0 { number } else { 0 },
        file_len: 100,
        footer_crc: 0,
        entries: 1000,
        tombstones,
        smallest: full(keys[0]),
        largest: full(keys[1]),
    }
}

fn holds_garbage(add: Vec<SstMeta>) -> bool {
    let env = Env::memory(1);
    let cache = PageCache::new(1 << 20, CachePolicy::default());
    let store = Arc::new(Store::new(&env, Path::new("lsm"), cache));
    let edit = Edit {
        add,
        ..Edit::default()
    };
    holds_much_garbage(&Version::default().apply(&edit, &store).unwrap())
}

#[test]
fn only_what_overlaps_may_be_garbage() {
    let bottom = || meta(1, 6, [1, 9], 0);
    assert!(!holds_garbage(vec![bottom()]));
    assert!(!holds_garbage(vec![bottom(), meta(2, 0, [20, 29], 0)]));
    assert!(holds_garbage(vec![bottom(), meta(2, 0, [9, 29], 0)]));
    assert!(holds_garbage(vec![bottom(), meta(2, 0, [20, 29], 900)]));
    let huge = |number, keys| SstMeta {
        entries: u64::MAX >> 2,
        tombstones: u64::MAX >> 2,
        file_len: u64::MAX >> 2,
        ..meta(number, 0, keys, 0)
    };
    let all = (1..9).map(|number| huge(number, [1, 9])).collect();
    assert!(holds_garbage(all), "sums end at the largest number");
}

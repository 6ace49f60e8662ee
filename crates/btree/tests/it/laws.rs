//! The laws of engines, with pages so small that short histories make deep trees.

use drystone_btree::{BTree, BTreeOptions, Codec, MAX_KEY_BYTES, MIN_PAGE_BYTES};
use drystone_testkit::laws::EngineLaws;

fn options(page_bytes: u32, pinned_bytes_max: u64) -> BTreeOptions {
    let mut options = BTreeOptions {
        page_bytes,
        pinned_bytes_max,
        ..BTreeOptions::default()
    };
    options.pager.cache_bytes = 64 << 10;
    options
}

#[test]
fn a_tree_of_small_pages_keeps_the_laws_of_engines() {
    let open = |env: &_, dir: &_| BTree::open(env, dir, options(MIN_PAGE_BYTES, 2000));
    EngineLaws::new(open)
        .limits(MAX_KEY_BYTES, 1 << 20)
        .check_all();
}

#[test]
fn a_compressed_tree_keeps_the_laws_of_engines() {
    let options = BTreeOptions {
        codec: Codec::Lz4,
        ..options(8192, 2000)
    };
    let open = move |env: &_, dir: &_| BTree::open(env, dir, options.clone());
    EngineLaws::new(open)
        .seed(3)
        .limits(MAX_KEY_BYTES, 1 << 20)
        .check_all();
}

#[test]
fn a_tree_of_default_pages_keeps_the_laws_of_engines() {
    let open = |env: &_, dir: &_| BTree::open(env, dir, BTreeOptions::default());
    EngineLaws::new(open).seed(7).check_all();
}

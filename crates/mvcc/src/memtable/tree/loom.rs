//! Every order of a writer's and a reader's steps in the tree, with every value that weak memory may show.
//!
//! Run by `cargo xtask loom`. The reader goes on while the writer is at any point of an insert, a split or a new
//! version; what its LSN promises must be there, and what was there before must stay.

use ::loom::sync::Arc;
use ::loom::thread;
use drystone_base::sync::atomic::{AtomicU64, Ordering};
use drystone_base::sync::check_orders;

use super::*;

/// A tree, and the LSN that readers may see of it.
struct Published {
    tree: Tree,
    visible: AtomicU64,
}

impl Published {
    /// Keys 1 to `count`, put at their own LSN with themselves as values.
    fn with_keys(count: u64) -> Arc<Published> {
        let published = Published {
            tree: Tree::new(),
            visible: AtomicU64::new(0),
        };
        (1..=count).for_each(|number| published.put(&[10 * key(number)], number));
        Arc::new(published)
    }

    fn put(&self, key: &[u8], lsn: u64) {
        let value = Bytes::copy_from_slice(&lsn.to_le_bytes());
        self.tree.put(key, Lsn(lsn), Some(&value));
        self.visible.store(lsn, Ordering::Release);
    }

    fn visible(&self) -> u64 {
        self.visible.load(Ordering::Acquire)
    }

    /// The value of a key at an LSN.
    fn get(&self, key: &[u8], lsn: u64) -> Option<u64> {
        let value = self.tree.get(key, Lsn(lsn))??;
        Some(u64::from_le_bytes(value[..].try_into().unwrap()))
    }
}

fn key(number: u64) -> u8 {
    u8::try_from(number).unwrap()
}

/// One thread writes two keys, a new one and a new version of the first, while another reads.
fn write_beside_reader(before: u64, added: &'static [u8]) {
    let shared = Published::with_keys(before);
    let writer = {
        let shared = Arc::clone(&shared);
        thread::spawn(move || shared.put(added, before + 1))
    };
    let lsn = shared.visible();
    let is_there = lsn > before;
    assert_eq!(
        shared.get(added, lsn),
        is_there.then_some(lsn),
        "as promised"
    );
    assert_eq!(shared.get(&[10], before), Some(1), "as it was before");
    writer.join().unwrap();
    assert_eq!(shared.get(added, before + 1), Some(before + 1));
}

#[test]
fn loom_an_insert_into_a_leaf() {
    check_orders("an_insert_into_a_leaf", || write_beside_reader(2, &[15]));
}

#[test]
fn loom_a_leaf_that_splits_and_a_root_that_grows() {
    check_orders("a_leaf_that_splits_and_a_root_that_grows", || {
        write_beside_reader(15, &[75])
    });
}

#[test]
fn loom_an_append_that_leaves_a_full_leaf_behind() {
    check_orders("an_append_that_leaves_a_full_leaf_behind", || {
        write_beside_reader(15, &[200])
    });
}

#[test]
fn loom_a_new_version_of_a_key() {
    check_orders("a_new_version_of_a_key", || {
        let shared = Published::with_keys(1);
        let writer = {
            let shared = Arc::clone(&shared);
            thread::spawn(move || {
                shared.put(&[10], 2);
                shared.put(&[10], 3);
            })
        };
        let lsn = shared.visible();
        assert_eq!(shared.get(&[10], lsn), Some(lsn));
        assert_eq!(shared.get(&[10], 1), Some(1), "an older view changed");
        writer.join().unwrap();
    });
}

#[test]
fn loom_a_batch_that_splits_its_leaf() {
    check_orders("a_batch_that_splits_its_leaf", || {
        let shared = Published::with_keys(14);
        let writer = {
            let shared = Arc::clone(&shared);
            thread::spawn(move || {
                let value = Bytes::copy_from_slice(&15u64.to_le_bytes());
                let keys = [15, 75, 200].map(|key: u8| Bytes::copy_from_slice(&[key]));
                let changes = keys.iter().map(|key| (key, Some(&value)));
                shared.tree.put_all(changes, Lsn(15));
                shared.visible.store(15, Ordering::Release);
            })
        };
        let lsn = shared.visible();
        let is_there = lsn > 14;
        assert_eq!(
            shared.get(&[200], lsn),
            is_there.then_some(15),
            "as promised"
        );
        assert_eq!(shared.get(&[10], 14), Some(1), "as it was before");
        writer.join().unwrap();
        assert_eq!(shared.get(&[75], 15), Some(15));
    });
}

#[test]
fn loom_a_cursor_beside_an_insert() {
    check_orders("a_cursor_beside_an_insert", || {
        let shared = Published::with_keys(2);
        let writer = {
            let shared = Arc::clone(&shared);
            thread::spawn(move || shared.put(&[15], 3))
        };
        let lsn = shared.visible();
        let order = shared.tree.order(shared.tree.root());
        let keys = order.slots().map(|slot| {
            let entry = shared.tree.entry_ref(shared.tree.root(), slot).unwrap();
            shared.tree.entry(entry).key()[0]
        });
        let keys: Vec<u8> = keys.collect();
        let expected: &[u8] = if keys.len() == 3 {
            &[10, 15, 20]
        } else {
            &[10, 20]
        };
        assert_eq!(keys, expected);
        assert!(lsn < 3 || keys.len() == 3, "published, and not there");
        writer.join().unwrap();
    });
}

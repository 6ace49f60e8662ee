//! A whole memtable: a commit to a second keyspace beside a reader that asks as the store does, filter first.

use ::loom::sync::Arc;
use ::loom::thread;
use drystone_base::sync::atomic::{AtomicU64, Ordering};
use drystone_base::sync::check_orders;

use super::*;

struct Published {
    memtable: Memtable,
    visible: AtomicU64,
}

impl Published {
    fn put(&self, keyspace: KeyspaceId, lsn: u64) {
        let (key, value) = (
            Bytes::from_static(b"key"),
            Some(Bytes::from_static(b"value")),
        );
        self.memtable
            .apply(keyspace, std::iter::once((&key, value.as_ref())), Lsn(lsn));
        self.visible.store(lsn, Ordering::Release);
    }

    fn has(&self, keyspace: KeyspaceId, lsn: u64) -> bool {
        if !self.memtable.may_have(KeyHash::new(keyspace, b"key")) {
            return false;
        }
        let table = self.memtable.table(keyspace);
        table.is_some_and(|table| table.get(b"key", Lsn(lsn)).is_some())
    }
}

/// The keyspaces share a bucket of the directory, so that the second table hangs on the first.
#[test]
fn loom_a_commit_that_adds_a_table() {
    check_orders("a_commit_that_adds_a_table", || {
        let [first, second] = [KeyspaceId(1), KeyspaceId(65)];
        let shared = Arc::new(Published {
            memtable: Memtable::new(0),
            visible: AtomicU64::new(0),
        });
        shared.put(first, 1);
        let writer = {
            let shared = Arc::clone(&shared);
            thread::spawn(move || shared.put(second, 2))
        };
        let lsn = shared.visible.load(Ordering::Acquire);
        for (keyspace, since) in [(first, 1), (second, 2)] {
            assert_eq!(shared.has(keyspace, lsn), lsn >= since);
        }
        assert!(shared.memtable.newest() >= Lsn(lsn));
        writer.join().unwrap();
    });
}

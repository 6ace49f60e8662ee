//! Reads of the newest state, with a view and without one.

use drystone_mvcc::Durability;
use shuttle::thread;

use crate::runner::check;
use crate::support::{get, number, put, store};

/// A writer counts, a merger takes what it wrote into the base. A view shows the count that its LSN stands for; a read
/// without a view shows one that was the newest at some moment of the call.
#[test]
fn reads_beside_commits_and_merges() {
    check("reads_beside_commits_and_merges", || {
        let (_, store, keyspace) = store(1 << 20);
        let first = store.view().lsn().0;
        let writer = {
            let store = store.clone();
            thread::spawn(move || {
                for count in 1..=4 {
                    put(&store, keyspace, "count", count, Durability::None).unwrap();
                }
            })
        };
        let merger = {
            let store = store.clone();
            thread::spawn(move || (0..2).for_each(|_| store.flush().unwrap()))
        };
        let newest = || store.visible_lsn().0 - first;
        for _ in 0..5 {
            let view = store.view();
            let shown = get(&view, keyspace, "count");
            assert_eq!(shown, view.lsn().0 - first, "another state than the view's");
            let before = newest();
            let read = store.get(keyspace, b"count").unwrap().map_or(0, number);
            assert!(
                (before..=newest()).contains(&read),
                "{read} was never the newest"
            );
        }
        writer.join().unwrap();
        merger.join().unwrap();
        let read = store.get(keyspace, b"count").unwrap().map(number);
        assert_eq!(read, Some(4));
    });
}

//! Keyspaces that come and go beside commits.

use drystone_mvcc::{Durability, StoreError};
use shuttle::thread;

use crate::runner::check;
use crate::support::{MEMTABLE_BYTES, all, begin, create, open_store, put, store};

/// One thread drops the keyspace that two others write to, and makes it anew, while a third merges. A writer hears of a
/// conflict or of a keyspace that is gone; what it committed before the drop is gone, what it committed later is there.
#[test]
fn keyspaces_dropped_beside_commits() {
    check("keyspaces_dropped_beside_commits", || {
        let (env, store, main) = store(MEMTABLE_BYTES);
        let doomed = create(&store, "doomed");
        let writers = ["a", "b"].map(|key| {
            let store = store.clone();
            thread::spawn(move || {
                for value in 1..=3 {
                    let wrote = put(&store, doomed, key, value, Durability::Async);
                    match wrote {
                        Ok(_) => {}
                        Err(StoreError::Conflict { .. } | StoreError::NoSuchKeyspaceId { .. }) => {}
                        Err(other) => panic!("{other}"),
                    }
                    put(&store, main, key, value, Durability::None).unwrap();
                }
            })
        });
        let merger = {
            let store = store.clone();
            thread::spawn(move || store.flush().unwrap())
        };
        let anew = loop {
            let mut tx = begin(&store);
            tx.drop_keyspace("doomed").unwrap();
            let anew = tx.create_keyspace("doomed").unwrap();
            match tx.commit(Durability::Sync) {
                Ok(_) => break anew,
                Err(StoreError::Conflict { .. }) => thread::yield_now(),
                Err(other) => panic!("{other}"),
            }
        };
        let mut left = Vec::new();
        for writer in writers {
            writer.join().unwrap();
        }
        merger.join().unwrap();
        for reopened in [false, true] {
            let store = match reopened {
                false => store.clone(),
                true => {
                    store.close().unwrap();
                    open_store(&env, MEMTABLE_BYTES).unwrap()
                }
            };
            let view = store.view();
            assert_eq!(view.keyspace("doomed").unwrap(), Some(anew));
            assert!(all(&view, doomed).is_empty(), "dropped, and still there");
            assert_eq!(all(&view, main).len(), 2);
            left.push(all(&view, main));
        }
        assert_eq!(left[0], left[1]);
    });
}

/// Two threads create a keyspace of the same name: one of them, or both after one another, get the same one.
#[test]
fn keyspaces_created_at_once() {
    check("keyspaces_created_at_once", || {
        let (_, store, _) = store(1 << 20);
        let threads = [(); 2].map(|()| {
            let store = store.clone();
            thread::spawn(move || {
                loop {
                    let mut tx = begin(&store);
                    if let Some(found) = tx.keyspace("new").unwrap() {
                        return found;
                    }
                    let made = tx.create_keyspace("new").unwrap();
                    match tx.commit(Durability::Async) {
                        Ok(_) => return made,
                        Err(StoreError::Conflict { .. }) => thread::yield_now(),
                        Err(other) => panic!("{other}"),
                    }
                }
            })
        });
        let [one, other] = threads.map(|thread| thread.join().unwrap());
        assert_eq!(one, other);
        assert_eq!(store.view().keyspaces().unwrap().len(), 2);
    });
}

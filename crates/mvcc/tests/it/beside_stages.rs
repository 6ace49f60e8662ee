//! What others do while the stage of a large commit is made: they go on, as far as memory goes, and what they change counts.

use drystone_base::{Env, KeyspaceId};
use drystone_mvcc::{Contended, Durability, Store, StoreError, StoreOptions, Transaction};
use drystone_testkit::{CRASH_FOLDER, CrashPolicy, SimFileSystem};

use crate::hooked::{Hooked, ids};
use crate::large::{check_sound, key};
use crate::support::{begin, get, put};

fn tiny() -> StoreOptions {
    StoreOptions {
        memtable_bytes: 4 << 10,
        sealed_memtables_max: 2,
        spill_bytes: 2 << 10,
        ..StoreOptions::default()
    }
}

fn open() -> (SimFileSystem, std::sync::Arc<Hooked>, Store, KeyspaceId) {
    let disk = SimFileSystem::with_folder(1, CRASH_FOLDER);
    let (engine, store) = Hooked::open(&disk.env(), tiny()).unwrap();
    let [ks] = ids(&store, ["main"]);
    (disk, engine, store, ks)
}

/// A transaction that has spilled: keys 0 to 99 are `value`.
fn large(store: &Store, ks: KeyspaceId, value: u8) -> Transaction {
    let mut tx = begin(store);
    for number in 0..100 {
        tx.put(ks, key(number), vec![value; 100]).unwrap();
    }
    tx
}

fn reopened(disk: &SimFileSystem) -> Store {
    let env: Env = disk.crash(CrashPolicy::LoseAll).env();
    Hooked::open(&env, tiny()).unwrap().1
}

fn first_byte(store: &Store, ks: KeyspaceId, number: u64) -> u8 {
    store.get(ks, &key(number)).unwrap().unwrap()[0]
}

#[test]
fn others_commit_as_long_as_memtables_have_room() {
    let (disk, engine, store, ks) = open();
    let tx = large(&store, ks, 1);
    let others = store.clone();
    engine.meanwhile(move || {
        // One more may begin to fill; who would fill it waits for the end of the stage.
        for number in 1_000.. {
            put(&others, ks, &format!("other {number}"), &"x".repeat(100));
            if others.stats().sealed_memtables == 3 {
                break;
            }
        }
    });
    tx.commit(Durability::Sync).unwrap();
    assert!(store.stats().sealed_memtables <= 3, "S4");
    put(&store, ks, "last", "of all");
    for store in [&store, &reopened(&disk)] {
        assert_eq!(get(&store.view(), ks, "last").as_deref(), Some("of all"));
        assert!(store.view().count(ks).unwrap() > 100 + 3 * 10);
        assert_eq!(first_byte(store, ks, 50), 1);
        store.flush().unwrap();
        check_sound(store);
    }
}

#[test]
fn no_memtable_is_sealed_for_a_stage_and_the_active_one_goes_on() {
    let (disk, engine, store, ks) = open();
    let (early, late) = (begin(&store), begin(&store));
    let tx = large(&store, ks, 1);
    let others = store.clone();
    engine.meanwhile(move || {
        put(&others, ks, "other", "before");
    });
    let lsn = tx.commit(Durability::Sync).unwrap();
    assert_eq!(store.stats().sealed_memtables, 0);
    assert_eq!(get(&store.view(), ks, "other").as_deref(), Some("before"));
    // The same memtable takes what is newer than the commit, of its keys too.
    put(&store, ks, "key 00007", "after");
    for (mut older, key) in [(early, "key 00008"), (late, "other")] {
        older.put(ks, key, "too late").unwrap();
        let refused = older.commit(Durability::Sync).unwrap_err();
        assert!(matches!(refused, StoreError::Conflict { .. }), "{refused}");
    }
    let mut newer = begin(&store);
    newer.put(ks, key(8), "newer").unwrap();
    assert!(newer.commit(Durability::Sync).unwrap() > lsn);
    for store in [&store, &reopened(&disk)] {
        for _ in 0..2 {
            let view = store.view();
            assert_eq!(get(&view, ks, "key 00007").as_deref(), Some("after"));
            assert_eq!(get(&view, ks, "key 00008").as_deref(), Some("newer"));
            assert_eq!(first_byte(store, ks, 9), 1);
            assert_eq!(view.count(ks).unwrap(), 101);
            store.flush().unwrap();
            check_sound(store);
        }
    }
}

/// A large commit to `main` while `act` is done to the store.
fn beside(act: impl FnOnce(&Store, KeyspaceId) + Send + 'static) -> Result<(), Contended> {
    let (disk, engine, store, ks) = open();
    put(&store, ks, "key 00003", "old");
    let mut tx = large(&store, ks, 1);
    tx.guard_key(ks, "guarded");
    let others = store.clone();
    engine.meanwhile(move || act(&others, ks));
    let committed = tx.commit(Durability::Sync);
    assert!(!engine.has_stage());
    let before = store.view().count(ks).unwrap();
    let after = reopened(&disk);
    assert_eq!(after.view().count(ks).unwrap(), before);
    check_sound(&after);
    check_sound(&store);
    match committed {
        Ok(_) => Ok(()),
        Err(StoreError::Conflict { what }) => Err(what),
        Err(other) => panic!("{other}"),
    }
}

#[test]
fn what_others_change_meanwhile_is_a_conflict_where_it_meets() {
    let key = |what: Result<(), Contended>| match what {
        Err(Contended::Key { key, .. }) => key,
        other => panic!("{other:?}"),
    };
    let found = key(beside(|store, ks| {
        put(store, ks, "key 00099", "mine");
    }));
    assert_eq!(found, "key 00099");
    let found = key(beside(|store, ks| {
        for number in 0..30 {
            put(store, ks, &format!("key 00002 and {number}"), "apart");
            if number == 20 {
                put(store, ks, "key 00002", "mine");
            }
        }
    }));
    assert_eq!(found, "key 00002");
    let found = key(beside(|store, ks| {
        put(store, ks, "guarded", "mine");
    }));
    assert_eq!(found, "guarded");
    let dropped = beside(|store, _| {
        let mut tx = begin(store);
        tx.drop_keyspace("main").unwrap();
        tx.commit(Durability::Sync).unwrap();
    });
    assert!(matches!(dropped, Err(Contended::Keyspace(_))));
    let elsewhere = beside(|store, ks| {
        put(store, ks, "apart", "mine");
        put(store, ks, "key 000999", "mine");
    });
    assert_eq!(elsewhere, Ok(()));
}

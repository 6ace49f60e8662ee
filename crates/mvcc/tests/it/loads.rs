//! Loads of sorted entries, loads that only add, and loads that others get in the way of.

use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use drystone_base::{Env, KeyspaceId};
use drystone_mvcc::{Contended, Durability, Store, StoreError, StoreOptions, Write};
use drystone_testkit::{CRASH_FOLDER, Draw, SimFileSystem};

use crate::large::{check_sound, key, open, spilled_files};
use crate::support::{all, begin, create, get, put, small};

fn store() -> (Env, Store, KeyspaceId) {
    let env = Env::memory(1);
    let store = open(&env).unwrap();
    let keyspace = create(&store, "main");
    (env, store, keyspace)
}

type Loaded = Result<drystone_base::Lsn, StoreError>;

fn load_sorted(store: &Store, keyspace: KeyspaceId, numbers: impl Iterator<Item = u64>) -> Loaded {
    store.load_sorted(keyspace, numbers.map(|number| Ok((key(number), [7; 100]))))
}

/// A write that waits for nothing, so that it needs no merge.
fn write(store: &Store, keyspace: KeyspaceId, key: Bytes) {
    let value = Some(Bytes::from_static(b"meanwhile"));
    let write = Write {
        keyspace,
        key,
        value,
    };
    store.write(&[write], Durability::None).unwrap();
}

#[test]
fn sorted_entries_are_one_commit_over_what_was_there() {
    let (env, store, ks) = store();
    put(&store, ks, "key 00001", "before");
    put(&store, ks, "key 99999", "stays");
    let before = store.view();
    let lsn = load_sorted(&store, ks, (0..2000).map(|number| number * 3 + 1)).unwrap();
    assert_eq!(store.view().lsn(), lsn);
    assert_eq!(store.view().count(ks).unwrap(), 2001);
    assert_eq!(all(&before, ks).len(), 2);
    assert_eq!(spilled_files(&env), 0);
    check_sound(&store);
    // Again, between and over what is there, with something in the memtable.
    put(&store, ks, "key 00000", "new");
    load_sorted(&store, ks, 0..3000).unwrap();
    assert_eq!(store.view().count(ks).unwrap(), 3000 + 1000 + 1);
    let found = store.view().get(ks, &key(0)).unwrap().unwrap();
    assert_eq!(found[..], [7; 100], "the load is the later commit");
    check_sound(&store);
    drop((store, before));
    let store = open(&env).unwrap();
    assert_eq!(store.view().count(ks).unwrap(), 4001);
    assert_eq!(
        get(&store.view(), ks, "key 99999").as_deref(),
        Some("stays")
    );
    check_sound(&store);
}

#[test]
fn little_that_is_sorted_is_a_transaction() {
    let (_env, store, ks) = store();
    let merges = store.stats().merges;
    let lsn = load_sorted(&store, ks, 0..2).unwrap();
    assert_eq!(store.view().lsn(), lsn);
    assert_eq!(store.view().count(ks).unwrap(), 2);
    assert_eq!(load_sorted(&store, ks, 0..0).unwrap(), lsn);
    assert_eq!(store.stats().merges, merges);
}

#[test]
fn without_a_folder_to_spill_to_it_must_fit_into_memory() {
    let options = StoreOptions {
        transaction_bytes_max: 20 << 10,
        ..small()
    };
    let store = crate::support::open(&Env::memory(1), options).unwrap();
    let ks = create(&store, "main");
    load_sorted(&store, ks, 0..100).unwrap();
    assert_eq!(store.view().count(ks).unwrap(), 100);
    let error = load_sorted(&store, ks, 100..1000).unwrap_err();
    assert!(matches!(error, StoreError::TooLarge { .. }), "{error}");
    assert_eq!(store.view().count(ks).unwrap(), 100);
}

#[test]
fn entries_out_of_order_are_refused_wherever_they_come() {
    let (env, store, ks) = store();
    for at in [1, 2, 50, 900] {
        for wrong in [0, at - 1] {
            let numbers = (0..at).chain([wrong]).chain(at..1000);
            let error = load_sorted(&store, ks, numbers).unwrap_err();
            let StoreError::Unsorted { entry, key: found } = error else {
                panic!("{error}");
            };
            assert_eq!((entry, found), (at, key(wrong)));
        }
    }
    assert_eq!(store.view().count(ks).unwrap(), 0);
    load_sorted(&store, ks, 0..1000).unwrap();
    assert_eq!(spilled_files(&env), 0);
    check_sound(&store);
}

#[test]
fn an_entry_that_fails_ends_the_load() {
    let (_env, store, ks) = store();
    for at in [0, 3, 700] {
        let entries = (0..1000).map(|number| match number == at {
            true => Err(StoreError::NoSuchSavepoint),
            false => Ok((key(number), [1; 100])),
        });
        let error = store.load_sorted(ks, entries).unwrap_err();
        assert!(matches!(error, StoreError::NoSuchSavepoint), "{error}");
    }
    let longest = store.load_sorted(ks, (0..500).map(|number| Ok((key(number), [1; 100]))));
    let _lsn: drystone_base::Lsn = longest.map_err(|error: StoreError| error).unwrap();
    let error = store
        .load_sorted(ks, [Ok((vec![7; 1 << 20], b"long"))])
        .map_err(|error: StoreError| error)
        .unwrap_err();
    assert!(matches!(error, StoreError::Engine(_)), "{error}");
    let missing = load_sorted(&store, KeyspaceId(99), 0..10).unwrap_err();
    assert!(matches!(missing, StoreError::NoSuchKeyspaceId { .. }));
    let catalog = load_sorted(&store, KeyspaceId::CATALOG, 0..10).unwrap_err();
    assert!(matches!(catalog, StoreError::CatalogIsReadOnly));
    assert_eq!(store.view().count(ks).unwrap(), 500);
    check_sound(&store);
}

#[test]
fn who_writes_between_its_keys_meanwhile_stops_a_sorted_load() {
    let (_env, store, ks) = store();
    let other = create(&store, "other");
    let load_while = |keyspace, meanwhile: Bytes| {
        let entries = (100..600).map(|number| {
            if number == 400 {
                write(&store, keyspace, meanwhile.clone());
            }
            Ok((key(number * 2), [7; 100]))
        });
        store.load_sorted(ks, entries)
    };
    for number in [200, 201, 1198] {
        let Err(StoreError::Conflict { what }) = load_while(ks, key(number)) else {
            panic!("{number} is between its keys");
        };
        let of = Contended::Key {
            keyspace: ks,
            key: key(number),
        };
        assert_eq!(what, of);
        assert!(store.view().count(ks).unwrap() <= 3);
    }
    for (keyspace, number) in [(ks, 1199), (ks, 5), (other, 400)] {
        load_while(keyspace, key(number)).unwrap();
    }
    let found = store.view().get(ks, &key(1199)).unwrap().unwrap();
    assert_eq!(found, "meanwhile");
    assert_eq!(store.view().count(ks).unwrap(), 500 + 3);
    check_sound(&store);
}

#[test]
fn who_began_before_a_sorted_load_conflicts_between_its_keys() {
    let (_env, store, ks) = store();
    let mut older: Vec<_> = (0..5).map(|_| begin(&store)).collect();
    load_sorted(&store, ks, (0..500).map(|number| number * 2)).unwrap();
    let mut commit = |work: &dyn Fn(&mut drystone_mvcc::Transaction)| {
        let mut tx = older.pop().unwrap();
        work(&mut tx);
        tx.commit(Durability::Sync)
    };
    let is_conflict = |done| matches!(done, Err(StoreError::Conflict { .. }));
    assert!(is_conflict(commit(&|tx| tx
        .put(ks, key(100), "mine")
        .unwrap())));
    assert!(is_conflict(commit(&|tx| {
        tx.guard_key(ks, key(998));
        tx.put(ks, key(2000), "mine").unwrap();
    })));
    assert!(is_conflict(commit(&|tx| {
        tx.guard_keyspace(ks);
        tx.put(ks, key(2000), "mine").unwrap();
    })));
    // One that has spilled, and whose keys nobody compares one by one.
    assert!(is_conflict(commit(&|tx| {
        for number in 2000..2300 {
            tx.put(ks, key(number), vec![1; 100]).unwrap();
        }
    })));
    commit(&|tx| tx.put(ks, key(2000), "mine").unwrap()).unwrap();
    assert_eq!(store.view().count(ks).unwrap(), 501);
    check_sound(&store);
}

#[test]
fn a_load_of_sorted_entries_spills_into_one_run() {
    let (env, store, ks) = store();
    let mut load = store.bulk_load(1 << 10).unwrap();
    for number in 0..500 {
        load.put(ks, &key(number), &[7; 100]).unwrap();
    }
    assert_eq!(spilled_files(&env), 1);
    // What comes before it goes into another.
    for number in (0..200).rev() {
        load.put(ks, &key(number), &[8; 100]).unwrap();
    }
    assert!(spilled_files(&env) > 1);
    load.commit().unwrap();
    let view = store.view();
    let newer = all(&view, ks);
    let newer = newer.iter().filter(|(_, value)| value[0] == 8).count();
    assert_eq!((newer, view.count(ks).unwrap()), (200, 500));
    assert_eq!(spilled_files(&env), 0);
    check_sound(&store);
}

#[test]
fn a_load_that_only_adds_meets_known_keys_wherever_they_are() {
    let (env, store, ks) = store();
    put(&store, ks, "key 00700", "known");
    let mut draw = Draw::new(9);
    let mut try_to_add = |numbers: &[u64], memory_bytes| {
        let mut load = store.bulk_load(memory_bytes).unwrap();
        load.refuse_known_keys();
        let mut numbers = numbers.to_vec();
        for at in (1..numbers.len()).rev() {
            let other = draw.below(at as u64 + 1);
            numbers.swap(at, usize::try_from(other).unwrap());
        }
        for number in numbers {
            load.put(ks, &key(number), &[7; 100])?;
        }
        load.commit()
    };
    // In a transaction's memory, in one buffer, in many runs.
    for (count, memory_bytes) in [(3, 1 << 20), (300, 1 << 20), (300, 1 << 10)] {
        let fresh: Vec<u64> = (0..count).collect();
        for known in [0, 700] {
            let numbers: Vec<u64> = fresh.iter().copied().chain([known]).collect();
            let error = try_to_add(&numbers, memory_bytes).unwrap_err();
            let StoreError::KeyExists { keyspace, key: met } = error else {
                panic!("{error}");
            };
            assert_eq!((keyspace, met), (ks, key(known)));
            assert_eq!(
                (store.view().count(ks).unwrap(), spilled_files(&env)),
                (1, 0)
            );
        }
    }
    for (round, (count, memory_bytes)) in [(3, 1 << 20), (300, 1 << 10)].into_iter().enumerate() {
        let start = 1000 * (round as u64 + 1);
        let numbers: Vec<u64> = (start..start + count).collect();
        try_to_add(&numbers, memory_bytes).unwrap();
        try_to_add(&numbers[1..], memory_bytes).unwrap_err();
    }
    assert_eq!(store.view().count(ks).unwrap(), 304);
    check_sound(&store);
}

#[test]
fn a_load_conflicts_where_what_it_guards_has_changed() {
    let (_env, store, ks) = store();
    let rules = create(&store, "rules");
    put(&store, rules, "rule", "one");
    for count in [3, 300] {
        for (changes_to, is_lost) in [("two", true), ("two", false), ("one", true)] {
            let mut load = store.bulk_load(1 << 10).unwrap();
            load.guard_key(rules, "rule").unwrap();
            for number in 0..count {
                load.put(ks, &key(number), &[7; 100]).unwrap();
            }
            put(&store, rules, "rule", changes_to);
            let done = load.commit();
            let is_conflict = matches!(done, Err(StoreError::Conflict { .. }));
            assert_eq!(is_conflict, is_lost, "{count} {changes_to} {done:?}");
        }
    }
    check_sound(&store);
}

#[test]
fn a_load_that_could_not_spill_takes_nothing_more() {
    let disk = SimFileSystem::with_folder(1, CRASH_FOLDER);
    let store = open(&disk.env()).unwrap();
    let ks = create(&store, "main");
    let mut load = store.bulk_load(16 << 10).unwrap();
    load.put(ks, b"a", b"first").unwrap();
    disk.set_capacity(Some(0));
    let failed = (0..20_000).find_map(|number| load.put(ks, &key(number), &[7; 300]).err());
    assert!(
        matches!(failed, Some(StoreError::Spill { .. })),
        "{failed:?}"
    );
    disk.set_capacity(None);
    let again = load.put(ks, b"b", b"later").unwrap_err();
    assert!(matches!(again, StoreError::LoadBroken), "{again}");
    let committed = load.commit().unwrap_err();
    assert!(matches!(committed, StoreError::LoadBroken), "{committed}");
    assert_eq!(store.view().count(ks).unwrap(), 0);
    put(&store, ks, "a", "goes on");
    check_sound(&store);
}

#[test]
fn a_load_ends_however_often_others_change_its_keys() {
    let (_env, store, ks) = store();
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                write(&store, ks, key(7));
            }
        });
        for _ in 0..3 {
            let mut load = store.bulk_load(1 << 20).unwrap();
            for number in 0..300 {
                load.put(ks, &key(number), &[7; 100]).unwrap();
            }
            load.commit().unwrap();
        }
        is_over.store(true, Ordering::Relaxed);
    });
    assert_eq!(store.view().count(ks).unwrap(), 300);
    check_sound(&store);
}

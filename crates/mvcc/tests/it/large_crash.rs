//! Power cuts and full disks in commits that have spilled, and in bulk loads: they are there whole, or not at all.

use std::cell::RefCell;

use bytes::Bytes;
use drystone_base::{Env, KeyspaceId};
use drystone_mvcc::{Durability, Store};
use drystone_testkit::{
    CRASH_FOLDER, Checked, CrashPoints, CrashPolicy, Draw, Promises, SimFileSystem, Witness,
    seed_of,
};

use crate::large::{Entries, check_sound, key, open};
use crate::support::{all, begin, create, put};

/// One of many commits, large and small; its last write is its number.
fn commit_one(store: &Store, ks: KeyspaceId, now: &mut Entries, draw: &mut Draw, number: u64) {
    let value = |draw: &mut Draw| {
        let len = usize::try_from(draw.below(120)).unwrap();
        Bytes::from(draw.bytes(len))
    };
    let stamp = Bytes::copy_from_slice(&number.to_le_bytes());
    now.insert(Bytes::from("number"), stamp.clone());
    let count = if draw.chance(40) { 60 } else { 3 };
    if draw.chance(30) {
        let mut load = store.bulk_load(3 << 10).unwrap();
        for _ in 0..count {
            let (key, value) = (key(draw.below(200)), value(draw));
            load.put(ks, &key, &value).unwrap();
            now.insert(key, value);
        }
        load.put(ks, b"number", &stamp).unwrap();
        load.commit().unwrap();
        return;
    }
    let mut tx = begin(store);
    for _ in 0..count {
        let key = key(draw.below(200));
        if draw.chance(30) {
            tx.delete(ks, key.clone()).unwrap();
            now.remove(&key);
        } else {
            let value = value(draw);
            tx.put(ks, key.clone(), value.clone()).unwrap();
            now.insert(key, value);
        }
    }
    tx.put(ks, "number", stamp).unwrap();
    tx.commit(Durability::Sync).unwrap();
}

fn work(env: &Env, witness: &Witness, states: &RefCell<Vec<Entries>>, commits: u64) {
    let mut draw = Draw::new(seed_of("power cuts in large commits"));
    let store = open(env).unwrap();
    let ks = create(&store, "main");
    let mut now = Entries::new();
    states.replace(vec![now.clone()]);
    for number in 1..=commits {
        witness.begin(number);
        commit_one(&store, ks, &mut now, &mut draw, number);
        states.borrow_mut().push(now.clone());
        witness.acknowledge(number);
        if draw.chance(30) {
            store.step().unwrap();
        }
    }
}

fn check(env: &Env, promises: &Promises<'_>, states: &RefCell<Vec<Entries>>) -> Checked {
    let store = open(env)?;
    let view = store.view();
    let Some(ks) = view.keyspace("main")? else {
        assert_eq!(promises.last_begun(), 0);
        return Ok(());
    };
    let found: Entries = all(&view, ks).into_iter().collect();
    let number = found.get(&b"number"[..]);
    let number = number.map_or(0, |number| {
        u64::from_le_bytes(number[..].try_into().unwrap())
    });
    assert!(number <= promises.last_begun(), "{number} was never begun");
    assert!(
        number >= promises.last_acknowledged(),
        "{number} is the newest"
    );
    assert_eq!(found, states.borrow()[usize::try_from(number).unwrap()]);
    check_sound(&store);
    store.flush()?;
    assert!(all(&store.view(), ks).into_iter().eq(found.clone()));
    check_sound(&store);
    drop((store, view));
    let store = open(env)?;
    assert!(all(&store.view(), ks).into_iter().eq(found));
    Ok(())
}

#[test]
fn power_cuts_leave_large_commits_whole_or_not_at_all() {
    let states = RefCell::default();
    let report = CrashPoints::new("power cuts in large commits")
        .stride(3)
        .nested(3, 1)
        .run(
            |env, witness| work(env, witness, &states, 14),
            |env, promises| check(env, promises, &states),
        );
    assert!(report.points > 300, "{report}");
}

#[test]
fn a_full_disk_at_any_place_leaves_a_commit_out_or_whole() {
    for step in 0..150u64 {
        let disk = SimFileSystem::with_folder(1, CRASH_FOLDER);
        let store = open(&disk.env()).unwrap();
        let ks = create(&store, "main");
        put(&store, ks, "key 00001", "old");
        disk.set_capacity(Some((120 + step * 3) << 10));
        let mut tx = begin(&store);
        let written = (0..300).try_for_each(|number| tx.put(ks, key(number), vec![1; 100]));
        let committed = written.and_then(|()| tx.commit(Durability::Sync));
        let count = if committed.is_ok() { 300 } else { 1 };
        assert_eq!(store.view().count(ks).unwrap(), count);
        disk.set_capacity(None);
        let crashed = disk.crash(CrashPolicy::LoseAll);
        let reopened = open(&crashed.env()).unwrap();
        let found = reopened.view().count(ks).unwrap();
        assert!(
            found == count || (committed.is_err() && found == 300),
            "{committed:?}, {found}"
        );
        check_sound(&reopened);
        if store.sync().is_ok() {
            put(&store, ks, "later", "goes on");
            store.flush().unwrap();
            assert_eq!(store.view().count(ks).unwrap(), count + 1);
            check_sound(&store);
        }
        if committed.is_ok() {
            return;
        }
    }
    panic!("570 KiB are not enough");
}

//! Power cuts at every operation of a mixed workload, and again during recovery: what is found is some commit of the
//! history, none acknowledged as durable is lost, and none is there in part.

use std::cell::RefCell;
use std::collections::BTreeMap;

use bytes::Bytes;
use drystone_base::{Env, KeyspaceId};
use drystone_mvcc::{Durability, Store, StoreOptions, View};
use drystone_testkit::{Checked, CrashPoints, Draw, Promises, Witness, seed_of};

use crate::support::{all, begin, open};

/// Everything a store holds: entries by keyspace name.
type State = BTreeMap<String, BTreeMap<Bytes, Bytes>>;

const NAMES: [&str; 3] = ["a", "b", "c"];

fn options() -> StoreOptions {
    StoreOptions {
        memtable_bytes: 3 << 10,
        sealed_memtables_max: 2,
        ..StoreOptions::default()
    }
}

fn state(view: &View) -> State {
    let keyspaces = view.keyspaces().unwrap().into_iter();
    keyspaces
        .map(|(name, id)| (name, all(view, id).into_iter().collect()))
        .collect()
}

/// Runs `commits` random transactions; `states[n]` is what the first `n` left.
fn work(env: &Env, witness: &Witness, states: &RefCell<Vec<State>>, commits: u64) {
    let mut draw = Draw::new(seed_of("power cuts in a store"));
    let store = open(env, options()).unwrap();
    let mut now = State::new();
    states.replace(vec![now.clone()]);
    for number in 1..=commits {
        witness.begin(number);
        let durability = *draw.pick(&[
            Durability::Sync,
            Durability::Sync,
            Durability::Async,
            Durability::None,
        ]);
        commit_one(&store, &mut draw, &mut now, durability, number);
        states.borrow_mut().push(now.clone());
        if durability == Durability::Sync {
            witness.acknowledge(number);
        }
        background(&store, &mut draw, witness, number);
    }
    if draw.chance(50) {
        store.close().unwrap();
        witness.acknowledge(commits);
    }
}

/// One transaction; its last write is its number, so that no two states are alike.
fn commit_one(
    store: &Store,
    draw: &mut Draw,
    now: &mut State,
    durability: Durability,
    number: u64,
) {
    let mut tx = begin(store);
    for name in NAMES {
        let id = tx.keyspace(name).unwrap();
        if id.is_none() {
            tx.create_keyspace(name).unwrap();
            now.insert(name.to_owned(), BTreeMap::new());
        } else if draw.chance(4) {
            tx.drop_keyspace(name).unwrap();
            now.remove(name);
        }
    }
    for _ in 0..=draw.below(6) {
        let name = *draw.pick(&NAMES);
        let (Some(id), Some(entries)) = (tx.keyspace(name).unwrap(), now.get_mut(name)) else {
            continue;
        };
        let key = Bytes::from(format!("key {}", draw.below(30)));
        if draw.chance(25) {
            tx.delete(id, key.clone()).unwrap();
            entries.remove(&key);
        } else {
            let len = if draw.chance(5) {
                5_000
            } else {
                draw.below(200)
            };
            let value = Bytes::from(draw.bytes(usize::try_from(len).unwrap()));
            tx.put(id, key.clone(), value.clone()).unwrap();
            entries.insert(key, value);
        }
    }
    let counter = match tx.keyspace("counter").unwrap() {
        Some(id) => id,
        None => tx.create_keyspace("counter").unwrap(),
    };
    let value = Bytes::copy_from_slice(&number.to_le_bytes());
    tx.put(counter, "number", value.clone()).unwrap();
    now.entry("counter".to_owned())
        .or_default()
        .insert("number".into(), value);
    tx.commit(durability).unwrap();
}

fn background(store: &Store, draw: &mut Draw, witness: &Witness, number: u64) {
    match draw.below(20) {
        0 => {
            store.flush().unwrap();
            witness.acknowledge(number);
        }
        1 => {
            store.sync().unwrap();
            witness.acknowledge(number);
        }
        2..8 => drop(store.step().unwrap()),
        _ => {}
    }
}

/// Opens what a crash left, and goes on working with it.
fn check(env: &Env, promises: &Promises<'_>, states: &RefCell<Vec<State>>) -> Checked {
    let store = open(env, options())?;
    let found = state(&store.view());
    let number = found
        .get("counter")
        .and_then(|counter| counter.get(&b"number"[..]));
    let number = number.map_or(0, |number| {
        u64::from_le_bytes(number[..].try_into().unwrap())
    });
    assert!(
        number <= promises.last_begun(),
        "commit {number} was never begun"
    );
    let durable = promises.acknowledged.iter().max().copied().unwrap_or(0);
    assert!(
        number >= durable,
        "commit {durable} is gone; the state is that of {number}"
    );
    let expected = &states.borrow()[usize::try_from(number).unwrap()];
    assert_eq!(&found, expected, "the state of commit {number}");
    store.flush()?;
    assert_eq!(&state(&store.view()), expected, "after a flush");
    let report = store.verify()?;
    assert!(report.is_sound(), "{report:?}");
    drop(store);
    assert_eq!(
        &state(&open(env, options())?.view()),
        expected,
        "after another opening"
    );
    Ok(())
}

#[test]
fn power_cuts_leave_a_prefix_of_the_commits() {
    let states = RefCell::default();
    let report = CrashPoints::new("power cuts in a store")
        .stride(2)
        .nested(2, 1)
        .run(
            |env, witness| work(env, witness, &states, 120),
            |env, promises| check(env, promises, &states),
        );
    println!("{report}");
    assert!(report.points > 3_000, "{report}");
}

/// Under `Sync`, what a reader sees is durable: at any moment, a crash that loses all it can loses nothing visible.
#[test]
fn nothing_visible_under_sync_can_be_lost() {
    use drystone_testkit::{CRASH_FOLDER, CrashPolicy, SimFileSystem};
    let disk = SimFileSystem::with_folder(7, CRASH_FOLDER);
    let store = open(&disk.env(), options()).unwrap();
    let ks: KeyspaceId = crate::support::create(&store, "main");
    for number in 0..50 {
        crate::support::put(&store, ks, &format!("key {number}"), "value");
        let visible = store.view().lsn();
        let left = disk.crash(CrashPolicy::LoseAll);
        let reopened = open(&left.env(), options()).unwrap();
        assert_eq!(reopened.view().lsn(), visible);
    }
}

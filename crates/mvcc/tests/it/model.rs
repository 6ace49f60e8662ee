//! Any history of one writer agrees with a model, in every view, by every way of reading, across merges and reopenings.

use std::collections::BTreeMap;

use bytes::Bytes;
use drystone_base::{Env, KeyspaceId};
use drystone_mvcc::{
    Durability, KeyRange, Range, Savepoint, Store, StoreError, Tail, Transaction, View, Write,
};
use proptest::prelude::*;

use crate::support::{begin, open, small};

/// One state: keyspaces by name, entries by keyspace.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct State {
    names: BTreeMap<String, KeyspaceId>,
    entries: BTreeMap<KeyspaceId, BTreeMap<Bytes, Bytes>>,
}

#[derive(Clone, Debug)]
enum Step {
    Create(u8),
    Drop(u8),
    Put(u8, Bytes, u8, u16),
    Delete(u8, Bytes),
    Savepoint,
    RollbackTo(u8),
    Commit(Durability),
    Rollback,
    Write(Vec<(u8, Bytes, Option<u16>)>, Durability),
    Check(KeyRange, Vec<bool>),
    KeepView,
    Flush,
    Background,
    Reopen,
}

fn any_key() -> impl Strategy<Value = Bytes> {
    let prefix = proptest::sample::select(vec![&b""[..], b"key/", b"key/with/more/"]);
    (prefix, proptest::collection::vec(0..5u8, 0..3))
        .prop_map(|(prefix, rest)| [prefix, &rest].concat().into())
}

fn any_range() -> impl Strategy<Value = KeyRange> {
    use std::ops::Bound;
    let bound = || {
        prop_oneof![
            Just(Bound::Unbounded),
            any_key().prop_map(Bound::Included),
            any_key().prop_map(Bound::Excluded),
        ]
    };
    prop_oneof![
        (bound(), bound()).prop_map(|(start, end)| KeyRange { start, end }),
        any_key().prop_map(|key| KeyRange::prefix(&key)),
        Just(KeyRange::all()),
    ]
}

fn any_step() -> impl Strategy<Value = Step> {
    let durability =
        proptest::sample::select(vec![Durability::Sync, Durability::Async, Durability::None]);
    let write = (0..3u8, any_key(), proptest::option::of(0..600u16));
    let writes = proptest::collection::vec(write, 0..6);
    prop_oneof![
        4 => (writes, durability.clone()).prop_map(|(writes, durability)| Step::Write(writes, durability)),
        2 => (0..3u8).prop_map(Step::Create),
        1 => (0..3u8).prop_map(Step::Drop),
        20 => (0..3u8, any_key(), any::<u8>(), prop_oneof![9 => 0..40u16, 1 => 500..3000u16])
            .prop_map(|(name, key, fill, len)| Step::Put(name, key, fill, len)),
        8 => (0..3u8, any_key()).prop_map(|(name, key)| Step::Delete(name, key)),
        2 => Just(Step::Savepoint),
        1 => (0..3u8).prop_map(Step::RollbackTo),
        8 => durability.prop_map(Step::Commit),
        1 => Just(Step::Rollback),
        6 => (any_range(), proptest::collection::vec(any::<bool>(), 0..40))
            .prop_map(|(range, turns)| Step::Check(range, turns)),
        2 => Just(Step::KeepView),
        2 => Just(Step::Flush),
        4 => Just(Step::Background),
        1 => Just(Step::Reopen),
    ]
}

/// A store, a transaction over it, and what both must hold.
struct Run {
    env: Env,
    store: Store,
    tx: Transaction,
    committed: State,
    own: State,
    savepoints: Vec<(Savepoint, State)>,
    views: Vec<(View, State)>,
    /// All keyspaces there ever were.
    ever: Vec<KeyspaceId>,
}

impl Run {
    fn new() -> Run {
        let env = Env::memory(1);
        let store = open(&env, small()).unwrap();
        Run {
            tx: begin(&store),
            env,
            store,
            committed: State::default(),
            own: State::default(),
            savepoints: Vec::new(),
            views: Vec::new(),
            ever: Vec::new(),
        }
    }

    fn begin(&mut self) {
        self.savepoints.clear();
        self.tx = begin(&self.store);
        self.own = self.committed.clone();
    }

    fn run(&mut self, step: Step) {
        match step {
            Step::Create(name) => self.create(&format!("keyspace {name}")),
            Step::Drop(name) => self.drop_keyspace(&format!("keyspace {name}")),
            Step::Put(name, key, fill, len) => {
                if let Some(id) = self.id(name) {
                    let value = Bytes::from(vec![fill; usize::from(len)]);
                    self.tx.put(id, key.clone(), value.clone()).unwrap();
                    self.own.entries.entry(id).or_default().insert(key, value);
                }
            }
            Step::Delete(name, key) => {
                if let Some(id) = self.id(name) {
                    self.own.entries.entry(id).or_default().remove(&key);
                    self.tx.delete(id, key).unwrap();
                }
            }
            Step::Savepoint => self
                .savepoints
                .push((self.tx.savepoint(), self.own.clone())),
            Step::RollbackTo(back) => self.rollback_to(usize::from(back)),
            Step::Commit(durability) => {
                let tx = std::mem::replace(&mut self.tx, begin(&self.store));
                let lsn = tx.commit(durability).unwrap();
                assert_eq!(self.store.view().lsn(), lsn);
                self.committed = self.own.clone();
                self.begin();
            }
            Step::Rollback => self.begin(),
            Step::Write(writes, durability) => self.write(writes, durability),
            Step::Check(range, turns) => self.check(&range, &turns),
            Step::KeepView => self.views.push((self.store.view(), self.committed.clone())),
            Step::Flush => {
                self.store.flush().unwrap();
                assert_eq!(self.store.stats().merged_lsn, self.store.visible_lsn());
            }
            Step::Background => drop(self.store.step().unwrap()),
            Step::Reopen => {
                self.store.close().unwrap();
                // Another store over the same files frees the pages that views of this one need.
                self.views.clear();
                self.store = open(&self.env, small()).unwrap();
                self.begin();
            }
        }
    }

    /// Writes without a transaction; the one that is open ends.
    fn write(&mut self, writes: Vec<(u8, Bytes, Option<u16>)>, durability: Durability) {
        self.begin();
        let mut batch = Vec::new();
        for (name, key, len) in writes {
            let Some(keyspace) = self.id(name) else {
                continue;
            };
            let value = len.map(|len| Bytes::from(vec![name; usize::from(len)]));
            let entries = self.committed.entries.entry(keyspace).or_default();
            match value.clone() {
                Some(value) => entries.insert(key.clone(), value),
                None => entries.remove(&key),
            };
            batch.push(Write {
                keyspace,
                key,
                value,
            });
        }
        let lsn = self.store.write(&batch, durability).unwrap();
        assert_eq!(self.store.view().lsn(), lsn);
        self.begin();
    }

    fn id(&self, name: u8) -> Option<KeyspaceId> {
        self.own.names.get(&format!("keyspace {name}")).copied()
    }

    fn create(&mut self, name: &str) {
        if self.own.names.contains_key(name) {
            return;
        }
        let id = self.tx.create_keyspace(name).unwrap();
        assert!(
            self.own.entries.get(&id).is_none_or(BTreeMap::is_empty),
            "{id} was used before"
        );
        self.own.names.insert(name.to_owned(), id);
        self.ever.push(id);
    }

    fn drop_keyspace(&mut self, name: &str) {
        if let Some(id) = self.own.names.remove(name) {
            self.tx.drop_keyspace(name).unwrap();
            self.own.entries.remove(&id);
        }
    }

    fn rollback_to(&mut self, back: usize) {
        if let Some(at) = self.savepoints.len().checked_sub(1 + back) {
            self.savepoints.truncate(at + 1);
            let (savepoint, state) = &self.savepoints[at];
            self.tx.rollback_to(savepoint).unwrap();
            self.own = state.clone();
        }
    }

    fn check(&self, range: &KeyRange, turns: &[bool]) {
        let own_names: Vec<_> = self.own.names.clone().into_iter().collect();
        assert_eq!(self.tx.keyspaces().unwrap(), own_names);
        let newest = [(self.store.view(), self.committed.clone())];
        for &id in &self.ever {
            check_gets(&self.committed, id, |key| self.store.get(id, key).unwrap());
            let read = |part: KeyRange| self.tx.range(id, part);
            check_entries(&self.own, id, range, turns, &read);
            check_gets(&self.own, id, |key| self.tx.get(id, key).unwrap());
            check_tail(&self.own, id, self.tx.view(), self.tx.tail(id));
            for (view, state) in self.views.iter().chain(&newest) {
                let read = |part: KeyRange| view.range(id, part);
                check_entries(state, id, range, turns, &read);
                check_gets(state, id, |key| view.get(id, key).unwrap());
                check_gets(state, id, |key| shown(view, id, key));
                check_tail(state, id, view, view.tail(id));
                let count = state.entries.get(&id).map_or(0, BTreeMap::len);
                assert_eq!(view.count(id).unwrap(), count as u64);
            }
        }
        for (view, state) in &self.views {
            let names: Vec<_> = state.names.clone().into_iter().collect();
            assert_eq!(view.keyspaces().unwrap(), names);
        }
    }
}

/// The entries of a range, from the front, from the back, and from both by turns; to keep, and lent.
fn check_entries(
    state: &State,
    id: KeyspaceId,
    range: &KeyRange,
    turns: &[bool],
    read: &dyn Fn(KeyRange) -> Range,
) {
    let entries = state.entries.get(&id).into_iter().flatten();
    let inside = entries.filter(|(key, _)| range.contains(key));
    let expected: Vec<_> = inside
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    let found: Vec<_> = read(range.clone()).map(Result::unwrap).collect();
    assert_eq!(found, expected);
    let mut found: Vec<_> = read(range.clone()).rev().map(Result::unwrap).collect();
    found.reverse();
    assert_eq!(found, expected);
    assert_eq!(lent(read(range.clone()), Range::next_ref), expected);
    let mut found = lent(read(range.clone()), Range::next_back_ref);
    found.reverse();
    assert_eq!(found, expected);
    let mut left = expected.into_iter();
    let mut found = read(range.clone());
    for (turn, &from_front) in turns.iter().enumerate() {
        let (expected, found) = match (from_front, turn % 2) {
            (true, 0) => (left.next(), found.next()),
            (true, _) => (left.next(), found.next_ref().map(kept)),
            (false, 0) => (left.next_back(), found.next_back()),
            (false, _) => (left.next_back(), found.next_back_ref().map(kept)),
        };
        assert_eq!(found.map(Result::unwrap), expected);
    }
    assert_eq!(
        found.map(Result::unwrap).collect::<Vec<_>>(),
        left.collect::<Vec<_>>()
    );
}

type Lent<'a> = Option<Result<(&'a [u8], &'a [u8]), StoreError>>;
type Kept = Result<(Bytes, Bytes), StoreError>;

fn kept(entry: Result<(&[u8], &[u8]), StoreError>) -> Kept {
    let (key, value) = entry?;
    Ok((Bytes::copy_from_slice(key), Bytes::copy_from_slice(value)))
}

/// All that a range lends.
fn lent(mut range: Range, next: impl Fn(&mut Range) -> Lent<'_>) -> Vec<(Bytes, Bytes)> {
    let mut entries = Vec::new();
    while let Some(entry) = next(&mut range) {
        entries.push(kept(entry).unwrap());
    }
    assert!(range.next().is_none(), "it stays at its end");
    entries
}

/// The value of `key`, as a view shows it.
fn shown(view: &View, id: KeyspaceId, key: &[u8]) -> Option<Bytes> {
    let mut seen = None;
    let show = |value: &[u8]| seen = Some(Bytes::copy_from_slice(value));
    let is_there = view.get_with(id, key, show).unwrap();
    assert_eq!(is_there, seen.is_some());
    seen
}

fn check_gets(state: &State, id: KeyspaceId, get: impl Fn(&[u8]) -> Option<Bytes>) {
    for key in [
        &b""[..],
        b"\0",
        b"key/",
        b"key/\x02",
        b"key/with/more/\x01\x03",
        b"none",
    ] {
        let entries = state.entries.get(&id);
        assert_eq!(
            get(key).as_ref(),
            entries.and_then(|entries| entries.get(key))
        );
    }
}

/// The base and the tail together are the state.
fn check_tail(state: &State, id: KeyspaceId, view: &View, tail: Tail) {
    let expected = state.entries.get(&id).cloned().unwrap_or_default();
    let tail: Vec<_> = tail.collect();
    assert!(tail.is_sorted_by(|a, b| a.0 < b.0));
    if !state.names.values().any(|live| *live == id) {
        // The base may still have what was dropped.
        assert_eq!(tail, []);
        return;
    }
    let mut found = BTreeMap::new();
    let mut cursor = view.base().cursor(id).unwrap();
    let mut is_on = cursor.first().unwrap();
    while is_on {
        found.insert(
            Bytes::copy_from_slice(cursor.key()),
            cursor.value().unwrap(),
        );
        is_on = cursor.next().unwrap();
    }
    for (key, value) in tail {
        match value {
            Some(value) => found.insert(key, value),
            None => found.remove(&key),
        };
    }
    assert_eq!(found, expected);
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 60,
        failure_persistence: None,
        max_shrink_iters: 2_000,
        ..ProptestConfig::default()
    })]

    #[test]
    fn any_history_agrees_with_a_model(steps in proptest::collection::vec(any_step(), 1..250)) {
        let mut run = Run::new();
        run.run(Step::Create(0));
        for step in steps {
            run.run(step);
        }
        run.check(&KeyRange::all(), &[true, false, false, true]);
        let report = run.store.verify().unwrap();
        prop_assert!(report.is_sound(), "{:?}", report);
    }
}

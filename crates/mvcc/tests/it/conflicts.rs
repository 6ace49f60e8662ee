//! Conflicts are found exactly: no change is missed, however it was sealed and merged meanwhile, and none is invented.

use std::collections::{BTreeMap, BTreeSet};

use drystone_base::{Env, KeyspaceId};
use drystone_mvcc::{Durability, Store, StoreError, StoreOptions, Transaction};
use drystone_testkit::{Draw, seed_of};

use crate::support::{begin, create, open};

type Key = (KeyspaceId, u8);

/// A transaction under way, and what it must conflict with.
struct Open {
    tx: Transaction,
    /// How many commits there were when it began.
    began: u64,
    writes: BTreeSet<Key>,
    guards: BTreeSet<Key>,
    keyspaces: BTreeSet<KeyspaceId>,
}

struct Run {
    store: Store,
    keyspaces: Vec<KeyspaceId>,
    draw: Draw,
    /// The commit that changed each key last.
    changed: BTreeMap<Key, u64>,
    commits: u64,
    conflicts: u64,
}

impl Run {
    fn begin(&self) -> Open {
        Open {
            tx: begin(&self.store),
            began: self.commits,
            writes: BTreeSet::new(),
            guards: BTreeSet::new(),
            keyspaces: BTreeSet::new(),
        }
    }

    fn touch(&mut self, one: &mut Open) {
        let keyspace = *self.draw.pick(&self.keyspaces);
        let key = self.draw.bytes(1)[0] % 100;
        match self.draw.below(100) {
            0..10 => {
                one.tx.guard_key(keyspace, vec![key]);
                one.guards.insert((keyspace, key));
            }
            10..12 => {
                one.tx.guard_keyspace(keyspace);
                one.keyspaces.insert(keyspace);
            }
            12..30 => {
                one.tx.delete(keyspace, vec![key]).unwrap();
                one.writes.insert((keyspace, key));
            }
            _ => {
                one.tx.put(keyspace, vec![key], vec![key; 20]).unwrap();
                one.writes.insert((keyspace, key));
            }
        }
    }

    fn must_conflict(&self, one: &Open) -> bool {
        let touches = |key: &Key| {
            one.writes.contains(key) || one.guards.contains(key) || one.keyspaces.contains(&key.0)
        };
        let mut changed = self.changed.iter();
        !one.writes.is_empty() && changed.any(|(key, at)| touches(key) && *at > one.began)
    }

    fn commit(&mut self, one: Open) {
        let must_conflict = self.must_conflict(&one);
        let durability = *self
            .draw
            .pick(&[Durability::None, Durability::Async, Durability::Sync]);
        match one.tx.commit(durability) {
            Ok(lsn) => {
                assert!(!must_conflict, "a conflict was missed");
                assert!(lsn <= self.store.visible_lsn());
                self.commits += 1;
                for key in one.writes {
                    self.changed.insert(key, self.commits);
                }
            }
            Err(StoreError::Conflict { .. }) => {
                assert!(must_conflict, "a conflict was invented");
                self.conflicts += 1;
            }
            Err(other) => panic!("{other}"),
        }
    }
}

#[test]
fn every_conflict_and_no_other() {
    let options = StoreOptions {
        memtable_bytes: 2_000,
        sealed_memtables_max: 1,
        ..StoreOptions::default()
    };
    let store = open(&Env::memory(1), options).unwrap();
    let keyspaces = vec![create(&store, "a"), create(&store, "b")];
    let mut run = Run {
        store,
        keyspaces,
        draw: Draw::new(seed_of("every_conflict_and_no_other")),
        changed: BTreeMap::new(),
        commits: 0,
        conflicts: 0,
    };
    let mut open: Vec<Open> = Vec::new();
    for _ in 0..20_000 {
        match run.draw.below(20) {
            0..4 if open.len() < 12 => open.push(run.begin()),
            4..14 if !open.is_empty() => {
                let at = run.draw.index(open.len());
                run.touch(&mut open[at]);
            }
            14..18 if !open.is_empty() => {
                let at = run.draw.index(open.len());
                run.commit(open.swap_remove(at));
            }
            18 => drop(run.store.step().unwrap()),
            19 if run.draw.chance(3) => run.store.flush().unwrap(),
            _ => {}
        }
    }
    let (commits, conflicts) = (run.commits, run.conflicts);
    assert!(
        commits > 500 && conflicts > 100,
        "{commits} commits, {conflicts} conflicts"
    );
    let merges = run.store.stats().merges;
    assert!(merges > 50, "{merges} merges");
}

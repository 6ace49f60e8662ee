//! Writes, stages and background work.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use drystone_base::KeyspaceId;
use drystone_btree::{BTree, WriteBatch};
use drystone_engine::{Budget, Change, Engine, EngineError, Op, SliceChanges};

use super::{Entries, SPACES, TreeRun, after, id};
use crate::failure::FailureKind;
use crate::operation::{Payload, key_bytes};
use crate::run::Stop;
use crate::tree_call::{End, TreeCall, TreeChange};

/// Changes as they come out: of each key the last, and none of a keyspace that was dropped.
#[derive(Debug, Default)]
struct Folded {
    dropped: BTreeSet<u8>,
    keys: BTreeMap<(u8, Bytes), Option<Bytes>>,
}

impl Folded {
    fn of(changes: &[TreeChange]) -> Folded {
        let mut folded = Folded::default();
        for change in changes {
            folded.add(change);
        }
        folded
    }

    /// Adds one; whether it counts.
    fn add(&mut self, change: &TreeChange) -> bool {
        match change {
            TreeChange::Drop(space) => {
                let space = space % SPACES;
                self.keys.retain(|(of, _), _| *of != space);
                self.dropped.insert(space)
            }
            TreeChange::Key(change) => {
                let space = change.space % SPACES;
                let counts = !self.dropped.contains(&space);
                if counts {
                    let value = change.value.map(Payload::bytes);
                    self.keys.insert((space, key_bytes(change.key)), value);
                }
                counts
            }
        }
    }

    /// What becomes of entries.
    fn over(&self, entries: &Entries) -> Entries {
        let mut entries = entries.clone();
        entries.retain(|space, _| !self.dropped.contains(space));
        for ((space, key), value) in &self.keys {
            let of_space = Arc::make_mut(entries.entry(*space).or_default());
            match value {
                Some(value) => drop(of_space.insert(key.clone(), value.clone())),
                None => drop(of_space.remove(key)),
            }
        }
        entries.retain(|_, entries| !entries.is_empty());
        entries
    }
}

impl TreeRun<'_> {
    pub(super) fn call(&mut self, call: &TreeCall) -> Result<(), Stop> {
        self.coverage.count(name_of(call));
        match call {
            TreeCall::Transaction(changes, end) => self.transaction(changes, *end),
            TreeCall::Batch(changes) => {
                let folded = Folded::of(changes);
                let written = self.tree()?.write_batch(&batch(&folded)).map(drop);
                self.wrote("write batch", written, folded.over(&self.newest))
            }
            TreeCall::Load(space, first, count) => self.load(*space, *first, *count),
            TreeCall::Compact(bytes) => {
                let done = self.tree()?.compact(budget(*bytes)).map(drop);
                self.worked("compact", done)
            }
            TreeCall::Reclaim(bytes) => {
                let done = self.tree()?.reclaim(budget(*bytes)).map(drop);
                self.worked("reclaim", done)
            }
            TreeCall::Step(bytes) => {
                let done = self.tree()?.step(budget(*bytes)).map(drop);
                self.worked("step", done)
            }
            TreeCall::SetCodec(space, codec) => {
                let done = self.tree()?.set_codec(id(*space), (*codec).into());
                self.worked("set codec", done)
            }
            TreeCall::Stage(changes) => self.stage(changes),
            TreeCall::Adopt => self.decide(true),
            TreeCall::Discard => self.decide(false),
            TreeCall::Pin(which) => {
                let model = self.newest.clone();
                if let Some(open) = &mut self.open {
                    open.pins.insert(*which, (open.tree.newest(), model));
                }
                Ok(())
            }
            TreeCall::Unpin(which) => {
                if let Some(open) = &mut self.open {
                    open.pins.remove(which);
                }
                Ok(())
            }
            TreeCall::Look(which, space, from, to, order) => {
                self.look(*which, *space, (*from, *to), *order)
            }
            TreeCall::Verify => self.verify(),
            TreeCall::Reopen => self.reopen(),
        }
    }

    /// T3.
    fn transaction(&mut self, changes: &[TreeChange], end: End) -> Result<(), Stop> {
        let before = self.newest.clone();
        match run_transaction(self.tree()?, changes, end, &before) {
            Ok(Ok(after)) => self.wrote("a write transaction", Ok(()), after),
            Ok(Err(what)) => Err(Stop::wrong(what)),
            Err(error) => {
                let after = Folded::of(changes).over(&before);
                self.wrote("a write transaction", Err(error), after)
            }
        }
    }

    fn load(&mut self, space: u8, first: u16, count: u8) -> Result<(), Stop> {
        let numbers = first..first.saturating_add(u16::from(count));
        let entries: BTreeMap<Bytes, Bytes> = numbers
            .map(|number| {
                let len = u32::from(number % 300);
                let value = Payload { len, seed: 7 }.bytes();
                (key_bytes(number), value)
            })
            .collect();
        let loaded = self.tree()?.load_sorted(id(space), &entries).map(drop);
        let keys = entries.into_iter();
        let folded = Folded {
            dropped: BTreeSet::new(),
            keys: keys
                .map(|(key, value)| ((space % SPACES, key), Some(value)))
                .collect(),
        };
        self.wrote("a sorted load", loaded, folded.over(&self.newest))
    }

    /// T1: a write that leaves `then`.
    fn wrote(
        &mut self,
        call: &str,
        written: Result<(), EngineError>,
        then: Entries,
    ) -> Result<(), Stop> {
        match written {
            Ok(()) if self.staged.is_some() && then != self.newest => {
                let what = format!("{call}: beside a stage that is undecided");
                Err(Stop::broken(FailureKind::MissingError, what))
            }
            Ok(()) => {
                self.newest = then;
                Ok(())
            }
            Err(EngineError::Undecided { .. }) if self.staged.is_some() => Ok(()),
            Err(error) => {
                self.maybe = Some((then, self.staged.clone()));
                self.failed(call, &error)
            }
        }
    }

    /// What changes no entry.
    fn worked(&mut self, call: &str, done: Result<(), EngineError>) -> Result<(), Stop> {
        match done {
            Ok(()) => Ok(()),
            Err(EngineError::Undecided { .. }) if self.staged.is_some() => Ok(()),
            Err(error) => self.failed(call, &error),
        }
    }

    /// T4.
    fn stage(&mut self, changes: &[TreeChange]) -> Result<(), Stop> {
        let folded = Folded::of(changes);
        let dropped: Vec<KeyspaceId> = folded.dropped.iter().map(|space| id(*space)).collect();
        let change = |((space, key), value): (&'_ (u8, Bytes), &'_ Option<Bytes>)| {
            (id(*space), key.clone(), value.clone())
        };
        let owned: Vec<_> = folded.keys.iter().map(change).collect();
        let changes: Vec<Change<'_>> = owned
            .iter()
            .map(|(keyspace, key, value)| Change {
                keyspace: *keyspace,
                key,
                op: value.as_ref().map_or(Op::Delete, |value| Op::Put(value)),
            })
            .collect();
        let tree = self.tree()?;
        let Some(staging) = tree.staging() else {
            return Ok(());
        };
        let staged = staging.stage(&mut SliceChanges::new(&dropped, &changes));
        let then = folded.over(&self.newest);
        match staged {
            Ok(_) if self.staged.is_some() => Err(Stop::broken(
                FailureKind::MissingError,
                "a stage beside one that is undecided",
            )),
            Ok(_) => {
                self.staged = Some(then);
                Ok(())
            }
            Err(EngineError::Undecided { .. }) if self.staged.is_some() => Ok(()),
            Err(error) => {
                self.maybe = Some((self.newest.clone(), Some(then)));
                self.failed("stage", &error)
            }
        }
    }

    fn decide(&mut self, is_adopted: bool) -> Result<(), Stop> {
        let tree = self.tree()?;
        let Some(staging) = tree.staging() else {
            return Ok(());
        };
        let (stage, then) = match (staging.staged(), &self.staged) {
            (None, None) => return Ok(()),
            (Some((stage, _)), Some(staged)) => (stage, staged.clone()),
            (found, _) => {
                let what = format!("staged: {:?}", found.map(|(stage, _)| stage));
                return Err(Stop::wrong(what));
            }
        };
        let (decided, then) = match is_adopted {
            true => (staging.adopt(stage), then),
            false => (staging.discard(stage), self.newest.clone()),
        };
        match decided {
            Ok(()) => {
                (self.newest, self.staged) = (then, None);
                Ok(())
            }
            Err(error) => {
                self.maybe = Some((then, None));
                self.failed("a decision", &error)
            }
        }
    }
}

/// Runs a write transaction over a tree with these entries. What it leaves, or what was wrong within it.
fn run_transaction(
    tree: &BTree,
    changes: &[TreeChange],
    end: End,
    before: &Entries,
) -> Result<Result<Entries, String>, EngineError> {
    let mut tx = tree.begin_write();
    let began = drystone_engine::Snapshot::lsn(tx.snapshot());
    let mut folded = Folded::default();
    for change in changes {
        if !folded.add(change) {
            continue;
        }
        match change {
            TreeChange::Drop(space) => tx.drop_keyspace(id(*space)),
            TreeChange::Key(change) => {
                let key = key_bytes(change.key);
                match change.value {
                    Some(value) => tx.put(id(change.space), key, value.bytes())?,
                    None => tx.delete(id(change.space), key)?,
                }
                let own = folded.over(before);
                let space = change.space % SPACES;
                let expected = own.get(&space);
                let read = tx.get(id(space), &key_bytes(change.key))?;
                if read.as_ref() != expected.and_then(|own| own.get(&key_bytes(change.key))) {
                    return Ok(Err("a write transaction does not read what it wrote".into()));
                }
                let all = tx.range(id(space), ..).collect::<Result<Vec<_>, _>>()?;
                let expected = expected.iter().flat_map(|own| own.iter());
                if !expected.eq(all.iter().map(|(key, value)| (key, value))) {
                    return Ok(Err("a range of a write transaction is another".into()));
                }
            }
        }
    }
    match end {
        End::Rollback => {
            tx.rollback();
            Ok(Ok(before.clone()))
        }
        End::Commit => {
            let lsn = tx.commit()?;
            match lsn == began || lsn == after(began) {
                true => Ok(Ok(folded.over(before))),
                false => Ok(Err(format!("a commit after {began} is {lsn}"))),
            }
        }
    }
}

fn batch(folded: &Folded) -> WriteBatch {
    let mut batch = WriteBatch::new();
    for space in &folded.dropped {
        batch.drop_keyspace(id(*space));
    }
    for ((space, key), value) in &folded.keys {
        match value {
            Some(value) => batch.put(id(*space), key.to_vec(), value.to_vec()),
            None => batch.delete(id(*space), key.to_vec()),
        }
    }
    batch
}

fn budget(bytes: u32) -> Budget {
    Budget {
        bytes: bytes.into(),
    }
}

fn name_of(call: &TreeCall) -> &'static str {
    match call {
        TreeCall::Transaction(..) => "tree: write transaction",
        TreeCall::Batch(_) => "tree: write batch",
        TreeCall::Load(..) => "tree: sorted load",
        TreeCall::Compact(_) => "tree: slice of a compaction",
        TreeCall::Reclaim(_) => "tree: slice of giving space back",
        TreeCall::Step(_) => "tree: step",
        TreeCall::SetCodec(..) => "tree: codec",
        TreeCall::Stage(_) => "tree: stage",
        TreeCall::Adopt | TreeCall::Discard => "tree: stage decided",
        TreeCall::Pin(_) | TreeCall::Unpin(_) => "tree: state held or let go",
        TreeCall::Look(..) => "tree: look",
        TreeCall::Verify => "tree: verify",
        TreeCall::Reopen => "tree: reopen",
    }
}

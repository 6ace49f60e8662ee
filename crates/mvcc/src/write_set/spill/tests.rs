//! Write sets that spill, against a model that copies everything: whatever is kept in memory meanwhile, and whenever.

use std::collections::BTreeSet;
use std::path::Path;

use drystone_base::Env;
use proptest::prelude::*;

use super::*;

/// All that a transaction would see of its own writes.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
struct State {
    writes: BTreeMap<(KeyspaceId, Bytes), Option<Bytes>>,
    dropped: BTreeSet<KeyspaceId>,
}

#[derive(Clone, Debug)]
enum Step {
    Write(u32, u8, Option<u8>),
    Drop(u32),
    Savepoint,
    RollbackTo(usize),
    Release(usize),
    /// Keyspaces for whose bit this has a one are kept in memory.
    Spill(u8),
    Bound,
    Unspill,
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        20 => (0..4u32, 0..6u8, any::<Option<u8>>()).prop_map(|(id, key, value)| Step::Write(id, key, value)),
        1 => (0..4u32).prop_map(Step::Drop),
        6 => Just(Step::Savepoint),
        4 => (0..4usize).prop_map(Step::RollbackTo),
        2 => (0..4usize).prop_map(Step::Release),
        8 => (0..16u8).prop_map(Step::Spill),
        3 => Just(Step::Bound),
    ]
}

fn key(byte: u8) -> Bytes {
    Bytes::copy_from_slice(&[byte])
}

/// What a read finds of each key.
fn state(set: &WriteSet) -> State {
    let mut state = State {
        dropped: set.dropped.clone(),
        ..State::default()
    };
    for keyspace in (0..4).map(KeyspaceId) {
        for key in (0..6).map(key) {
            if set.dropped.contains(&keyspace) {
                continue;
            }
            let found = match set.get(keyspace, &key) {
                Some(found) => Some(found.clone()),
                None => set.find_spilled(keyspace, &key).unwrap(),
            };
            if let Some(found) = found {
                state.writes.insert((keyspace, key), found);
            }
        }
    }
    state
}

/// The set, and what it must be, now and at its savepoints.
struct Both {
    folder: SpillFolder,
    set: WriteSet,
    now: State,
    saved: Vec<(u64, State)>,
    number: u64,
}

impl Both {
    fn new() -> Both {
        Both {
            folder: SpillFolder::open(&Env::memory(1), Path::new("spill")).unwrap(),
            set: WriteSet::default(),
            now: State::default(),
            saved: Vec::new(),
            number: 0,
        }
    }

    fn step(&mut self, step: &Step) {
        match *step {
            Step::Write(id, byte, value) if !self.now.dropped.contains(&KeyspaceId(id)) => {
                let value = value.map(|value| Bytes::from(vec![value; usize::from(value)]));
                self.set
                    .put_unbounded(KeyspaceId(id), key(byte), value.clone());
                self.now.writes.insert((KeyspaceId(id), key(byte)), value);
            }
            Step::Drop(id) if !self.now.dropped.contains(&KeyspaceId(id)) => {
                self.set.drop_keyspace(KeyspaceId(id));
                self.now.dropped.insert(KeyspaceId(id));
                self.now.writes.retain(|(of, _), _| *of != KeyspaceId(id));
            }
            Step::Savepoint => {
                self.number += 1;
                self.set.savepoint(self.number);
                self.saved.push((self.number, self.now.clone()));
            }
            Step::RollbackTo(back) if back < self.saved.len() => {
                self.saved.truncate(self.saved.len() - back);
                let (number, state) = self.saved.last().unwrap();
                self.set.rollback_to(*number).unwrap();
                self.now = state.clone();
            }
            Step::Release(back) if back < self.saved.len() => {
                self.saved.truncate(self.saved.len() - back);
                let (number, _) = self.saved.pop().unwrap();
                self.set.release(number).unwrap();
            }
            Step::Spill(kept) => {
                let is_kept = |id: KeyspaceId| kept >> id.0 & 1 == 1;
                self.set.spill(&self.folder, &is_kept).unwrap();
                assert!(self.set.keyspaces().all(|(id, _)| is_kept(id)));
            }
            Step::Bound => {
                let bound = RunBound::new(0);
                self.set.bound_runs(&self.folder, bound).unwrap();
                let runs_max = bound.runs_max() + self.saved.len();
                assert!(self.set.runs().len() <= runs_max);
            }
            Step::Unspill => self.set.unspill().unwrap(),
            _ => {}
        }
        assert_eq!(state(&self.set), self.now, "{step:?}");
    }

    /// Everything as layers: in order, the last run of a key has its newest write (W2).
    fn check_layers(mut self) {
        let layers = self.set.take_layers(&self.folder).unwrap();
        let mut merged = crate::spill::LayerChanges::new(&layers, 1 << 20).unwrap();
        let mut found = BTreeMap::new();
        while let Some(entry) = merged.entry() {
            let value = entry.value.map(Bytes::copy_from_slice);
            found.insert((entry.keyspace, Bytes::copy_from_slice(entry.key)), value);
            merged.advance().unwrap();
        }
        assert_eq!(found, self.now.writes);
        assert!(self.set.is_empty() || !self.now.dropped.is_empty());
    }
}

proptest! {
    #[test]
    fn what_was_spilled_is_what_was_written(steps in proptest::collection::vec(any_step(), 0..120)) {
        let mut both = Both::new();
        for step in &steps {
            both.step(step);
        }
        both.check_layers();
    }
}

/// A keyspace that was kept in memory while another was spilled comes to its run late, and before the other's.
#[test]
fn what_was_kept_for_a_while_goes_back_to_its_savepoint() {
    let mut both = Both::new();
    let kept = Step::Spill(1 << 1);
    let write = |id, value| Step::Write(id, 0, Some(value));
    for step in [write(1, 1), Step::Savepoint, write(2, 2), kept] {
        both.step(&step);
    }
    both.step(&Step::Savepoint);
    for step in [write(1, 3), write(2, 3), Step::Spill(0)] {
        both.step(&step);
    }
    both.step(&Step::RollbackTo(0));
    both.step(&Step::RollbackTo(1));
    both.check_layers();
}

#[test]
fn what_comes_back_into_memory_is_whole() {
    let mut both = Both::new();
    for number in 0..40u8 {
        both.step(&Step::Write(u32::from(number % 3), 1, Some(number)));
        both.step(&Step::Spill(0));
        both.step(&Step::Bound);
    }
    both.step(&Step::Write(1, 1, None));
    both.step(&Step::Unspill);
    assert!(both.set.runs().is_empty());
    both.check_layers();
}

#[test]
fn parts_of_one_spill_share_a_file() {
    let env = Env::memory(1);
    let folder = SpillFolder::open(&env, Path::new("spill")).unwrap();
    let mut set = WriteSet::default();
    for number in 0..50 {
        set.put_unbounded(KeyspaceId(1), key(number), Some(key(number)));
        set.savepoint(u64::from(number));
    }
    set.spill(&folder, &|_| false).unwrap();
    assert_eq!(set.runs().len(), 50);
    assert_eq!(env.files.list_dir(Path::new("spill")).unwrap().len(), 1);
    set.rollback_to(10).unwrap();
    assert_eq!(set.runs().len(), 11);
    for number in 0..50 {
        let found = set.find_spilled(KeyspaceId(1), &key(number)).unwrap();
        assert_eq!(found.is_some(), number <= 10);
    }
    drop(set);
    assert!(env.files.list_dir(Path::new("spill")).unwrap().is_empty());
}

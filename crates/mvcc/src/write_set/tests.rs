//! Tests of the write set: savepoints against a model that copies everything.

use proptest::prelude::*;

use super::*;

/// All that a savepoint must bring back.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
struct State {
    writes: BTreeMap<(KeyspaceId, Bytes), Option<Bytes>>,
    dropped: BTreeSet<KeyspaceId>,
    guarded_keys: BTreeSet<(KeyspaceId, Bytes)>,
    guarded_keyspaces: BTreeSet<KeyspaceId>,
    bytes: u64,
}

fn state(set: &WriteSet) -> State {
    let undo_bytes: u64 = set.undo.iter().map(Undo::bytes).sum();
    assert_eq!(set.undo_bytes, undo_bytes);
    let writes = set.keyspaces().flat_map(|(_, writes)| writes.iter());
    let bytes = writes.map(|(key, value)| key.len() + value.as_ref().map_or(0, Bytes::len) + 64);
    assert_eq!(set.bytes, bytes.sum::<usize>() as u64);
    let mut state = State {
        dropped: set.dropped.clone(),
        guarded_keys: set.guarded_keys.clone(),
        guarded_keyspaces: set.guarded_keyspaces.clone(),
        bytes: set.bytes,
        ..State::default()
    };
    for (keyspace, writes) in set.keyspaces() {
        assert!(!writes.is_empty());
        let writes = writes.iter();
        let writes = writes.map(|(key, value)| ((keyspace, key.clone()), value.clone()));
        state.writes.extend(writes);
    }
    state
}

#[derive(Clone, Debug)]
enum Step {
    Write(u32, u8, Option<u8>),
    Drop(u32),
    GuardKey(u32, u8),
    GuardKeyspace(u32),
    Savepoint,
    RollbackTo(usize),
    Release(usize),
}

fn any_step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (1..4u32, 0..6u8, any::<Option<u8>>()).prop_map(|(id, key, value)| Step::Write(id, key, value)),
        1 => (1..4u32).prop_map(Step::Drop),
        1 => (1..4u32, 0..6u8).prop_map(|(id, key)| Step::GuardKey(id, key)),
        1 => (1..4u32).prop_map(Step::GuardKeyspace),
        3 => Just(Step::Savepoint),
        2 => (0..4usize).prop_map(Step::RollbackTo),
        1 => (0..4usize).prop_map(Step::Release),
    ]
}

fn key(byte: u8) -> Bytes {
    Bytes::copy_from_slice(&[byte])
}

proptest! {
    #[test]
    fn savepoints_bring_back_what_was(steps in proptest::collection::vec(any_step(), 0..60)) {
        let mut set = WriteSet::default();
        let mut saved: Vec<(u64, State)> = Vec::new();
        let mut number = 0;
        for step in steps {
            match step {
                Step::Write(id, byte, value) => {
                    let value = value.map(|value| Bytes::from(vec![value; usize::from(value)]));
                    set.put(KeyspaceId(id), key(byte), value, u64::MAX).unwrap();
                }
                Step::Drop(id) => {
                    // A keyspace is dropped once: afterwards its name is gone.
                    if !set.dropped.contains(&KeyspaceId(id)) {
                        set.drop_keyspace(KeyspaceId(id));
                        prop_assert!(set.writes(KeyspaceId(id)).is_none());
                    }
                }
                Step::GuardKey(id, byte) => set.guard_key(KeyspaceId(id), key(byte)),
                Step::GuardKeyspace(id) => set.guard_keyspace(KeyspaceId(id)),
                Step::Savepoint => {
                    number += 1;
                    set.savepoint(number);
                    saved.push((number, state(&set)));
                }
                Step::RollbackTo(back) if back < saved.len() => {
                    let at = saved.len() - 1 - back;
                    let gone: Vec<_> = saved.drain(at + 1..).collect();
                    set.rollback_to(saved[at].0).unwrap();
                    prop_assert_eq!(&state(&set), &saved[at].1);
                    for (number, _) in gone {
                        prop_assert!(matches!(set.rollback_to(number), Err(StoreError::NoSuchSavepoint)));
                    }
                }
                Step::Release(back) if back < saved.len() => {
                    let before = state(&set);
                    let at = saved.len() - 1 - back;
                    set.release(saved[at].0).unwrap();
                    saved.truncate(at);
                    prop_assert_eq!(state(&set), before);
                }
                Step::RollbackTo(_) | Step::Release(_) => {}
            }
        }
    }
}

#[test]
fn a_write_beyond_the_limit_changes_nothing() {
    let mut set = WriteSet::default();
    set.put(KeyspaceId(1), key(1), Some(key(1)), 100).unwrap();
    let before = state(&set);
    let refused = set.put(KeyspaceId(1), key(2), Some(Bytes::from(vec![0; 50])), 100);
    assert!(matches!(
        refused,
        Err(StoreError::TooLarge {
            bytes: 181,
            max: 100
        })
    ));
    assert_eq!(state(&set), before);
    set.put(KeyspaceId(1), key(2), Some(key(2)), 2 * 66)
        .unwrap();
    assert_eq!(set.bytes(), 2 * 66, "the limit itself is within");
}

#[test]
fn what_a_savepoint_remembers_is_counted() {
    let mut set = WriteSet::default();
    let write = |set: &mut WriteSet, len: usize| {
        let value = Some(Bytes::from(vec![7; len]));
        set.put(KeyspaceId(1), key(1), value, u64::MAX).unwrap();
    };
    write(&mut set, 10);
    set.savepoint(1);
    write(&mut set, 20);
    assert_eq!(set.undo_bytes, 64 + 10);
    set.drop_keyspace(KeyspaceId(1));
    assert_eq!(set.undo_bytes, 64 + 10 + 64 + (64 + 1 + 20));
    set.rollback_to(1).unwrap();
    assert_eq!(set.undo_bytes, 0);
}

#[test]
fn a_range_keeps_the_writes_it_was_made_over() {
    let mut set = WriteSet::default();
    set.put(KeyspaceId(1), key(1), None, u64::MAX).unwrap();
    let seen = Arc::clone(set.writes(KeyspaceId(1)).unwrap());
    set.put(KeyspaceId(1), key(2), None, u64::MAX).unwrap();
    assert_eq!(seen.len(), 1);
    assert_eq!(set.writes(KeyspaceId(1)).unwrap().len(), 2);
}

//! Any history, reopening included, agrees with a `BTreeMap`.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use drystone_base::{Env, KeyspaceId, Lsn};
use drystone_engine::{Budget, Cursor, Engine, Snapshot};
use drystone_lsm::{Codec, Lsm, LsmOptions, LsmSnapshot, WriteBatch};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::small;

type Model = BTreeMap<u32, BTreeMap<Vec<u8>, Vec<u8>>>;

#[derive(Clone, Debug)]
enum Step {
    Merge(Vec<Write>),
    Append {
        keyspace: u32,
        count: u16,
    },
    DeleteRange {
        keyspace: u32,
        from: Vec<u8>,
        count: u16,
    },
    Drop(u32),
    /// Slices of background work, or of a full compaction.
    Work(u8, bool, u64),
    Reopen,
}

#[derive(Clone, Debug)]
struct Write {
    keyspace: u32,
    key: Vec<u8>,
    value: Option<Vec<u8>>,
}

fn key() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => vec(prop_oneof![Just(0u8), Just(1), Just(b'a'), any::<u8>()], 0..6),
        4 => (0u16..2000).prop_map(|n| format!("shared/prefix/{n:05}").into_bytes()),
        2 => (0u16..300, vec(Just(0u8), 0..3)).prop_map(|(n, zeros)| [&b"deep----"[..], &n.to_be_bytes(), &zeros].concat()),
        1 => (any::<u8>(), 100usize..3000).prop_map(|(byte, len)| vec![byte; len]),
    ]
}

fn value() -> impl Strategy<Value = Option<Vec<u8>>> {
    prop_oneof![
        4 => vec(any::<u8>(), 0..40).prop_map(Some),
        1 => (any::<u8>(), 100usize..10_000).prop_map(|(byte, len)| Some(vec![byte; len])),
        2 => Just(None),
    ]
}

fn write() -> impl Strategy<Value = Write> {
    (1u32..4, key(), value()).prop_map(|(keyspace, key, value)| Write {
        keyspace,
        key,
        value,
    })
}

fn budget() -> impl Strategy<Value = u64> {
    prop_oneof![2 => Just(3000), 1 => 1u64..400]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => vec(write(), 0..60).prop_map(Step::Merge),
        2 => (1u32..4, 1u16..400).prop_map(|(keyspace, count)| Step::Append { keyspace, count }),
        3 => (1u32..4, key(), 1u16..400).prop_map(|(keyspace, from, count)| Step::DeleteRange { keyspace, from, count }),
        1 => (1u32..4).prop_map(Step::Drop),
        3 => (1u8..20, any::<bool>(), budget()).prop_map(|(slices, is_full, bytes)| Step::Work(slices, is_full, bytes)),
        1 => Just(Step::Reopen),
    ]
}

/// The batch of a step, and the model after it. `None` when the step is no merge.
fn apply(step: &Step, model: &mut Model, epoch: &mut [u32; 4]) -> Option<WriteBatch> {
    let mut batch = WriteBatch::new();
    // Numbers of keyspaces are never used again: each drop moves on to the next ten.
    let id = |epoch: &[u32; 4], keyspace: u32| keyspace + 10 * epoch[keyspace as usize];
    match step {
        Step::Merge(writes) => {
            // Only the last write to a key counts: a put that is deleted again does not begin its keyspace.
            let last: BTreeMap<_, _> = writes
                .iter()
                .map(|write| ((write.keyspace, &write.key), &write.value))
                .collect();
            for ((keyspace, key), value) in last {
                put(&mut batch, model, id(epoch, keyspace), key, value.clone());
            }
        }
        Step::Append { keyspace, count } => {
            let id = id(epoch, *keyspace);
            let held = model.get(&id).map_or(0, BTreeMap::len);
            for n in 0..usize::from(*count) {
                let key = format!("\u{7f}append/{:08}", held + n);
                put(
                    &mut batch,
                    model,
                    id,
                    key.as_bytes(),
                    Some(vec![b'v'; n % 30]),
                );
            }
        }
        Step::DeleteRange {
            keyspace,
            from,
            count,
        } => {
            let id = id(epoch, *keyspace);
            let doomed: Vec<_> = model
                .get(&id)
                .map(|map| {
                    map.range(from.clone()..)
                        .take(usize::from(*count))
                        .map(|(key, _)| key.clone())
                        .collect()
                })
                .unwrap_or_default();
            for key in doomed {
                put(&mut batch, model, id, &key, None);
            }
        }
        Step::Drop(keyspace) => {
            let id = id(epoch, *keyspace);
            batch.drop_keyspace(KeyspaceId(id));
            model.remove(&id);
            epoch[*keyspace as usize] += 1;
        }
        Step::Work(..) | Step::Reopen => return None,
    }
    Some(batch)
}

fn put(batch: &mut WriteBatch, model: &mut Model, id: u32, key: &[u8], value: Option<Vec<u8>>) {
    match value {
        Some(value) => {
            batch.put(KeyspaceId(id), key, value.clone());
            model.entry(id).or_default().insert(key.to_vec(), value);
        }
        None => {
            batch.delete(KeyspaceId(id), key);
            if let Some(map) = model.get_mut(&id) {
                map.remove(key);
            }
        }
    }
}

fn check(snapshot: &LsmSnapshot, model: &Model, probes: &[Vec<u8>]) {
    let ids: Vec<_> = snapshot
        .keyspaces()
        .unwrap()
        .iter()
        .map(|id| id.0)
        .collect();
    let known: Vec<_> = model.keys().copied().collect();
    assert_eq!(ids, known, "keyspaces");
    for (&id, map) in model {
        let id = KeyspaceId(id);
        assert_eq!(snapshot.count(id).unwrap(), map.len() as u64);
        check_scans(snapshot, id, map);
        let mut cursor = snapshot.cursor(id).unwrap();
        for probe in probes {
            check_probe(snapshot, cursor.as_mut(), id, map, probe);
        }
    }
}

fn check_scans(snapshot: &LsmSnapshot, id: KeyspaceId, map: &BTreeMap<Vec<u8>, Vec<u8>>) {
    let entry = |(key, value): (&Vec<u8>, &Vec<u8>)| (key.clone(), value.clone());
    let forwards: Vec<_> = snapshot
        .range(id, ..)
        .map(|entry| entry.unwrap())
        .map(|(k, v)| (k.to_vec(), v.to_vec()))
        .collect();
    assert_eq!(forwards, map.iter().map(entry).collect::<Vec<_>>());
    let backwards: Vec<_> = snapshot
        .range(id, ..)
        .rev()
        .map(|entry| entry.unwrap())
        .map(|(k, v)| (k.to_vec(), v.to_vec()))
        .collect();
    assert_eq!(backwards, map.iter().rev().map(entry).collect::<Vec<_>>());
    for (key, value) in map {
        assert_eq!(
            snapshot.get(id, key).unwrap().as_deref(),
            Some(value.as_slice())
        );
    }
}

fn check_probe(
    snapshot: &LsmSnapshot,
    cursor: &mut dyn Cursor,
    id: KeyspaceId,
    map: &BTreeMap<Vec<u8>, Vec<u8>>,
    probe: &Vec<u8>,
) {
    assert_eq!(
        snapshot.get(id, probe).unwrap().as_deref(),
        map.get(probe).map(Vec::as_slice)
    );
    let mut above = map.range(probe.clone()..);
    let mut is_on = cursor.seek(probe).unwrap();
    for _ in 0..3 {
        let expected = above.next();
        assert_eq!(is_on, expected.is_some());
        let Some((key, value)) = expected else { break };
        assert_eq!(
            (cursor.key(), &cursor.value().unwrap()[..]),
            (key.as_slice(), value.as_slice())
        );
        is_on = cursor.next().unwrap();
    }
    let mut below = map.range(..=probe.clone()).rev();
    let mut is_on = cursor.seek_back(probe).unwrap();
    for _ in 0..3 {
        let expected = below.next();
        assert_eq!(is_on, expected.is_some());
        let Some((key, value)) = expected else { break };
        assert_eq!(
            (cursor.key(), &cursor.value().unwrap()[..]),
            (key.as_slice(), value.as_slice())
        );
        is_on = cursor.prev().unwrap();
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 60, ..ProptestConfig::default() })]

    #[test]
    fn any_history_agrees_with_a_map(steps in vec(step(), 1..25), probes in vec(key(), 1..20), is_compressed in any::<bool>()) {
        let codec = if is_compressed { Codec::Lz4 } else { Codec::None };
        let options = || LsmOptions { codecs: vec![codec], ..small() };
        let env = Env::memory(1);
        let dir = Path::new("lsm");
        let mut lsm = Lsm::open(&env, dir, options()).unwrap();
        let (mut model, mut epoch) = (Model::new(), [0; 4]);
        let mut held: Option<(Arc<LsmSnapshot>, Model)> = None;
        for step in &steps {
            match apply(step, &mut model, &mut epoch) {
                Some(batch) => {
                    let before = lsm.merged_lsn();
                    prop_assert_eq!(lsm.write_batch(&batch).unwrap(), Lsn(before.0 + 1));
                }
                None if let Step::Work(slices, is_full, bytes) = step => {
                    for _ in 0..*slices {
                        let slice = Budget { bytes: *bytes };
                        if *is_full { lsm.compact(slice).unwrap() } else { lsm.step(slice).unwrap() };
                    }
                }
                None => {
                    held = None;
                    drop(lsm);
                    lsm = Lsm::open(&env, dir, options()).unwrap();
                }
            }
            check(&lsm.newest(), &model, &probes);
            let report = lsm.verify().unwrap();
            prop_assert!(report.findings.is_empty(), "{:?}", report.findings);
            prop_assert_eq!(report.entries, model.values().map(|map| map.len() as u64).sum::<u64>());
            if let Some((snapshot, model)) = &held {
                check(snapshot, model, &probes);
            }
            if held.is_none() {
                held = Some((lsm.newest(), model.clone()));
            }
        }
    }
}

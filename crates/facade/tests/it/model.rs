//! Any history of calls, reopening included, agrees with a map.

use std::collections::BTreeMap;
use std::path::Path;

use drystone::{Database, Durability, Env, IsolationLevel, Options};
use proptest::collection::vec;
use proptest::prelude::*;

type Map = BTreeMap<Vec<u8>, Vec<u8>>;

#[derive(Clone, Debug)]
enum Call {
    Put(Vec<u8>, Vec<u8>),
    Delete(Vec<u8>),
    Transaction {
        changes: Vec<(Vec<u8>, Option<Vec<u8>>)>,
        commits: bool,
    },
    Flush,
    Step,
    Reopen,
    Range(Vec<u8>, Vec<u8>),
}

fn key() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        4 => vec(0u8..4, 0..4),
        1 => vec(any::<u8>(), 0..60),
        1 => (0u16..300).prop_map(|number| [b"prefix/shared/by/many".as_slice(), &number.to_be_bytes()].concat()),
    ]
}

fn value() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![4 => vec(any::<u8>(), 0..40), 1 => vec(any::<u8>(), 2_000..20_000)]
}

fn call() -> impl Strategy<Value = Call> {
    prop_oneof![
        8 => (key(), value()).prop_map(|(key, value)| Call::Put(key, value)),
        4 => key().prop_map(Call::Delete),
        3 => (vec((key(), proptest::option::of(value())), 0..12), any::<bool>())
            .prop_map(|(changes, commits)| Call::Transaction { changes, commits }),
        1 => Just(Call::Flush),
        2 => Just(Call::Step),
        1 => Just(Call::Reopen),
        4 => (key(), key()).prop_map(|(from, to)| Call::Range(from, to)),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn agrees_with_a_map(calls in vec(call(), 1..80)) {
        let env = Env::memory(1);
        let mut db = Database::open_in(&env, Path::new("db"), Options::simulated()).unwrap();
        let mut map = Map::new();
        for call in calls {
            if matches!(call, Call::Reopen) {
                db.close().unwrap();
                db = Database::open_in(&env, Path::new("db"), Options::simulated()).unwrap();
            }
            apply(&db, &mut map, call);
        }
        let keyspace = db.keyspace("k").unwrap();
        let found: Map = keyspace.get_range::<&[u8]>(..).map(owned).collect();
        prop_assert_eq!(&found, &map);
        for (key, value) in &map {
            prop_assert_eq!(keyspace.get(key).unwrap().unwrap(), value);
        }
        prop_assert!(db.verify().unwrap().is_sound());
    }
}

fn owned(entry: drystone::Result<(drystone::Bytes, drystone::Bytes)>) -> (Vec<u8>, Vec<u8>) {
    let (key, value) = entry.unwrap();
    (key.to_vec(), value.to_vec())
}

fn apply(db: &Database, map: &mut Map, call: Call) {
    let keyspace = db.keyspace("k").unwrap();
    match call {
        Call::Put(key, value) => {
            keyspace.put(key.clone(), value.clone()).unwrap();
            map.insert(key, value);
        }
        Call::Delete(key) => {
            keyspace.delete(key.clone()).unwrap();
            map.remove(&key);
        }
        Call::Transaction { changes, commits } => {
            let mut inside = map.clone();
            let mut tx = db
                .begin_transaction(IsolationLevel::RepeatableRead)
                .unwrap();
            for (key, value) in changes {
                match value {
                    Some(value) => {
                        tx.put(&keyspace, key.clone(), value.clone()).unwrap();
                        inside.insert(key, value);
                    }
                    None => {
                        tx.delete(&keyspace, key.clone()).unwrap();
                        inside.remove(&key);
                    }
                }
            }
            assert_eq!(
                tx.get_range::<&[u8]>(&keyspace, ..)
                    .map(owned)
                    .collect::<Map>(),
                inside
            );
            if commits {
                tx.commit_with(Durability::None).unwrap();
                *map = inside;
            }
        }
        Call::Flush => db.flush().unwrap(),
        Call::Step => drop(db.step().unwrap()),
        Call::Reopen => {}
        Call::Range(from, to) => {
            let (from, to) = if from <= to { (from, to) } else { (to, from) };
            let expected: Vec<_> = map
                .range(from.clone()..to.clone())
                .map(|(key, value)| (key.clone(), value.clone()))
                .collect();
            let forwards: Vec<_> = keyspace
                .get_range::<&[u8]>(&from[..]..&to[..])
                .map(owned)
                .collect();
            let mut backwards: Vec<_> = keyspace
                .get_range::<&[u8]>(&from[..]..&to[..])
                .rev()
                .map(owned)
                .collect();
            backwards.reverse();
            assert_eq!(forwards, expected);
            assert_eq!(backwards, expected);
        }
    }
}

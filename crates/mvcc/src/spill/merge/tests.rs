//! Any layers give what a map of all their entries has.

use std::collections::BTreeMap;
use std::path::Path;

use drystone_base::Env;
use drystone_testkit::Draw;

use super::*;
use crate::spill::folder::SpillFolder;
use crate::spill::run::writer::{Lookups, RunWriter};
use crate::spill::sort_buffer::{KnownKeys, SortBuffer};

type Model = BTreeMap<(KeyspaceId, Vec<u8>), Option<Vec<u8>>>;

/// Some entries of three keyspaces, or of one.
fn entries(draw: &mut Draw, keyspaces: &[u32], count: u64) -> Model {
    let entries = (0..draw.below(count)).map(|_| {
        let keyspace = KeyspaceId(*draw.pick(keyspaces));
        let key = format!("a shared beginning {}", draw.below(200)).into_bytes();
        ((keyspace, key), (!draw.chance(20)).then(|| draw.bytes(9)))
    });
    entries.collect()
}

fn run(folder: &SpillFolder, entries: &Model) -> Layer {
    let mut writer = RunWriter::create(folder, Lookups::Few).unwrap();
    for ((keyspace, key), value) in entries {
        writer.push_entry(*keyspace, key, value.as_deref()).unwrap();
    }
    Layer::Run(writer.finish().unwrap())
}

fn sorted(keyspace: KeyspaceId, entries: &Model) -> Layer {
    let mut buffer = SortBuffer::new(keyspace);
    for ((_, key), value) in entries {
        buffer.push(key, value.as_deref());
    }
    Layer::Sorted(Arc::new(buffer.sort(KnownKeys::Replaced).unwrap()))
}

#[test]
fn each_key_comes_once_as_the_newest_layer_has_it() {
    let env = Env::memory(1);
    let folder = SpillFolder::open(&env, Path::new("spill")).unwrap();
    let mut draw = Draw::new(11);
    for round in 0..60 {
        let mut layers = Layers::default();
        let mut model = Model::new();
        for _ in 0..round % 9 {
            let part = entries(&mut draw, &[1, 2, 7], 100);
            layers.parts.push(run(&folder, &part));
            model.extend(part);
        }
        if draw.chance(50) {
            let part = entries(&mut draw, &[2], 50);
            layers.parts.push(sorted(KeyspaceId(2), &part));
            model.extend(part);
        }
        if draw.chance(30) {
            layers.dropped.insert(KeyspaceId(2));
            model.retain(|(keyspace, _), _| *keyspace != KeyspaceId(2));
        }
        let mut changes = LayerChanges::new(&layers, 1 << 20).unwrap();
        assert_eq!(changes.dropped().len(), layers.dropped.len());
        let mut found = Model::new();
        while let Some(change) = changes.next_change().unwrap() {
            let value = match change.op {
                Op::Put(value) => Some(value.to_vec()),
                Op::PutLong(long) => panic!("a long value: {long:?}"),
                Op::Delete => None,
            };
            let at = (change.keyspace, change.key.to_vec());
            assert!(found.last_key_value().is_none_or(|(last, _)| *last < at));
            found.insert(at, value);
        }
        assert_eq!(found, model);
    }
}

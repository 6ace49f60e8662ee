//! Vector indexes: their records, and opening a damaged graph.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use bytes::Bytes;
use drystone_base::{Env, KeyspaceId, Lsn};
use drystone_engine::{Change, Engine, Op, SliceChanges};
use drystone_index_vector::{
    HnswParameters, Metric, VectorError, VectorIndex, VectorIndexOptions, encode_vector,
};
use drystone_mvcc::{Durability, IsolationLevel, Store, StoreOptions};
use drystone_testkit::{ModelEngine, SimFileSystem};
use drystone_wal::{Log, LogOptions};

use super::damage::DISK_FOLDER;
use crate::source::Source;

const DIM: usize = 3;
const COUNT: u16 = 40;

type Entries = Vec<(KeyspaceId, Bytes, Bytes)>;

/// A sound graph: the keyspaces of a store, and where the graph is in them.
struct Sound {
    entries: Entries,
    options: VectorIndexOptions,
}

/// Records of a graph.
pub fn record(data: &[u8]) {
    drystone_index_vector::fuzzing::check_records(data);
}

/// A graph with damaged records, within a base that is sound: it opens, and every search finds what a scan finds, or
/// says what is wrong.
///
/// # Panics
/// When it finds what is not there.
pub fn graph(data: &[u8]) {
    static SOUND: OnceLock<Sound> = OnceLock::new();
    let sound = SOUND.get_or_init(sound_graph);
    let entries = harmed(sound, data);
    let env = SimFileSystem::with_folder(1, DISK_FOLDER).env();
    let engine = engine_with(&env, &entries);
    let base = engine.snapshot();
    let log = Log::open(
        &env,
        &Path::new(DISK_FOLDER).join("log"),
        log_options(),
        engine.merged_lsn(),
    );
    let log = log.expect("a new log");
    let Ok(store) = Store::open(&env, store_options(), log, Arc::new(engine)) else {
        return;
    };
    let Ok(index) = VectorIndex::attach(&store, sound.options) else {
        return;
    };
    drop(index.verify(&base));
    search(&store, &index);
    if change(&store, &sound.options).is_some() {
        search(&store, &index);
    }
}

fn search(store: &Store, index: &VectorIndex) {
    let all = |_: &[u8]| Ok::<_, VectorError>(true);
    for number in [0_u16, 17, 39] {
        let hits = index.search(&store.view(), &vector(number), 5, 32, all);
        for hit in hits.into_iter().flatten() {
            assert!(!hit.distance.is_nan());
        }
        drop(index.exact(&store.view(), &vector(number), 5, all));
    }
}

fn change(store: &Store, options: &VectorIndexOptions) -> Option<()> {
    let mut tx = store.begin(IsolationLevel::RepeatableRead).ok()?;
    for number in 0..8 {
        tx.put(
            options.source,
            key(number * 5),
            encode_vector(&vector(number)),
        )
        .ok()?;
        tx.delete(options.source, key(number * 5 + 1)).ok()?;
    }
    tx.commit(Durability::Sync).ok()?;
    store.flush().ok()
}

fn harmed(sound: &Sound, data: &[u8]) -> Entries {
    let mut entries = sound.entries.clone();
    let target = sound.options.target;
    let mut graph: Vec<_> = entries
        .iter_mut()
        .filter(|(id, ..)| *id == target)
        .collect();
    let mut source = Source::new(data);
    while !source.is_empty() {
        let record = source.below(graph.len());
        let (_, key, value) = &mut *graph[record];
        match source.byte() % 8 {
            0 => *value = Bytes::copy_from_slice(source.bytes(60)),
            1 => value.truncate(source.below(value.len() + 1)),
            2 => *key = Bytes::copy_from_slice(source.bytes(6)),
            _ => {
                let mut bytes = value.to_vec();
                let place = source.below(bytes.len().max(1));
                for (byte, new) in bytes[place.min(value.len())..]
                    .iter_mut()
                    .zip(source.bytes(8))
                {
                    *byte = *new;
                }
                *value = bytes.into();
            }
        }
    }
    entries.sort_by(|left, right| (left.0, &left.1).cmp(&(right.0, &right.1)));
    entries.dedup_by(|left, right| (left.0, &left.1) == (right.0, &right.1));
    entries
}

fn engine_with(env: &Env, entries: &Entries) -> ModelEngine {
    let engine =
        ModelEngine::open(env, &Path::new(DISK_FOLDER).join("engine")).expect("a new file");
    let changes: Vec<Change<'_>> = entries
        .iter()
        .map(|(keyspace, key, value)| Change {
            keyspace: *keyspace,
            key,
            op: Op::Put(value),
        })
        .collect();
    engine
        .merge(&mut SliceChanges::new(&[], &changes), Lsn(100))
        .expect("a sound disk");
    engine
}

/// A memtable so short that its filter takes no time to make.
fn store_options() -> StoreOptions {
    StoreOptions {
        memtable_bytes: 64 << 10,
        ..StoreOptions::default()
    }
}

fn log_options() -> LogOptions {
    LogOptions {
        segment_bytes: 16 << 10,
        ..LogOptions::default()
    }
}

fn key(number: u16) -> Vec<u8> {
    format!("key {number}").into_bytes()
}

fn vector(number: u16) -> [f32; DIM] {
    let number = f32::from(number);
    [number, (number * 7.0) % 11.0, (number * number) % 5.0]
}

fn sound_graph() -> Sound {
    let env = SimFileSystem::with_folder(1, DISK_FOLDER).env();
    let engine = Arc::new(engine_with(&env, &Vec::new()));
    let log = Log::open(
        &env,
        &Path::new(DISK_FOLDER).join("log"),
        log_options(),
        Lsn(100),
    );
    let base = Arc::clone(&engine) as Arc<dyn Engine>;
    let store =
        Store::open(&env, store_options(), log.expect("a new log"), base).expect("a new store");
    let mut tx = store
        .begin(IsolationLevel::RepeatableRead)
        .expect("a new store");
    let source = tx.create_keyspace("vectors").expect("a new name");
    let target = tx.create_keyspace("graph").expect("a new name");
    tx.commit(Durability::Sync).expect("a sound disk");
    let options = VectorIndexOptions {
        source,
        target,
        parameters: HnswParameters {
            m: 4,
            ef_construction: 16,
            ..HnswParameters::new(DIM, Metric::L2)
        },
    };
    let _index = VectorIndex::attach(&store, options).expect("an empty store");
    for first in [0, COUNT / 2] {
        let mut tx = store
            .begin(IsolationLevel::RepeatableRead)
            .expect("a sound store");
        for number in first..first + COUNT / 2 {
            tx.put(source, key(number), encode_vector(&vector(number)))
                .expect("room");
        }
        if first > 0 {
            tx.delete(source, key(3)).expect("room");
        }
        tx.commit(Durability::Sync).expect("a sound disk");
        store.flush().expect("a sound disk");
    }
    Sound {
        entries: entries_of(engine.as_ref()),
        options,
    }
}

/// What a sound graph is stored as.
pub(crate) fn sound_records() -> Vec<Vec<u8>> {
    let sound = sound_graph();
    let graph = sound
        .entries
        .iter()
        .filter(|(id, ..)| *id == sound.options.target);
    graph
        .flat_map(|(_, key, value)| [key.to_vec(), value.to_vec()])
        .collect()
}

fn entries_of(engine: &dyn Engine) -> Entries {
    let snapshot = engine.snapshot();
    let mut entries = Entries::new();
    for keyspace in (0..20).map(KeyspaceId) {
        let Ok(mut cursor) = snapshot.cursor(keyspace) else {
            continue;
        };
        let mut is_on = cursor.first().expect("memory");
        while is_on {
            let value = cursor.value().expect("memory");
            entries.push((keyspace, Bytes::copy_from_slice(cursor.key()), value));
            is_on = cursor.next().expect("memory");
        }
    }
    entries
}

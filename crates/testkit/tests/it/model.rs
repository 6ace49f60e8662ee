//! Any history, crashes and reopening included, agrees with the model: proptest draws the shape, the generator the rest.

use std::path::Path;

use bytes::Bytes;
use drystone_base::{KeyspaceId, Lsn};
use drystone_engine::{Engine, EngineError, SliceChanges, Snapshot};
use drystone_testkit::{CrashPolicy, Generator, Model, ModelEngine, Shape, SimFileSystem, compare};
use proptest::prelude::*;

pub(crate) fn scan(
    snapshot: &dyn Snapshot,
    keyspace: KeyspaceId,
) -> Result<Vec<(Bytes, Bytes)>, EngineError> {
    let mut cursor = snapshot.cursor(keyspace)?;
    let mut entries = Vec::new();
    let mut on = cursor.first()?;
    while on {
        entries.push((Bytes::copy_from_slice(cursor.key()), cursor.value()?));
        on = cursor.next()?;
    }
    Ok(entries)
}

fn shapes() -> impl Strategy<Value = Shape> {
    (1..4u32, 1..100u64, 1..20u64, 0..400usize, 0..5000usize).prop_map(
        |(keyspaces, keys, changes_max, key_bytes_max, value_bytes_max)| Shape {
            keyspaces,
            keys,
            changes_max,
            key_bytes_max,
            value_bytes_max,
            ..Shape::default()
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]
    #[test]
    fn any_history_agrees(
        seed: u64,
        shape in shapes(),
        crashes in proptest::collection::vec(proptest::option::of(0..11usize), 1..15),
    ) {
        let mut disk = SimFileSystem::with_folder(seed, "/db");
        let mut generator = Generator::new(seed, shape);
        let mut model = Model::new();
        let mut engine = ModelEngine::open(&disk.env(), Path::new("/db/e")).unwrap();
        for (number, crash) in (1..).zip(crashes) {
            let batch = generator.batch();
            let changes = batch.changes();
            engine.merge(&mut SliceChanges::new(&batch.dropped, &changes), Lsn(number)).unwrap();
            model.commit(Lsn(number), &batch);
            if let Some(policy) = crash {
                disk = disk.crash(CrashPolicy::ALL[policy]);
                engine = ModelEngine::open(&disk.env(), Path::new("/db/e")).unwrap();
            }
            let snapshot = engine.snapshot();
            prop_assert_eq!(snapshot.keyspaces().unwrap(), model.keyspaces(Lsn(number)));
            for keyspace in model.keyspaces(Lsn(number)) {
                let found = scan(&*snapshot, keyspace).unwrap();
                prop_assert_eq!(compare(&model.entries(Lsn(number), keyspace), &found), Ok(()));
            }
        }
    }
}

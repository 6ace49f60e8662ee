//! Bits rot: whatever is read afterwards is right, or an error; never wrong data, never an older state in silence.

use std::collections::BTreeMap;

use bytes::Bytes;
use drystone_base::{Env, KeyspaceId};
use drystone_mvcc::{Durability, KeyRange, Store, StoreError, View};
use drystone_testkit::{CRASH_FOLDER, CrashPolicy, Draw, SimFileSystem, seed_of};

use crate::support::{all, begin, create, open, put, small};

type Entries = BTreeMap<Bytes, Bytes>;

/// Commits to a store, some of which are merged.
fn fill(store: &Store, ks: KeyspaceId, seed: u64) {
    let mut draw = Draw::new(seed);
    for number in 0..60u64 {
        let mut tx = begin(store);
        for _ in 0..4 {
            let key = draw.below(200).to_be_bytes().to_vec();
            tx.put(ks, key, draw.bytes(60)).unwrap();
        }
        tx.put(ks, "number", number.to_le_bytes().to_vec()).unwrap();
        tx.commit(Durability::Sync).unwrap();
        if number == 30 {
            store.flush().unwrap();
        }
    }
}

fn read(view: &View) -> Result<Entries, StoreError> {
    let ks = view.keyspace("main")?.unwrap_or(KeyspaceId(1));
    view.range(ks, KeyRange::all()).collect()
}

fn read_all(env: &Env) -> Result<Entries, StoreError> {
    read(&open(env, small())?.view())
}

#[test]
fn a_flipped_bit_never_gives_wrong_data() {
    let seed = seed_of("a_flipped_bit_never_gives_wrong_data");
    let disk = SimFileSystem::with_folder(seed, CRASH_FOLDER);
    let store = open(&disk.env(), small()).unwrap();
    let ks = create(&store, "main");
    fill(&store, ks, seed);
    store.close().unwrap();
    let expected: Entries = all(&store.view(), ks).into_iter().collect();
    drop(store);
    let mut draw = Draw::new(seed);
    let (mut right, mut refused) = (0, 0);
    for flip in 0..1_000 {
        let copy = disk.crash(CrashPolicy::KeepAll);
        let path = draw.pick(&copy.files()).clone();
        let len = copy.image(&path).unwrap().len();
        let offset = draw.below(len);
        copy.flip_bit(&path, offset, draw.bytes(1)[0] % 8).unwrap();
        match read_all(&copy.env()) {
            Ok(found) => {
                let place = path.display();
                assert_eq!(
                    found, expected,
                    "seed {seed}, flip {flip}: {place} at {offset}"
                );
                right += 1;
            }
            Err(_) => refused += 1,
        }
    }
    assert!(
        right > 100 && refused > 30,
        "{right} right, {refused} refused"
    );
}

#[test]
fn any_log_record_that_is_no_commit_is_reported() {
    use drystone_base::Lsn;
    use drystone_wal::{Log, LogOptions};
    let env = Env::memory(1);
    let dir = std::path::Path::new(CRASH_FOLDER).join("log");
    let log = Log::open(&env, &dir, LogOptions::default(), Lsn::ZERO).unwrap();
    log.append(b"\x01\x00\x01\x01").unwrap();
    log.close().unwrap();
    match open(&env, small()) {
        Err(StoreError::CorruptRecord { lsn, why }) => {
            assert_eq!((lsn, why.what), (Lsn(1), "change count"));
        }
        other => panic!("the record is damaged, not {other:?}"),
    }
}

#[test]
fn verify_finds_a_keyspace_that_the_catalog_does_not_know() {
    use drystone_btree::{BTree, BTreeOptions, WriteBatch};
    let env = Env::memory(1);
    let dir = std::path::Path::new(CRASH_FOLDER).join("btree");
    let engine = BTree::open(&env, &dir, BTreeOptions::default()).unwrap();
    let mut stray = WriteBatch::new();
    stray.put(KeyspaceId(77), b"key", b"value");
    engine.write_batch(&stray).unwrap();
    drop(engine);
    let store = open(&env, small()).unwrap();
    let report = store.verify().unwrap();
    assert!(!report.is_sound());
    let findings = report.findings;
    assert!(
        matches!(&findings[..], [StoreError::CorruptCatalog { why }] if why.found == "keyspace 77"),
        "{findings:?}"
    );
}

#[test]
fn verify_finds_damage_in_the_base() {
    let disk = SimFileSystem::with_folder(1, CRASH_FOLDER);
    let store = open(&disk.env(), small()).unwrap();
    let ks = create(&store, "main");
    fill(&store, ks, 1);
    store.flush().unwrap();
    let sound = store.verify().unwrap();
    assert!(sound.is_sound() && sound.engine.pages > 1, "{sound:?}");
    assert_eq!((sound.keyspaces, sound.log_records), (1, 0));
    put(&store, ks, "key", "value");
    put(&store, ks, "key", "other value");
    assert_eq!(store.verify().unwrap().log_records, 2);

    let data = std::path::Path::new(CRASH_FOLDER).join("btree/data");
    let blocks = disk.image(&data).unwrap().len() / 4096;
    let mut found = 0;
    for block in 4..blocks {
        disk.flip_bit(&data, block * 4096, 0).unwrap();
        let report = store.verify().unwrap();
        assert!(report.findings.is_empty(), "{report:?}");
        assert_eq!(report.is_sound(), report.engine.findings.is_empty());
        found += report.engine.findings.len();
        disk.flip_bit(&data, block * 4096, 0).unwrap();
    }
    assert!(found > 0);
}

//! Another engine below the database, and pages of another length.

use std::sync::Arc;

use drystone::{BackgroundWork, Codec, CustomEngine, Database, ErrorKind, IsolationLevel, Options};
use drystone_lsm::{Lsm, LsmOptions};
use drystone_testkit::{CrashPolicy, ModelEngine, SimFileSystem};

fn engine(name: &'static str) -> Options {
    on(CustomEngine::new(name, |env, folder| {
        Ok(Arc::new(ModelEngine::open(env, folder)?))
    }))
}

fn lsm() -> Options {
    on(CustomEngine::new("lsm", |env, folder| {
        Ok(Arc::new(Lsm::open(env, folder, LsmOptions::default())?))
    }))
}

fn on(engine: CustomEngine) -> Options {
    Options {
        engine: Some(engine),
        memtable_bytes: 1 << 10,
        background: BackgroundWork::Manual,
        ..Options::default()
    }
}

fn pages(page_bytes: u32) -> Options {
    Options {
        page_bytes,
        background: BackgroundWork::Manual,
        ..Options::default()
    }
}

#[test]
fn a_database_lives_on_an_engine_of_ones_own() {
    let disk = SimFileSystem::new(7);
    let db = Database::open_in(&disk.env(), "db", engine("model")).unwrap();
    let notes = db.keyspace("notes").unwrap();
    for number in 0..200u8 {
        notes.put(vec![number], vec![number; 100]).unwrap();
        db.step().unwrap();
    }
    db.flush().unwrap();
    let stats = db.stats().engine;
    assert!(stats.kind == "model" && stats.merges > 1, "{stats:?}");
    drop((notes, db));

    let disk = disk.crash(CrashPolicy::LoseAll);
    let db = Database::open_in(&disk.env(), "db", engine("model")).unwrap();
    let notes = db.keyspace("notes").unwrap();
    assert_eq!(notes.get_range::<&[u8]>(..).count(), 200);
    assert!(db.verify().unwrap().findings.is_empty());
}

#[test]
fn an_lsm_tree_keeps_what_is_loaded_spilled_overwritten_and_removed() {
    let disk = SimFileSystem::new(7);
    let options = Options {
        transaction_bytes: 8 << 10,
        ..lsm()
    };
    let db = Database::open_in(&disk.env(), "db", options.clone()).unwrap();
    let notes = db.keyspace("notes").unwrap();
    let mut load = db.bulk_load().unwrap();
    for number in 0..3_000u32 {
        load.put(&notes, number.to_be_bytes(), [1; 40]).unwrap();
    }
    load.commit().unwrap();
    let before = db.snapshot();
    for number in (0..3_000u32).step_by(3) {
        notes.delete(number.to_be_bytes().to_vec()).unwrap();
        notes
            .put((number + 1).to_be_bytes().to_vec(), vec![2; 30])
            .unwrap();
        db.step().unwrap();
    }
    let mut large = db
        .begin_transaction(IsolationLevel::RepeatableRead)
        .unwrap();
    for number in 0..1_000u32 {
        let key = (5_000 + number).to_be_bytes().to_vec();
        large.put(&notes, key, vec![3; 50]).unwrap();
    }
    large.commit().unwrap();
    let old: Vec<_> = before.get_range::<&[u8]>(&notes, ..).collect();
    assert_eq!(old.len(), 3_000);
    assert!(old.into_iter().all(|entry| entry.unwrap().1 == [1; 40][..]));
    drop((before, notes, db));

    let disk = disk.crash(CrashPolicy::LoseAll);
    let db = Database::open_in(&disk.env(), "db", options).unwrap();
    let check = |db: &Database| {
        let notes = db.keyspace("notes").unwrap();
        let mut counts = [0; 4];
        for entry in notes.get_range::<&[u8]>(..) {
            let (key, value) = entry.unwrap();
            let number = u32::from_be_bytes(key[..].try_into().unwrap());
            let is = match number {
                5_000.. => 3,
                _ if number % 3 == 1 => 2,
                _ => 1,
            };
            assert!(value.iter().all(|byte| *byte == is), "{number}");
            assert!(is == 3 || number % 3 != 0, "{number} was removed");
            counts[usize::from(is)] += 1;
        }
        assert_eq!(counts, [0, 1_000, 1_000, 1_000]);
        assert!(db.verify().unwrap().findings.is_empty());
    };
    check(&db);
    db.compact().unwrap();
    check(&db);
}

#[test]
fn another_engine_than_the_recorded_one_is_refused_by_name() {
    let disk = SimFileSystem::new(7);
    for (folder, first, second, said) in [
        (
            "a",
            engine("model"),
            Options::default(),
            ["\"model\"", "btree"],
        ),
        (
            "b",
            Options::default(),
            engine("model"),
            ["btree", "\"model\""],
        ),
        (
            "c",
            engine("model"),
            engine("other"),
            ["\"model\"", "\"other\""],
        ),
    ] {
        drop(Database::open_in(&disk.env(), folder, first.clone()).unwrap());
        let error = Database::open_in(&disk.env(), folder, second).map(drop);
        let error = error.expect_err("another engine cannot read it");
        assert_eq!(error.kind(), ErrorKind::Invalid);
        let report = error.report();
        assert!(said.iter().all(|name| report.contains(name)), "{report}");
        Database::open_in(&disk.env(), folder, first).unwrap();
    }
}

/// The leftovers are of whichever engine the creation was for.
#[test]
fn a_creation_that_was_cut_short_may_go_on_with_another_engine() {
    for after in 0..12 {
        let disk = SimFileSystem::new(after);
        disk.cut_power_after(after, drystone_testkit::Cut::After);
        let cut = Database::open_in(&disk.env(), "db", engine("model"));
        assert!(cut.is_err(), "after {after}");
        let disk = disk.crash(CrashPolicy::KeepAll);
        let manifest = std::path::Path::new("db/MANIFEST");
        assert!(disk.image(manifest).is_err(), "after {after}");
        let db = Database::open_in(&disk.env(), "db", Options::default()).unwrap();
        db.keyspace("notes").unwrap().put("one", "stone").unwrap();
    }
}

#[test]
fn pages_are_as_long_as_they_were_when_the_database_was_created() {
    let disk = SimFileSystem::new(7);
    for page_bytes in [512, 4096, 1 << 20] {
        let folder = format!("db{page_bytes}");
        let db = Database::open_in(&disk.env(), &folder, pages(page_bytes)).unwrap();
        let notes = db.keyspace("notes").unwrap();
        for number in 0..2_000u32 {
            notes
                .put(number.to_be_bytes().to_vec(), vec![7; 20])
                .unwrap();
        }
        db.flush().unwrap();
        drop((notes, db));
        // It is no error to ask for other pages: those that there are stay.
        let db = Database::open_in(&disk.env(), &folder, pages(8192)).unwrap();
        assert!(db.verify().unwrap().findings.is_empty());
        let notes = db.keyspace("notes").unwrap();
        assert_eq!(notes.get_range::<&[u8]>(..).count(), 2_000);
    }
}

#[test]
fn a_length_of_pages_outside_the_limits_is_refused_and_named() {
    let disk = SimFileSystem::new(7);
    for page_bytes in [0, 511, (1 << 20) + 1] {
        let error = Database::open_in(&disk.env(), "db", pages(page_bytes)).map(drop);
        let error = error.expect_err("no such pages");
        assert_eq!(error.kind(), ErrorKind::Invalid);
        assert!(error.report().contains(&page_bytes.to_string()));
    }
    assert!(disk.files().is_empty(), "nothing was left behind");
}

/// Rows that are alike, in long pages.
fn compressed(compression: Codec) -> Options {
    Options {
        compression,
        ..pages(16 << 10)
    }
}

fn fill(db: &Database) {
    let notes = db.keyspace("notes").unwrap();
    for number in 0..2_000u32 {
        let value = format!("stone {} of course {}", number * 7919 % 1000, number / 50);
        notes
            .put(number.to_be_bytes().to_vec(), value.repeat(5))
            .unwrap();
    }
    db.flush().unwrap();
}

fn live_bytes(db: &Database) -> u64 {
    let stats = db.stats().engine;
    stats.file_bytes - stats.free_bytes
}

#[test]
fn compressed_pages_take_fewer_blocks_and_read_the_same() {
    let disk = SimFileSystem::new(7);
    let plain = Database::open_in(&disk.env(), "plain", compressed(Codec::None)).unwrap();
    fill(&plain);
    for codec in [Codec::Lz4, Codec::Snappy, Codec::Zstd(1), Codec::Gzip(1)] {
        if codec.check().is_err() {
            continue;
        }
        let folder = format!("{codec:?}");
        let db = Database::open_in(&disk.env(), &folder, compressed(codec)).unwrap();
        fill(&db);
        let fewer = live_bytes(&plain) * 2 / 3;
        assert!(live_bytes(&db) < fewer, "{codec:?}");
        drop(db);

        // Keyspaces keep what they began with, whatever the options say later.
        let disk = disk.crash(CrashPolicy::LoseAll);
        let db = Database::open_in(&disk.env(), &folder, pages(8192)).unwrap();
        assert!(db.verify().unwrap().findings.is_empty());
        let entries = |db: &Database| -> Vec<_> {
            let notes = db.keyspace("notes").unwrap();
            notes.get_range::<&[u8]>(..).map(Result::unwrap).collect()
        };
        assert_eq!(entries(&db), entries(&plain));
        fill(&db);
        assert!(db.verify().unwrap().findings.is_empty());
        assert_eq!(entries(&db), entries(&plain));
    }
}

#[test]
fn a_codec_that_there_is_not_is_refused_and_named() {
    let disk = SimFileSystem::new(7);
    for codec in [Codec::Zstd(0), Codec::Gzip(10)] {
        let error = Database::open_in(&disk.env(), "db", compressed(codec)).map(drop);
        let error = error.expect_err("no such level");
        assert_eq!(error.kind(), ErrorKind::Invalid);
        let name = codec.id().to_string();
        assert!(error.report().contains(&name), "{}", error.report());
    }
    assert!(disk.files().is_empty(), "nothing was left behind");
}

//! Keyspaces with options of their own.

use drystone::{Codec, Database, ErrorKind, KeyspaceOptions, Options};
use drystone_testkit::{CrashPolicy, SimFileSystem};

const LZ4: KeyspaceOptions = KeyspaceOptions {
    compression: Some(Codec::Lz4),
};

fn options() -> Options {
    Options {
        page_bytes: 32 << 10,
        ..Options::simulated()
    }
}

fn open(disk: &SimFileSystem) -> Database {
    Database::open_in(&disk.env(), "/db", options()).unwrap()
}

fn disk() -> SimFileSystem {
    SimFileSystem::with_folder(11, "/db")
}

/// 300 kB of text in a keyspace; returns what the file has in use then.
fn fill(db: &Database, name: &str, options: KeyspaceOptions) -> u64 {
    let keyspace = db.keyspace_with(name, options).unwrap();
    for number in 0..1_000u32 {
        let value = format!("stone {number} upon stone ").repeat(15);
        keyspace.put(number.to_be_bytes().to_vec(), value).unwrap();
        db.step().unwrap();
    }
    db.flush().unwrap();
    let stats = db.stats().engine;
    stats.file_bytes - stats.free_bytes
}

#[test]
fn a_keyspace_is_compressed_though_the_database_is_not() {
    let disk = disk();
    let db = open(&disk);
    let before = fill(&db, "small", LZ4);
    let both = fill(&db, "large", KeyspaceOptions::default());
    assert!(
        before * 2 < both - before,
        "{before} compressed, {both} with the other"
    );
    assert!(db.verify().unwrap().findings.is_empty());
}

/// It is as durable as the keyspace, whether anything was merged or not.
#[test]
fn options_outlive_a_power_cut() {
    let disk = disk();
    let db = open(&disk);
    db.keyspace_with("small", LZ4).unwrap();
    let disk = disk.crash(CrashPolicy::LoseAll);
    let db = open(&disk);
    let small = fill(&db, "small", KeyspaceOptions::default());
    let large = fill(&db, "large", KeyspaceOptions::default()) - small;
    assert!(small * 2 < large, "{small} and {large}");
    db.drop_keyspace("small").unwrap();
    db.flush().unwrap();
    assert!(db.verify().unwrap().findings.is_empty());
}

/// In the middle of a merge, which it lets end, and of a keyspace that has entries, which stay as they are.
#[test]
fn options_can_be_changed() {
    let disk = disk();
    let db = open(&disk);
    let keyspace = db.keyspace("notes").unwrap();
    let codecs = [Codec::Lz4, Codec::None, Codec::Snappy];
    for (round, codec) in (0u32..).zip(codecs) {
        for number in 0..300u32 {
            let value = format!("round {round}, stone {number}; ").repeat(10);
            keyspace.put(number.to_be_bytes().to_vec(), value).unwrap();
            if number % 10 == 0 {
                db.step().unwrap();
            }
        }
        let compression = Some(codec);
        db.keyspace_with("notes", KeyspaceOptions { compression })
            .unwrap();
        assert_eq!(keyspace.get_range::<&[u8]>(..).count(), 300);
    }
    db.flush().unwrap();
    assert!(db.verify().unwrap().findings.is_empty());
}

#[test]
fn a_codec_that_there_is_not_leaves_the_keyspace_as_it_is() {
    let db = open(&disk());
    let compression = Some(Codec::Zstd(0));
    let refused = db.keyspace_with("notes", KeyspaceOptions { compression });
    let error = refused.map(drop).expect_err("no such level");
    assert!(matches!(
        error.kind(),
        ErrorKind::Invalid | ErrorKind::Unsupported
    ));
    db.keyspace("notes").unwrap().put("a", "b").unwrap();
    db.flush().unwrap();
    assert!(db.verify().unwrap().findings.is_empty());
}

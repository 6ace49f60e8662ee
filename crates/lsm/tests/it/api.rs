//! The engine used alone: ranges, cursors, what they own, codecs, options that are refused, filters.

use std::ops::Bound::{Excluded, Included, Unbounded};
use std::path::Path;

use drystone_base::{Env, KeyspaceId};
use drystone_engine::{Budget, Engine, EngineError, Progress, Snapshot};
use drystone_lsm::{Codec, Lsm, LsmOptions, MAX_KEY_BYTES, WriteBatch};

use crate::small;

const KEYSPACE: KeyspaceId = KeyspaceId(u32::MAX);

fn open(env: &Env) -> Lsm {
    Lsm::open(env, Path::new("lsm"), small()).unwrap()
}

/// The even numbers below `end`, in several runs.
fn evens(end: u32) -> Lsm {
    let lsm = open(&Env::memory(1));
    for part in [2, 0] {
        let mut batch = WriteBatch::new();
        let numbers = (0..end).filter(|n| n % 4 == part);
        numbers.for_each(|n| batch.put(KEYSPACE, n.to_be_bytes(), "even"));
        lsm.write_batch(&batch).unwrap();
    }
    lsm
}

fn number(key: &[u8]) -> u32 {
    u32::from_be_bytes(key.try_into().unwrap())
}

#[test]
fn ranges_keep_their_bounds_from_both_ends() {
    let lsm = evens(1000);
    let snapshot = lsm.newest();
    let [low, odd, high] = [100u32, 151, 200].map(u32::to_be_bytes);
    let within = |bounds: (std::ops::Bound<&[u8]>, std::ops::Bound<&[u8]>), expected: Vec<u32>| {
        let keys = |entries: Vec<_>| -> Vec<u32> {
            entries
                .iter()
                .map(|(key, _): &(bytes::Bytes, bytes::Bytes)| number(key))
                .collect()
        };
        let up: Vec<_> = snapshot
            .range(KEYSPACE, bounds)
            .map(Result::unwrap)
            .collect();
        let mut down: Vec<_> = snapshot
            .range(KEYSPACE, bounds)
            .rev()
            .map(Result::unwrap)
            .collect();
        down.reverse();
        assert_eq!((keys(up), keys(down)), (expected.clone(), expected));
    };
    within(
        (Included(&low), Included(&high)),
        (100..=200).step_by(2).collect(),
    );
    within(
        (Excluded(&low), Excluded(&high)),
        (102..200).step_by(2).collect(),
    );
    within(
        (Included(&odd), Unbounded),
        (152..1000).step_by(2).collect(),
    );
    within((Unbounded, Excluded(&odd)), (0..151).step_by(2).collect());
    within((Included(&high), Included(&low)), vec![]);
}

#[test]
fn a_cursor_owns_what_it_reads_and_may_move() {
    let lsm = evens(1000);
    let mut cursor = lsm.snapshot().cursor(KEYSPACE).unwrap();
    drop(lsm);
    let last = std::thread::scope(|scope| {
        let handle = scope.spawn(move || {
            assert!(cursor.seek(&500u32.to_be_bytes()).unwrap());
            let mut last = number(cursor.key());
            while cursor.next().unwrap() {
                last = number(cursor.key());
            }
            last
        });
        handle.join().unwrap()
    });
    assert_eq!(last, 998);
}

#[test]
fn codecs_are_those_of_the_keyspace_then_of_the_level() {
    let bytes_with = |codecs: Vec<Codec>, own: Option<Codec>| {
        let options = LsmOptions {
            codecs,
            block_bytes: 4096,
            ..small()
        };
        let lsm = Lsm::open(&Env::memory(1), Path::new("lsm"), options).unwrap();
        own.into_iter()
            .for_each(|codec| lsm.set_codec(KEYSPACE, codec).unwrap());
        lsm.load_sorted(
            KEYSPACE,
            (0..500u32).map(|n| (n.to_be_bytes(), [b'v'; 100])),
        )
        .unwrap();
        assert!(lsm.verify().unwrap().findings.is_empty());
        lsm.stats().file_bytes
    };
    let plain = bytes_with(vec![], None);
    assert!(
        bytes_with(vec![Codec::None, Codec::Lz4], None) < plain / 3,
        "the bottom level's"
    );
    assert!(bytes_with(vec![Codec::None], Some(Codec::Snappy)) < plain / 3);
    assert!(bytes_with(vec![Codec::Lz4], Some(Codec::None)) >= plain);
}

#[test]
fn options_out_of_bounds_are_refused() {
    for wrong in [
        LsmOptions {
            block_bytes: 1,
            ..small()
        },
        LsmOptions {
            sst_bytes: 2 << 30,
            ..small()
        },
        LsmOptions {
            level0_runs: 0,
            ..small()
        },
        LsmOptions {
            level0_runs: 9,
            level0_runs_slow: 8,
            ..small()
        },
        LsmOptions {
            level_ratio: 0,
            ..small()
        },
        LsmOptions {
            codecs: vec![Codec::Zstd(99)],
            ..small()
        },
    ] {
        let opened = Lsm::open(&Env::memory(1), Path::new("lsm"), wrong.clone());
        assert!(
            matches!(
                opened,
                Err(EngineError::Io {
                    op: "open" | "compress",
                    ..
                })
            ),
            "{wrong:?}"
        );
    }
}

#[test]
fn what_is_too_long_is_refused() {
    let lsm = open(&Env::memory(1));
    let mut batch = WriteBatch::new();
    batch.put(KEYSPACE, vec![b'k'; MAX_KEY_BYTES + 1], "");
    assert!(matches!(
        lsm.write_batch(&batch),
        Err(EngineError::KeyTooLarge { .. })
    ));
    assert_eq!(lsm.newest().keyspaces().unwrap(), []);
}

#[test]
fn filters_spare_reads_of_keys_that_are_not_there() {
    let reads_of_misses = |filter_bits_per_key| {
        let options = LsmOptions {
            filter_bits_per_key,
            cache_bytes: 1 << 20,
            ..small()
        };
        let lsm = Lsm::open(&Env::memory(1), Path::new("lsm"), options).unwrap();
        lsm.load_sorted(
            KEYSPACE,
            (0..5000u32).map(|n| ((n * 2).to_be_bytes(), [7; 40])),
        )
        .unwrap();
        let before = lsm.stats().cache_misses;
        for n in (0..5000u32).step_by(10) {
            assert_eq!(
                lsm.newest()
                    .get(KEYSPACE, &(n * 2 + 1).to_be_bytes())
                    .unwrap(),
                None
            );
        }
        lsm.stats().cache_misses - before
    };
    let (with, without) = (reads_of_misses(10), reads_of_misses(0));
    assert!(
        with * 3 < without,
        "{with} reads with filters, {without} without"
    );
}

#[test]
fn the_cache_keeps_to_its_budget() {
    let options = LsmOptions {
        cache_bytes: 300 << 10,
        ..small()
    };
    let lsm = Lsm::open(&Env::memory(1), Path::new("lsm"), options).unwrap();
    lsm.load_sorted(KEYSPACE, (0..20_000u32).map(|n| (n.to_be_bytes(), [7; 40])))
        .unwrap();
    while lsm.step(Budget { bytes: 1 << 20 }).unwrap() == Progress::More {}
    assert_eq!(lsm.newest().range(KEYSPACE, ..).count(), 20_000);
    let stats = lsm.stats();
    assert!(
        stats.cache_bytes > 100 << 10 && stats.cache_bytes <= stats.cache_bytes_max,
        "{stats:?}"
    );
}

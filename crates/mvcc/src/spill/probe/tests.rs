//! Probes against a set of keys; and how often they read.

use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use drystone_testkit::{Draw, Fault, OpKind, SimFileSystem};

use super::*;
use crate::spill::folder::SpillFolder;
use crate::spill::run::writer::{Lookups, RunWriter};
use crate::spill::sort_buffer::{KnownKeys, SortBuffer};

type Keys = BTreeSet<(KeyspaceId, Vec<u8>)>;

fn key(number: u64) -> Vec<u8> {
    format!("key {number:06}").into_bytes()
}

fn run(folder: &SpillFolder, keys: &Keys, lookups: Lookups) -> Layer {
    let mut run = RunWriter::create(folder, lookups).unwrap();
    for (keyspace, key) in keys {
        run.push_entry(*keyspace, key, Some(&[7; 300])).unwrap();
    }
    Layer::Run(run.finish().unwrap())
}

fn sorted(keys: &Keys) -> Layer {
    let mut buffer = SortBuffer::new(KeyspaceId(2));
    for (keyspace, key) in keys {
        if *keyspace == KeyspaceId(2) {
            buffer.push(key, None);
        }
    }
    Layer::Sorted(Arc::new(buffer.sort(KnownKeys::Replaced).unwrap()))
}

fn draw_keys(draw: &mut Draw, count: u64) -> Keys {
    let keys = (0..draw.below(count)).map(|_| {
        let keyspace = KeyspaceId(*draw.pick(&[1, 2, 9]));
        (keyspace, key(draw.below(3_000)))
    });
    keys.collect()
}

#[test]
fn a_probe_finds_what_was_written_and_nothing_else() {
    let disk = SimFileSystem::with_folder(1, "/db");
    let folder = SpillFolder::open(&disk.env(), Path::new("/db/spill")).unwrap();
    let mut draw = Draw::new(5);
    for round in 0..40 {
        let (few, many) = (draw_keys(&mut draw, 900), draw_keys(&mut draw, 900));
        let in_memory = draw_keys(&mut draw, 90);
        let many_lookups = Lookups::Many {
            entries: many.len() as u64,
        };
        let layers = Layers {
            parts: vec![
                run(&folder, &few, Lookups::Few),
                run(&folder, &many, many_lookups),
                sorted(&in_memory),
            ],
            ..Layers::default()
        };
        let in_memory = in_memory.into_iter().filter(|(id, _)| *id == KeyspaceId(2));
        let written: Keys = few.into_iter().chain(many).chain(in_memory).collect();
        let mut probe = LayersProbe::new(&layers);
        for keyspace in [1, 2, 5, 9].map(KeyspaceId) {
            for number in (0..3_100).step_by(1 + round) {
                let key = key(number as u64);
                let found = probe.has(keyspace, &key).unwrap();
                assert_eq!(found, written.contains(&(keyspace, key)), "{number}");
            }
        }
    }
}

#[test]
fn no_block_is_read_twice_and_none_without_need() {
    let disk = SimFileSystem::with_folder(1, "/db");
    let folder = SpillFolder::open(&disk.env(), Path::new("/db/spill")).unwrap();
    let keys: Keys = (0..20_000)
        .map(|number| (KeyspaceId(1), key(number * 2)))
        .collect();
    let layers = Layers {
        parts: vec![run(&folder, &keys, Lookups::Few)],
        ..Layers::default()
    };
    let Layer::Run(written) = &layers.parts[0] else {
        panic!("a run")
    };
    let blocks = written.bytes() / (32 << 10);
    assert!(blocks > 100);
    let probe = |numbers: &mut dyn Iterator<Item = u64>, reads_max: u64| {
        let one_more = Fault::error(OpKind::Read, ErrorKind::Other).nth(reads_max + 1);
        disk.inject(one_more.under("/db/spill"));
        let mut probe = LayersProbe::new(&layers);
        for number in numbers {
            let found = probe.has(KeyspaceId(1), &key(number)).unwrap();
            assert_eq!(found, number % 2 == 0 && number < 40_000);
        }
        let one_more = probe.parts[0].has(KeyspaceId(9), b"", KeyHash::new(KeyspaceId(9), b""));
        assert!(!one_more.unwrap(), "of another keyspace nothing is read");
        disk.clear_faults();
    };
    probe(&mut (0..50_000), blocks + 2);
    probe(&mut [7, 8, 9, 10, 11].into_iter(), 1);
    probe(&mut [3, 20_000, 20_001, 39_998].into_iter(), 3);
}

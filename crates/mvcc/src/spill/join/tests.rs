//! Which runs are joined, and what comes of it, against maps.

use std::collections::BTreeMap;
use std::path::Path;

use drystone_base::{Env, KeyspaceId};
use drystone_testkit::Draw;

use super::*;
use crate::spill::run::stream::RunStream;

type Model = BTreeMap<(KeyspaceId, Vec<u8>), Option<Vec<u8>>>;

fn folder() -> SpillFolder {
    SpillFolder::open(&Env::memory(1), Path::new("spill")).unwrap()
}

fn write(folder: &SpillFolder, entries: &Model) -> Arc<Run> {
    let lookups = Lookups::Many {
        entries: entries.len() as u64,
    };
    let mut run = RunWriter::create(folder, lookups).unwrap();
    for ((keyspace, key), value) in entries {
        run.push_entry(*keyspace, key, value.as_deref()).unwrap();
    }
    run.finish().unwrap()
}

fn entries(draw: &mut Draw, count: u64) -> Model {
    let entries = (0..count).map(|_| {
        let keyspace = KeyspaceId(*draw.pick(&[1, 5]));
        let key = format!("key {:03}", draw.below(300)).into_bytes();
        ((keyspace, key), (!draw.chance(20)).then(|| draw.bytes(40)))
    });
    entries.collect()
}

fn read(run: &Arc<Run>) -> Model {
    let mut stream = RunStream::new(Arc::clone(run), 1 << 20).unwrap();
    let mut found = Model::new();
    while let Some(keyspace) = stream.keyspace() {
        let value = stream.value().map(<[u8]>::to_vec);
        found.insert((keyspace, stream.key().to_vec()), value);
        stream.advance().unwrap();
    }
    found
}

/// Runs of so many entries each.
fn runs(folder: &SpillFolder, sizes: &[u64]) -> Vec<Arc<Run>> {
    let entries = |size: &u64| {
        let keys = (0..*size).map(|number| format!("{number:06}").into_bytes());
        keys.map(|key| ((KeyspaceId(1), key), Some(vec![7; 20])))
            .collect()
    };
    let sizes = sizes.iter();
    sizes.map(|size| write(folder, &entries(size))).collect()
}

#[test]
fn joined_runs_are_what_they_were_one_after_the_other() {
    let (folder, mut draw) = (folder(), Draw::new(3));
    for count in 2..12 {
        let parts: Vec<_> = (0..count).map(|_| entries(&mut draw, 60)).collect();
        let runs: Vec<_> = parts.iter().map(|part| write(&folder, part)).collect();
        let bound = RunBound::new(1 << 20);
        let joined = bound.join(&folder, &runs, KnownKeys::Replaced).unwrap();
        let model: Model = parts.into_iter().flatten().collect();
        assert_eq!(read(&joined), model);
        assert!(joined.has_filter());
        let mut apart = runs[..2].to_vec();
        apart.push(Arc::clone(&runs[0]));
        let refused = bound.join(&folder, &apart, KnownKeys::Refused);
        assert!(matches!(refused, Err(StoreError::KeyExists { .. })));
    }
}

#[test]
fn what_costs_least_is_joined() {
    let folder = folder();
    let bound = RunBound::new(0);
    assert_eq!(bound.runs_max(), 8);
    let never = |_: usize| false;
    let of = |sizes: &[u64]| bound.cheapest(&runs(&folder, sizes), &never);
    assert_eq!(of(&[]), None);
    assert_eq!(of(&[5]), None);
    assert_eq!(of(&[5, 900]), Some(0..2));
    assert_eq!(of(&[9000, 100, 100, 100, 100, 100, 9000]), Some(1..5));
    assert_eq!(of(&[9000, 9000, 100, 100]), Some(2..4));
}

#[test]
fn no_runs_are_joined_across_an_end() {
    let folder = folder();
    let runs = runs(&folder, &[100, 100, 9000, 9000, 100, 100]);
    let bound = RunBound::new(0);
    let cheapest = |ends: &[usize]| bound.cheapest(&runs, &|at| ends.contains(&at));
    assert_eq!(cheapest(&[0, 1, 5, 6]), Some(1..5));
    assert_eq!(cheapest(&[1, 2, 4, 5]), Some(2..4));
    assert_eq!(cheapest(&[1, 2, 3, 4, 5]), None);
}

#[test]
fn a_load_keeps_no_more_than_may_be() {
    let folder = folder();
    let bound = RunBound::new(0);
    let mut draw = Draw::new(9);
    let (mut runs, mut model) = (Vec::new(), Model::new());
    for _ in 0..60 {
        let part = entries(&mut draw, 20);
        runs.push(write(&folder, &part));
        model.extend(part);
        bound.keep(&folder, &mut runs, KnownKeys::Replaced).unwrap();
        assert!(runs.len() <= 8);
    }
    let all = bound.join(&folder, &runs, KnownKeys::Replaced).unwrap();
    assert_eq!(read(&all), model);
}

#[test]
fn there_may_be_as_many_as_can_be_read_at_once() {
    assert_eq!(RunBound::new(1 << 20).runs_max(), 16);
    assert_eq!(RunBound::new(64 << 20).runs_max(), 128);
    assert_eq!(RunBound::new(u64::MAX).runs_max(), 128);
}

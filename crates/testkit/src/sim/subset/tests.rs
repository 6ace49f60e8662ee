//! Subsets are all different, all possible, and as fine as fits.

use std::collections::BTreeSet;
use std::path::Path;

use drystone_base::{File, FileSystem, OpenMode};

use crate::sim::{CrashPolicy, SimFileSystem, Trace};

/// A recording of what `work` does to a file of 2048 bytes of `0`.
fn recorded(work: impl FnOnce(&SimFileSystem, &dyn File)) -> Trace {
    let disk = SimFileSystem::with_folder(7, "db");
    let file = disk.open(Path::new("db/a"), OpenMode::Create).unwrap();
    file.write_all_at(&[b'0'; 2048], 0).unwrap();
    disk.settle();
    disk.start_recording();
    work(&disk, &*file);
    disk.take_trace().unwrap()
}

/// What the subsets at the end of a trace leave of the file, as one letter for each 512 bytes.
fn left(trace: &Trace, limit: u8) -> Vec<String> {
    let mut replay = trace.replay();
    replay.advance_to(trace.len());
    let subsets = replay.subsets(limit);
    let crash = |subset| {
        let after = replay.crash_to(&subsets, subset, 1);
        let image = after.image(Path::new("db/a"));
        letters(&image.map_or(Vec::new(), |image| image.to_vec()))
    };
    (0..subsets.count()).map(crash).collect()
}

fn letters(bytes: &[u8]) -> String {
    bytes
        .chunks(512)
        .map(|sector| char::from(sector[0]))
        .collect()
}

#[test]
fn few_sectors_are_tried_one_by_one() {
    let trace = recorded(|_, file| file.write_all_at(&[b'1'; 1536], 0).unwrap());
    let left = left(&trace, 14);
    assert_eq!(left.len(), 8);
    assert_eq!(left[0], "0000");
    assert_eq!(left[0b101], "1010");
    assert_eq!(left[0b111], "1110");
    assert_eq!(left.iter().collect::<BTreeSet<_>>().len(), 8);
}

#[test]
fn more_than_fit_are_whole_writes_and_then_runs_of_them() {
    let work = |_: &SimFileSystem, file: &dyn File| {
        for (idx, letter) in (0..).zip(b"1234") {
            file.write_all_at(&[*letter; 512], idx * 512).unwrap();
        }
        file.write_all_at(&[b'5'; 1024], 0).unwrap();
    };
    let trace = recorded(work);
    let sectors = left(&trace, 6);
    assert_eq!(sectors.len(), 64);
    assert!(sectors.contains(&"5204".to_owned()));
    let whole = left(&trace, 5);
    assert_eq!(whole.len(), 32);
    assert!(whole.contains(&"5530".to_owned()) && !whole.contains(&"5204".to_owned()));
    let runs = left(&trace, 2);
    assert_eq!(runs, ["0000", "1230", "5504", "5534"]);
}

#[test]
fn names_and_lengths_are_parts_as_well() {
    let trace = recorded(|disk, file| {
        file.set_len(512).unwrap();
        disk.remove_file(Path::new("db/a")).unwrap();
    });
    assert_eq!(left(&trace, 14), ["0000", "0", "", ""]);
}

#[test]
fn what_was_tried_an_operation_earlier_is_known() {
    let trace = recorded(|_, file| {
        file.write_all_at(b"1", 0).unwrap();
        file.write_all_at(b"2", 600).unwrap();
        file.sync().unwrap();
        file.write_all_at(b"3", 0).unwrap();
    });
    let at = |position| {
        let mut replay = trace.replay();
        replay.advance_to(position);
        replay.subsets(14)
    };
    assert_eq!(at(1).known_from(&at(0)), 1);
    assert_eq!(at(2).known_from(&at(1)), 2);
    assert_eq!(at(3).known_from(&at(2)), 0, "a sync is between them");
    assert_eq!(at(4).known_from(&at(3)), 1);
}

#[test]
fn a_crash_to_any_subset_is_one_of_them() {
    let trace = recorded(|_, file| file.write_all_at(&[b'1'; 2048], 0).unwrap());
    let possible: BTreeSet<String> = left(&trace, 14).into_iter().collect();
    let mut seen = BTreeSet::new();
    for seed in 0..200 {
        let after = trace.crash(trace.len(), CrashPolicy::Subset(14), seed);
        seen.insert(letters(&after.image(Path::new("db/a")).unwrap().to_vec()));
    }
    assert_eq!(seen, possible);
}

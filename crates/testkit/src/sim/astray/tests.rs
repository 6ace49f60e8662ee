//! A write that goes astray in a replay is on the medium as it would be, and nowhere else.

use std::path::Path;

use drystone_base::{FileSystem, OpenMode};

use super::*;
use crate::sim::{CrashPolicy, SimFileSystem, Trace};

/// A recording of three writes to a file of zeros, each synced.
fn recorded() -> Trace {
    let disk = SimFileSystem::with_folder(7, "db");
    let file = disk.open(Path::new("db/a"), OpenMode::Create).unwrap();
    file.set_len(8).unwrap();
    disk.settle();
    disk.start_recording();
    for (letter, at) in [(b"11", 0), (b"22", 2), (b"33", 0)] {
        file.write_all_at(letter, at).unwrap();
        file.sync().unwrap();
    }
    disk.take_trace().unwrap()
}

/// The file after the first `count` operations, of which the one at position `at` went astray.
fn left(trace: &Trace, at: usize, astray: Astray, count: usize) -> String {
    let mut replay = trace.replay();
    replay.advance_to(at);
    replay.advance_astray(astray).expect("a write comes next");
    replay.advance_to(count);
    let disk = replay.crash(CrashPolicy::LoseAll, 1);
    let bytes = disk.image(Path::new("db/a")).unwrap().to_vec();
    let letters = bytes.iter().map(|byte| char::from((*byte).max(b'0')));
    letters.collect()
}

#[test]
fn a_lost_write_is_missing_until_it_is_written_over() {
    let trace = recorded();
    assert_eq!(left(&trace, 0, Astray::Lost, 2), "00000000");
    assert_eq!(left(&trace, 0, Astray::Lost, 4), "00220000");
    assert_eq!(left(&trace, 0, Astray::Lost, 6), "33220000");
    assert_eq!(left(&trace, 2, Astray::Lost, 6), "33000000");
}

#[test]
fn a_misdirected_write_is_elsewhere_and_its_place_as_it_was() {
    let trace = recorded();
    let by = |by| Astray::Misdirected { by };
    assert_eq!(left(&trace, 0, by(4), 4), "00221100");
    assert_eq!(left(&trace, 2, by(-1), 4), "12200000");
    assert_eq!(left(&trace, 2, by(-5), 4), "22000000"); // no further than the beginning
    assert_eq!(left(&trace, 0, by(8), 2), "0000000011"); // behind the end
}

#[test]
fn the_next_write_is_named_and_nothing_else_can_go_astray() {
    let trace = recorded();
    let mut replay = trace.replay();
    let next = replay.next_write().expect("a write");
    assert_eq!((next.path.as_path(), next.bytes), (Path::new("db/a"), 0..2));
    let mut other = replay.clone();
    let lands = other.advance_astray(Astray::Misdirected { by: 4 });
    assert_eq!(lands, Some(4..6));
    replay.advance();
    assert_eq!(replay.next_write(), None); // a sync
    assert_eq!(replay.next_sync().as_deref(), Some(Path::new("db/a")));
    assert_eq!(replay.advance_astray(Astray::Lost), None);
    assert_eq!(replay.at(), 1);
}

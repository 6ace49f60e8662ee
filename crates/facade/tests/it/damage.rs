//! Bits rot: whatever is read afterwards is right, or an error; never wrong rows, never an older state in silence.

use std::path::Path;

use drystone::{Database, ErrorKind, Options};
use drystone_testkit::{CrashPolicy, Draw, SimFileSystem, seed_of};

use crate::workload::History;

const FOLDER: &str = "/db";
const COMMITS: u64 = 30;
/// How many bits are flipped, one at a time: `cargo xtask crash` sets more.
const FLIPS_VARIABLE: &str = "DRYSTONE_BIT_FLIPS";

fn flips() -> u64 {
    std::env::var(FLIPS_VARIABLE).map_or(1_500, |flips| flips.parse().expect("a number of flips"))
}

/// A closed database and its history.
fn closed(seed: u64) -> (SimFileSystem, History) {
    let disk = SimFileSystem::with_folder(seed, FOLDER);
    let history = History::new(seed, COMMITS);
    history
        .run(&disk.env(), Path::new(FOLDER), |_| {}, |_| {})
        .close()
        .unwrap();
    (disk, history)
}

#[test]
fn a_flipped_bit_never_gives_wrong_data() {
    let seed = seed_of("a_flipped_bit_never_gives_wrong_data");
    let (disk, history) = closed(seed);
    let mut draw = Draw::new(seed);
    let (mut right, mut refused) = (0u64, 0u64);
    for flip in 0..flips() {
        let copy = disk.crash(CrashPolicy::KeepAll);
        let files = copy.files();
        let path = draw.pick(&files).clone();
        let len = copy.image(&path).unwrap().len();
        if len == 0 || path.ends_with("LOCK") {
            continue;
        }
        let (offset, bit) = (draw.below(len), u8::try_from(draw.below(8)).unwrap());
        copy.flip_bit(&path, offset, bit).unwrap();
        let place = format!(
            "seed {seed}, flip {flip}: {} offset {offset} bit {bit}",
            path.display()
        );
        match Database::open_in(&copy.env(), FOLDER, Options::simulated()) {
            Err(error) => {
                refused += 1;
                let kind = error.kind();
                assert!(
                    matches!(kind, ErrorKind::Corrupt | ErrorKind::Unsupported),
                    "{place}: {}",
                    error.report()
                );
            }
            Ok(db) => match history.state_of(&db) {
                Ok(found) => {
                    assert_eq!(found, COMMITS, "{place}: an older state, in silence");
                    right += 1;
                }
                Err(error) => {
                    let known = error
                        .downcast_ref::<drystone::Error>()
                        .map(drystone::Error::kind);
                    assert_eq!(known, Some(ErrorKind::Corrupt), "{place}: {error}");
                    refused += 1;
                }
            },
        }
    }
    println!("{right} flips did no harm, {refused} were reported");
    assert!(
        right > 0 && refused > 0,
        "{right} right, {refused} refused: the test does not reach both"
    );
}

#[test]
fn verify_names_the_damaged_page() {
    let (disk, _) = closed(7);
    let data = Path::new(FOLDER).join("btree/data");
    let blocks = disk.image(&data).unwrap().len() / 4096;
    let mut found = 0;
    for block in 4..blocks {
        let copy = disk.crash(CrashPolicy::KeepAll);
        copy.flip_bit(&data, block * 4096 + 77, 3).unwrap();
        let Ok(db) = Database::open_in(&copy.env(), FOLDER, Options::simulated()) else {
            found += 1;
            continue;
        };
        let report = db.verify();
        found += u64::from(report.map_or(true, |report| !report.is_sound()));
    }
    assert!(found > 0, "no block of {blocks} is in use");
}

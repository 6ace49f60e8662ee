//! The atlas of a database: what is single, what is double, and where the end of the log is not vouched for.

use std::path::PathBuf;

use super::*;
use crate::sim::Happened;

fn worst(hazard: Hazard, path: &str, bytes: std::ops::Range<u64>) -> Outcome {
    let happened = Happened {
        item: None,
        operation: 0,
        hazard,
        path: PathBuf::from(path),
        bytes,
        what: String::new(),
    };
    FaultAtlas::of_database("/db")
        .of_happened(&[happened])
        .worst()
}

#[test]
fn a_copy_of_a_superblock_is_mended_and_what_is_single_is_found() {
    assert_eq!(
        worst(Hazard::Rot, "/db/btree/data", 5000..5001),
        Outcome::Mended
    );
    assert_eq!(
        worst(Hazard::LostWrite, "/db/btree/data", 0..4096),
        Outcome::Mended
    );
    assert_eq!(
        worst(Hazard::Rot, "/db/btree/data", 4000..5000),
        Outcome::Detected
    );
    assert_eq!(
        worst(Hazard::Rot, "/db/btree/data", 16384..16385),
        Outcome::Detected
    );
    assert_eq!(worst(Hazard::Rot, "/db/MANIFEST", 0..1), Outcome::Detected);
    assert_eq!(worst(Hazard::Rot, "/db/LOCK", 0..1), Outcome::Kept);
}

#[test]
fn only_the_log_may_lose_what_nobody_misses() {
    assert_eq!(
        worst(Hazard::LostWrite, "/db/log/1.log", 0..10),
        Outcome::Lost
    );
    assert_eq!(
        worst(Hazard::Truncation, "/db/log/1.log", 9..10),
        Outcome::Detected
    );
    assert_eq!(
        worst(Hazard::BadSector, "/db/log/1.log", 0..512),
        Outcome::Detected
    );
    assert_eq!(
        worst(Hazard::RollBack, "/db/log/1.log", 0..u64::MAX),
        Outcome::Lost
    );
    assert_eq!(
        worst(Hazard::RollBack, "/db/btree/data", 0..u64::MAX),
        Outcome::Detected
    );
    assert_eq!(
        worst(Hazard::RollBack, "/db/engine/state", 0..u64::MAX),
        Outcome::Detected
    );
}

#[test]
fn a_blast_may_strike_the_log_and_a_power_cut_harms_nothing() {
    assert_eq!(worst(Hazard::Blast, "", 0..u64::MAX), Outcome::Lost);
    assert_eq!(worst(Hazard::PowerCut, "", 0..u64::MAX), Outcome::Kept);
}

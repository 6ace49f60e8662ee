//! Media harm what they are told to, where they are told to.

use std::collections::BTreeSet;
use std::sync::Arc as Shared;

use drystone_base::{File, FileSystem, OpenMode};

use super::*;
use crate::sim::{CrashPolicy, SimFileSystem};

/// A file of 16 sectors of `1`, `2` and then `3`, synced after each, on a medium that remembers.
fn thrice() -> (SimFileSystem, Shared<dyn File>) {
    let disk = SimFileSystem::with_folder(7, "db");
    disk.keep_generations(8);
    let file = disk.open(Path::new("db/a"), OpenMode::CreateNew).unwrap();
    for round in 1..=3 {
        file.write_all_at(&[round; 8192], 0).unwrap();
        file.sync().unwrap();
    }
    disk.settle();
    (disk, file)
}

/// Which of 512 bytes each differ from `3`, and whether the file can be read there.
fn changed(disk: &SimFileSystem) -> Vec<Option<u8>> {
    let file = disk.open(Path::new("db/a"), OpenMode::Read).unwrap();
    let sectors = (0..16).map(|sector| {
        let mut bytes = [0; 512];
        match file.read_at(&mut bytes, sector * 512) {
            Ok(512) => bytes.into_iter().find(|byte| *byte != 3),
            _ => Some(255),
        }
    });
    sectors.collect()
}

/// Every harm but the one that changes nothing where all blocks hold the same.
fn visible() -> impl Iterator<Item = Harm> {
    Harm::ALL
        .into_iter()
        .filter(|harm| *harm != Harm::CopyBlock)
}

#[test]
fn a_copied_block_is_what_another_one_was() {
    let disk = SimFileSystem::with_folder(7, "db");
    let file = disk.open(Path::new("db/a"), OpenMode::CreateNew).unwrap();
    for block in 0..4u8 {
        file.write_all_at(&[block; 4096], u64::from(block) * 4096)
            .unwrap();
    }
    disk.settle();
    let zone = Zone::under("db").bytes(4096..16384);
    let harmed = (0..100).find_map(|seed| disk.harm_drawn(Harm::CopyBlock, &zone, seed));
    let harmed = harmed.expect("two of three blocks are drawn soon");
    assert_eq!(harmed.hazard, Hazard::MisdirectedWrite);
    let bytes = disk.image(Path::new("db/a")).unwrap().to_vec();
    let block = usize::try_from(harmed.bytes.start / 4096).unwrap();
    let found = bytes[block * 4096];
    assert!(
        usize::from(found) != block && (1..4).contains(&found),
        "{found} in {block}"
    );
    assert!(
        bytes[block * 4096..][..4096]
            .iter()
            .all(|byte| *byte == found)
    );
}

#[test]
fn harm_is_done_within_its_zone_and_to_the_medium() {
    let zone = Zone::under("db").bytes(4096..6144);
    for harm in visible() {
        let (disk, _file) = thrice();
        assert!(disk.harm(harm, &zone), "{harm}");
        disk.drop_cache();
        let changed = changed(&disk.crash(CrashPolicy::LoseAll));
        let inside = changed[8..12].iter().flatten().count();
        let outside = changed.iter().flatten().count() - inside;
        match harm {
            Harm::DropCache => assert_eq!(inside + outside, 0),
            Harm::RollBack => assert_eq!(inside + outside, 16),
            Harm::Truncate => assert!(inside > 0 && outside == 4, "{changed:?}"),
            _ => assert!(inside > 0 && outside == 0, "{harm}: {changed:?}"),
        }
    }
}

#[test]
fn stale_bytes_are_those_of_an_earlier_sync() {
    let (disk, _file) = thrice();
    let mut seen = BTreeSet::new();
    for _ in 0..30 {
        let copy = disk.fork();
        assert!(copy.harm(Harm::StaleSector, &Zone::under("db/a")));
        seen.extend(changed(&copy).into_iter().flatten());
    }
    assert_eq!(seen, BTreeSet::from([1, 2]));
}

#[test]
fn what_is_not_there_is_not_harmed() {
    let disk = SimFileSystem::with_folder(7, "db");
    disk.open(Path::new("db/empty"), OpenMode::Create).unwrap();
    for harm in Harm::ALL {
        let harmed = disk.harm(harm, &Zone::under("db"));
        assert_eq!(harmed, harm == Harm::DropCache, "{harm}");
    }
    let (disk, _file) = thrice();
    assert!(!disk.harm(Harm::FlipBit, &Zone::under("db/a").bytes(8192..9000)));
    assert!(!disk.harm(Harm::FlipBit, &Zone::under("db/b")));
}

#[test]
fn the_same_seed_harms_the_same_bytes() {
    let run = || {
        let (disk, _file) = thrice();
        for harm in Harm::ALL {
            disk.harm(harm, &Zone::under("db"));
        }
        changed(&disk)
    };
    assert_eq!(run(), run());
}

#[test]
fn damage_is_part_of_a_recording() {
    let (disk, file) = thrice();
    disk.start_recording();
    file.write_all_at(&[4], 0).unwrap();
    disk.harm(Harm::RollBack, &Zone::under("db"));
    let trace = disk.take_trace().unwrap();
    assert_eq!(trace.len(), 2);
    let replayed = trace.crash(2, CrashPolicy::KeepAll, 1);
    assert_eq!(changed(&replayed).iter().flatten().count(), 16);
    assert!(trace.describe(2, 2).contains("damage to file 0"));
}

#[test]
fn two_copies_of_a_disk_go_their_own_ways() {
    let (disk, file) = thrice();
    file.write_all_at(&[4], 0).unwrap();
    let copy = disk.fork();
    let twin = copy.open(Path::new("db/a"), OpenMode::ReadWrite).unwrap();
    let mut byte = [0];
    twin.read_exact_at(&mut byte, 0).unwrap();
    assert_eq!(byte, [4], "the cache is copied as well");
    twin.write_all_at(&[5], 0).unwrap();
    file.read_exact_at(&mut byte, 0).unwrap();
    assert_eq!(byte, [4]);
    let numbers = [&disk, &copy].map(|disk| disk.env().random.next_u64());
    assert_ne!(numbers[0], numbers[1], "no two machines draw the same");
}

#[test]
fn locks_may_be_given_to_two() {
    let disk = SimFileSystem::new(7);
    let first = disk.try_lock(Path::new("LOCK"), "one").unwrap();
    disk.try_lock(Path::new("LOCK"), "two").unwrap_err();
    disk.share_locks(true);
    let second = disk.try_lock(Path::new("LOCK"), "two").unwrap();
    drop((first, second));
}

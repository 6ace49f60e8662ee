//! What policies leave, beyond what the tests of the disk show.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use drystone_base::{File, FileSystem, OpenMode};

use super::*;
use crate::sim::SimFileSystem;

/// A durable file of 40 sectors, each full of its number, and then 16 bytes of 255 in the middle of sector 20.
fn written() -> (SimFileSystem, Arc<dyn File>) {
    let disk = SimFileSystem::new(7);
    let file = disk.open(Path::new("a"), OpenMode::CreateNew).unwrap();
    for sector in 0..40u8 {
        file.write_all_at(&[sector; 512], u64::from(sector) * 512)
            .unwrap();
    }
    disk.settle();
    file.write_all_at(&[255; 16], 20 * 512 + 100).unwrap();
    (disk, file)
}

fn sectors_changed(disk: &SimFileSystem, policy: CrashPolicy) -> BTreeSet<usize> {
    let bytes = disk.crash(policy).image(Path::new("a")).unwrap().to_vec();
    assert_eq!(bytes.len(), 40 * 512, "no file gets longer by a blast");
    let sectors = bytes.chunks(512).enumerate();
    let changed = sectors.filter(|(idx, sector)| {
        let kept = |(at, byte): (usize, &u8)| {
            usize::from(*byte) == *idx || *idx == 20 && (100..116).contains(&at) && *byte == 255
        };
        !sector.iter().enumerate().all(kept)
    });
    changed.map(|(idx, _)| idx).collect()
}

#[test]
fn a_blast_harms_what_is_durable_within_its_sector_alone() {
    let (disk, _file) = written();
    for (policy, radius) in [
        (CrashPolicy::Blast512, 20..21),
        (CrashPolicy::Blast4096, 16..24),
        (CrashPolicy::Blast16384, 0..32),
    ] {
        assert!(!policy.keeps_durable());
        let mut changed = BTreeSet::new();
        for _ in 0..60 {
            changed.append(&mut sectors_changed(&disk, policy));
        }
        assert_eq!(changed, radius.collect(), "{policy:?}");
    }
}

#[test]
fn garbage_keeps_to_what_was_written() {
    let (disk, _file) = written();
    let mut seen = BTreeSet::new();
    for _ in 0..100 {
        let after = disk.crash(CrashPolicy::Garbage);
        let bytes = after.image(Path::new("a")).unwrap().to_vec();
        let (before, rest) = bytes.split_at(20 * 512 + 100);
        assert_eq!(before[before.len() - 100..], [20; 100]);
        assert_eq!(rest[16..400], [20; 384]);
        seen.insert(match rest[..16] {
            [255, 255, ..] => "new",
            [20, 20, ..] => "old or beside",
            [0, 0, ..] => "zeros",
            _ => "random",
        });
    }
    assert_eq!(seen.len(), 4, "{seen:?}");
}

#[test]
fn policies_have_numbers_and_names_of_their_own() {
    let named = CrashPolicy::ALL.into_iter().chain(CrashPolicy::BLASTS);
    let all: Vec<CrashPolicy> = named
        .chain([CrashPolicy::Subset(0), CrashPolicy::Subset(14)])
        .collect();
    let numbers: BTreeSet<u64> = all.iter().map(|policy| policy.number()).collect();
    let names: BTreeSet<String> = all.iter().map(ToString::to_string).collect();
    assert_eq!((numbers.len(), names.len()), (all.len(), all.len()));
}

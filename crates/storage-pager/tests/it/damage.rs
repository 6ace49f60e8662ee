//! Damage on the medium: right pages or an error, never wrong ones; superblocks are mended from their twins.

use std::path::Path;

use drystone_base::{Lsn, OpenMode};
use drystone_storage_pager::{
    BLOCK_BYTES, BlockNo, LostSuperblock, PageRef, Pager, PagerError, PagerOptions,
};
use drystone_testkit::{Image, SimFileSystem};

use crate::shelf::{self, Changes, Stones, commit, open, stone};

/// The pager's file.
fn file() -> &'static Path {
    Path::new("/db/data")
}

fn stones() -> Stones {
    (0..3).map(|id| (id, stone(id, 3, 5000))).collect()
}

/// A disk with a pager of three commits: generation 4 in slot 0, generation 3 in slot 1.
fn disk() -> SimFileSystem {
    let disk = SimFileSystem::with_folder(1, shelf::DIR);
    let pager = open(&disk.env()).unwrap();
    for lsn in 1..=3 {
        let stone_of = |id| (id, Some(stone(id, lsn, 5000)));
        let changes: Changes = (0..3).map(stone_of).collect();
        commit(&pager, &changes, Lsn(lsn)).unwrap();
    }
    disk
}

fn image(disk: &SimFileSystem) -> Image {
    disk.image(file()).unwrap()
}

/// What a damaged file gives: its stones, or the first error.
fn stones_of(disk: &SimFileSystem) -> Result<Stones, PagerError> {
    let pager = open(&disk.env())?;
    shelf::read(&pager, &pager.root())
}

/// Offset of the damage that an error names.
#[track_caller]
fn damaged_at(error: &PagerError) -> u64 {
    match error {
        PagerError::Corrupt { offset, .. } => *offset,
        other => panic!("{other:?} instead of damage"),
    }
}

/// The parts of the file, as a flipped bit in them shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Superblock,
    /// Of a page that begins there.
    Page(u64),
    /// Behind a page's contents, or in a free block.
    Unread,
}

fn part_of(offset: u64, pages: &[PageRef]) -> Part {
    let within = |page: &&PageRef| {
        let start = page.block.offset();
        (start..start + u64::from(page.len)).contains(&offset)
    };
    match pages.iter().find(within) {
        _ if offset < 4 * BLOCK_BYTES as u64 => Part::Superblock,
        Some(page) => Part::Page(page.block.offset()),
        None => Part::Unread,
    }
}

/// One bit in every byte of the superblocks and pages, and some in every other block.
#[test]
fn a_flipped_bit_is_mended_or_found_or_does_not_matter() {
    let disk = disk();
    let whole = image(&disk);
    let pager = open(&disk.env()).unwrap();
    let mut pages = vec![shelf::list(&pager)];
    pages.extend((0..3).map(|id| shelf::place(&pager, id)));
    let free_list = free_list_of(&whole);
    drop(pager);

    let mut counts = [0; 3];
    for offset in 0..whole.len() {
        let part = part_of(offset, &pages);
        let is_list = free_list.contains(&offset);
        if part == Part::Unread && !is_list && !offset.is_multiple_of(509) {
            continue;
        }
        let bit = u8::try_from(offset % 8).unwrap();
        disk.flip_bit(file(), offset, bit).unwrap();
        match (part, stones_of(&disk)) {
            (Part::Superblock, found) => {
                assert_eq!(found.unwrap(), stones());
                assert_eq!(image(&disk).to_vec(), whole.to_vec(), "mended at {offset}");
                counts[0] += 1;
            }
            (Part::Page(start), found) => {
                assert_eq!(damaged_at(&found.unwrap_err()), start);
                counts[1] += 1;
            }
            (Part::Unread, Err(error)) if is_list => {
                assert_eq!(damaged_at(&error), free_list.start);
                counts[2] += 1;
            }
            (Part::Unread, found) => assert_eq!(found.unwrap(), stones()),
        }
        disk.roll_back(file(), &whole).unwrap();
    }
    assert_eq!(counts[0], 4 * BLOCK_BYTES);
    assert_eq!(counts[1], pages.iter().map(|page| page.len as usize).sum());
    assert_eq!(counts[2], BLOCK_BYTES);
}

/// Where the free list of the newest state lies: generation 4, whose first copy is block 0.
fn free_list_of(image: &Image) -> std::ops::Range<u64> {
    let bytes = image.to_vec();
    let page = PageRef::decode(bytes[64..96].try_into().unwrap()).unwrap();
    page.block.offset()..page.block.offset() + u64::from(page.len)
}

#[test]
fn a_lost_copy_of_a_superblock_is_mended_from_its_twin() {
    for copy in 0..4 {
        for loss in [0, 0xFF] {
            let disk = disk();
            let whole = image(&disk).to_vec();
            let offset = copy * BLOCK_BYTES as u64;
            disk.overwrite(file(), offset, &[loss; BLOCK_BYTES])
                .unwrap();
            let pager = open(&disk.env()).unwrap();
            let mended: Vec<BlockNo> = pager
                .opened()
                .mended
                .iter()
                .map(|copy| copy.block)
                .collect();
            assert_eq!(mended, [BlockNo(copy)]);
            shelf::check(&pager, &stones());
            assert_eq!(image(&disk).to_vec(), whole);
        }
    }
}

#[test]
fn a_copy_in_another_ones_place_is_mended() {
    for (from, to) in [(2, 0), (0, 2), (1, 3)] {
        let disk = disk();
        let whole = image(&disk).to_vec();
        let misplaced = &whole[from * BLOCK_BYTES..(from + 1) * BLOCK_BYTES];
        let offset = (to * BLOCK_BYTES) as u64;
        disk.overwrite(file(), offset, misplaced).unwrap();
        let pager = open(&disk.env()).unwrap();
        assert_eq!(pager.opened().mended.len(), 1);
        shelf::check(&pager, &stones());
        assert_eq!(image(&disk).to_vec(), whole);
    }
}

fn lose_slot(disk: &SimFileSystem, slot: u64) {
    let offset = slot * 2 * BLOCK_BYTES as u64;
    disk.overwrite(file(), offset, &[7; 2 * BLOCK_BYTES])
        .unwrap();
}

/// Nobody knows whether the newest state was lost, or the one before: neither is taken in silence.
#[test]
fn two_lost_copies_of_one_superblock_are_not_passed_over() {
    for (slot, left) in [(0, 3), (1, 4)] {
        let disk = disk();
        lose_slot(&disk, slot);
        let error = open(&disk.env()).unwrap_err();
        let PagerError::LostSuperblock {
            generation, lsn, ..
        } = error
        else {
            panic!("{error:?}");
        };
        assert_eq!((generation, lsn), (left, Lsn(left - 1)));
    }
}

#[test]
fn who_knows_better_may_take_the_other_superblock() {
    let disk = disk();
    lose_slot(&disk, 0);
    let options = PagerOptions {
        lost_superblock: LostSuperblock::TakeOther,
        ..shelf::options()
    };
    let pager = Pager::open(&disk.env(), Path::new(shelf::DIR), options).unwrap();
    assert_eq!(pager.root().lsn, Lsn(2));
    commit(
        &pager,
        &Changes::from([(9, Some(b"slate".to_vec()))]),
        Lsn(3),
    )
    .unwrap();
    drop(pager);
    let pager = open(&disk.env()).unwrap();
    assert_eq!(pager.root().lsn, Lsn(3));
}

#[test]
fn a_file_without_superblocks_is_damage_and_is_not_created_anew() {
    for len in [0, 100, BLOCK_BYTES as u64, 1 << 20] {
        let disk = disk();
        lose_slot(&disk, 0);
        lose_slot(&disk, 1);
        disk.truncate(file(), len).unwrap();
        let error = open(&disk.env()).unwrap_err();
        assert!(matches!(error, PagerError::Corrupt { .. }), "{error:?}");
    }
}

#[test]
fn a_file_that_was_cut_is_found_when_it_is_opened() {
    let disk = disk();
    let len = image(&disk).len();
    disk.truncate(file(), len - 1).unwrap();
    let error = open(&disk.env()).unwrap_err();
    assert_eq!(damaged_at(&error), len - 1);
}

#[test]
fn a_newer_format_is_named() {
    let disk = disk();
    let mut newer = image(&disk).to_vec()[..BLOCK_BYTES].to_vec();
    newer[8] = 2;
    let checksum = drystone_base::checksum::crc64(&newer[..BLOCK_BYTES - 8]);
    newer[BLOCK_BYTES - 8..].copy_from_slice(&checksum.to_le_bytes());
    disk.overwrite(file(), 0, &newer).unwrap();
    let error = open(&disk.env()).unwrap_err();
    let expected = "/db/data has format version 2; this build reads up to 1";
    assert_eq!(error.to_string(), expected);
}

/// Half of one file and half of another: a copy gone wrong.
#[test]
fn superblocks_of_two_files_are_not_mixed() {
    let (disk, other) = (disk(), SimFileSystem::with_folder(2, shelf::DIR));
    let pager = open(&other.env()).unwrap();
    commit(&pager, &Changes::new(), Lsn(1)).unwrap();
    commit(&pager, &Changes::new(), Lsn(2)).unwrap();
    let slot = image(&other).to_vec()[2 * BLOCK_BYTES..4 * BLOCK_BYTES].to_vec();
    disk.overwrite(file(), 2 * BLOCK_BYTES as u64, &slot)
        .unwrap();
    assert!(matches!(open(&disk.env()), Err(PagerError::Corrupt { .. })));
}

#[test]
fn a_page_that_went_back_in_time_is_found() {
    let disk = SimFileSystem::with_folder(1, shelf::DIR);
    let pager = open(&disk.env()).unwrap();
    let writes = |contents: &[u8]| {
        commit(
            &pager,
            &Changes::from([(0, Some(contents.to_vec()))]),
            Lsn(1),
        )
        .unwrap();
        (shelf::place(&pager, 0), image(&disk).to_vec())
    };
    let (old, before) = writes(b"old");
    let (mut new, _) = writes(b"newer");
    while new.block != old.block {
        (new, _) = writes(b"newer");
    }
    drop(pager);
    let start = usize::try_from(old.block.offset()).unwrap();
    disk.overwrite(
        file(),
        old.block.offset(),
        &before[start..start + BLOCK_BYTES],
    )
    .unwrap();
    assert_eq!(
        damaged_at(&stones_of(&disk).unwrap_err()),
        old.block.offset()
    );
}

#[test]
fn verify_collects_what_is_wrong_and_goes_on() {
    let disk = disk();
    let pager = open(&disk.env()).unwrap();
    let (first, last) = (shelf::place(&pager, 0), shelf::place(&pager, 2));
    disk.flip_bit(file(), first.block.offset(), 0).unwrap();
    disk.break_sector(file(), last.block.offset()..last.block.offset() + 512)
        .unwrap();
    disk.zero_sector(file(), 3 * BLOCK_BYTES as u64).unwrap();
    let report = shelf::verify(&pager, pager.root());
    assert_eq!(report.pages, 5);
    let [copy, page, unreadable] = &report.findings[..] else {
        panic!("{:?}", report.findings);
    };
    assert_eq!(damaged_at(copy), 3 * BLOCK_BYTES as u64);
    assert_eq!(damaged_at(page), first.block.offset());
    assert!(matches!(unreadable, PagerError::Io { op: "read", .. }));
}

/// A copy that is whole, but of an earlier generation than its twin: what a lost write leaves.
#[test]
fn a_copy_that_lost_its_last_write_is_found_and_mended() {
    let disk = disk();
    let pager = open(&disk.env()).unwrap();
    let copy = BLOCK_BYTES..2 * BLOCK_BYTES;
    let old = image(&disk).to_vec()[copy.clone()].to_vec();
    for lsn in 4..=5 {
        commit(&pager, &Changes::new(), Lsn(lsn)).unwrap();
    }
    let data = disk.env().files.open(file(), OpenMode::ReadWrite).unwrap();
    data.write_all_at(&old, copy.start as u64).unwrap();
    let report = shelf::verify(&pager, pager.root());
    let [finding] = &report.findings[..] else {
        panic!("{:?}", report.findings);
    };
    assert_eq!(damaged_at(finding), copy.start as u64);

    let pager = open(&disk.env()).unwrap();
    let mended: Vec<_> = pager
        .opened()
        .mended
        .iter()
        .map(|copy| copy.block)
        .collect();
    assert_eq!(mended, [BlockNo(1)]);
    assert!(shelf::verify(&pager, pager.root()).findings.is_empty());
}

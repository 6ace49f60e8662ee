//! Pages that are read where they lie in the file: they stay what they are for whoever has them, and their blocks wait.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;

use bytes::Bytes;
use drystone_base::{Env, Lsn};
use drystone_storage_pager::{
    BLOCK_BYTES, Codec, PageRef, Pager, PagerError, PagerOptions, ReadMode,
};
use drystone_testkit::{Draw, SimFileSystem, seed_of};
use tempfile::TempDir;

fn open(env: &Env, dir: &Path, cache_bytes: usize) -> Pager {
    let options = PagerOptions {
        cache_bytes,
        reads: ReadMode::Map,
        ..PagerOptions::default()
    };
    Pager::open(env, dir, options).unwrap()
}

/// A pager whose file is mapped, if this build can.
fn mapped(dir: &TempDir, cache_bytes: usize) -> Option<Pager> {
    let pager = open(&Env::os(), dir.path(), cache_bytes);
    let is_mapped = pager.stats().mapped_bytes > 0;
    assert!(
        is_mapped || cfg!(miri) || !cfg!(unix),
        "this build maps files"
    );
    is_mapped.then_some(pager)
}

/// Commits one page.
fn write(pager: &Pager, contents: &[u8]) -> PageRef {
    let mut writer = pager.begin().unwrap();
    let page = writer.write(contents).unwrap();
    let lsn = Lsn(pager.root().lsn.0 + 1);
    writer.commit(&page.encode(), lsn).unwrap();
    page
}

fn free(pager: &Pager, page: &PageRef) {
    let mut writer = pager.begin().unwrap();
    writer.free(page).unwrap();
    let lsn = Lsn(pager.root().lsn.0 + 1);
    writer.commit(b"", lsn).unwrap();
}

/// With the cache, and with one that keeps nothing.
#[test]
fn the_blocks_of_a_page_that_somebody_has_are_not_used_again() {
    for cache_bytes in [1 << 20, 0] {
        let dir = TempDir::new().unwrap();
        let page = {
            let pager = open(&Env::os(), dir.path(), cache_bytes);
            write(&pager, &[7; 10_000])
        };
        let Some(pager) = mapped(&dir, cache_bytes) else {
            return;
        };
        let held = pager.read(&page).unwrap().slice(5_000..);
        free(&pager, &page);
        for round in 0..20 {
            let next = write(&pager, &[round; 10_000]);
            assert_ne!(next.block, page.block, "round {round}");
            free(&pager, &next);
            pager.trim().unwrap();
            assert!(held.iter().all(|byte| *byte == 7));
        }
        assert!(pager.stats().pinned_bytes >= 3 * BLOCK_BYTES as u64);
        drop(held);
        let reused = (0..20).any(|round| {
            let next = write(&pager, &[round; 10_000]);
            free(&pager, &next);
            next.block == page.block
        });
        assert!(reused, "they wait for nobody any more");
    }
}

/// A page that is read of no state is not kept from writers: they fail, and the page stays what it is.
#[test]
fn nothing_is_written_to_or_cut_off_that_somebody_reads_against_the_rules() {
    let dir = TempDir::new().unwrap();
    let Some(pager) = mapped(&dir, 0) else {
        return;
    };
    write(&pager, &[1; 5_000]);
    let last = write(&pager, &[7; 40_000]);
    free(&pager, &last);
    drop(pager.begin().unwrap()); // its blocks are free from here on
    let held = pager.read(&last).unwrap();
    let refused = pager.trim().unwrap_err();
    assert!(is_busy(&refused), "{refused:?}");
    let tried = (0..20).find_map(|_| {
        let mut writer = pager.begin().unwrap();
        let written = writer.write(&[9; 40_000]).and_then(|page| {
            let lsn = Lsn(pager.root().lsn.0 + 1);
            writer.commit(&page.encode(), lsn)
        });
        written.err()
    });
    assert!(is_busy(&tried.unwrap()), "a writer came to the page");
    assert!(held.iter().all(|byte| *byte == 7));
    drop(held);
    pager.trim().unwrap();
    let page = write(&pager, &[3; 40_000]);
    assert_eq!(pager.read(&page).unwrap(), [3; 40_000][..]);
}

fn is_busy(error: &PagerError) -> bool {
    matches!(error, PagerError::Io { source, .. } if source.kind() == ErrorKind::ResourceBusy)
}

/// Any history: what was read stays what it was, whatever is written, freed, cut off and moved meanwhile.
#[test]
fn pages_stay_what_they_are_for_as_long_as_somebody_has_them() {
    let dir = TempDir::new().unwrap();
    let Some(pager) = mapped(&dir, 64 << 10) else {
        return;
    };
    let mut draw = Draw::new(seed_of("mapped pages"));
    let mut live: BTreeMap<u64, (PageRef, Vec<u8>)> = BTreeMap::new();
    let mut held: Vec<(Bytes, Vec<u8>)> = Vec::new();
    let mut number = 0u64;
    for step in 1..400 {
        let mut writer = pager.begin().unwrap();
        let mut added = Vec::new();
        for _ in 0..draw.below(6) {
            number += 1;
            let len = usize::try_from(1 + draw.below(30_000)).unwrap();
            let contents = vec![number.to_le_bytes()[0]; len];
            let codec = *draw.pick(&[Codec::None, Codec::Lz4]);
            let page = writer.write_compressed(&contents, codec).unwrap();
            // A writer looks at what it has written, and may take it back.
            assert_eq!(writer.read(&page).unwrap(), contents);
            live.insert(number, (page, contents));
            added.push(number);
        }
        if draw.below(8) == 0 {
            drop(writer);
            added.iter().for_each(|number| drop(live.remove(number)));
            continue;
        }
        let doomed: Vec<u64> = live
            .keys()
            .copied()
            .filter(|_| draw.below(4) == 0)
            .collect();
        for number in doomed {
            writer.free(&live.remove(&number).unwrap().0).unwrap();
        }
        writer.commit(b"", Lsn(step)).unwrap();
        for (page, contents) in live.values() {
            if draw.below(5) == 0 {
                held.push((pager.read(page).unwrap(), contents.clone()));
            }
        }
        if draw.below(10) == 0 {
            pager.trim().unwrap();
        }
        held.retain(|_| draw.below(3) > 0);
        for (found, contents) in &held {
            assert!(found == contents, "step {step}");
        }
    }
    drop(held);
    let mut verifier = pager.verify(pager.root()).unwrap();
    for (page, contents) in live.values() {
        assert_eq!(verifier.page(page).unwrap(), *contents);
    }
    assert!(verifier.finish().findings.is_empty());
}

#[test]
fn damage_is_found_when_a_page_is_first_touched() {
    let dir = TempDir::new().unwrap();
    let Some(pager) = mapped(&dir, 1 << 20) else {
        return;
    };
    let page = write(&pager, &[7; 5_000]);
    drop(pager);
    let file = dir.path().join("data");
    let file = Env::os()
        .files
        .open(&file, drystone_base::OpenMode::ReadWrite)
        .unwrap();
    let offset = page.block.0 * BLOCK_BYTES as u64;
    file.write_all_at(&[8], offset + 4_999).unwrap();
    let pager = mapped(&dir, 1 << 20).unwrap();
    let found = pager.read(&page);
    assert!(matches!(found, Err(PagerError::Corrupt { offset: at, .. }) if at == offset));
}

#[test]
fn a_file_that_cannot_be_mapped_is_read() {
    let disk = SimFileSystem::with_folder(3, "/db");
    let pager = open(&disk.env(), Path::new("/db"), 0);
    let page = write(&pager, &[7; 5_000]);
    assert_eq!(pager.read(&page).unwrap(), [7; 5_000][..]);
    assert_eq!(pager.stats().mapped_bytes, 0);
}

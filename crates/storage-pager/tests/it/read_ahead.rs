//! Reading ahead: what comes with a page, and what nobody hears of.

use std::path::Path;

use drystone_base::Lsn;
use drystone_storage_pager::{BLOCK_BYTES, PageRef, Pager, PagerError, PagerOptions};
use drystone_testkit::SimFileSystem;

const DIR: &str = "/db";

fn open(disk: &SimFileSystem) -> Pager {
    Pager::open(&disk.env(), Path::new(DIR), PagerOptions::default()).unwrap()
}

fn contents(number: usize) -> Vec<u8> {
    vec![u8::try_from(number).unwrap(); 5000]
}

/// Twelve pages one behind the other, in a file that was closed, and opened again.
fn twelve() -> (SimFileSystem, Pager, Vec<PageRef>) {
    let disk = SimFileSystem::with_folder(3, DIR);
    let pager = open(&disk);
    let mut writer = pager.begin().unwrap();
    let pages = (0..12).map(|number| writer.write(&contents(number)).unwrap());
    let pages: Vec<PageRef> = pages.collect();
    writer.commit(b"", Lsn(1)).unwrap();
    drop(pager);
    let pager = open(&disk);
    (disk, pager, pages)
}

/// Reads that went to the file.
fn reads(pager: &Pager) -> u64 {
    pager.stats().cache_misses
}

#[test]
fn pages_that_lie_together_come_with_one_read() {
    let (_disk, pager, pages) = twelve();
    let before = reads(&pager);
    let found = pager
        .read_ahead(&pages[2], &mut pages[3..9].iter().copied())
        .unwrap();
    assert_eq!(found, contents(2));
    assert_eq!(reads(&pager), before + 1);
    (2..9).for_each(|number| assert_eq!(pager.read(&pages[number]).unwrap(), contents(number)));
    assert_eq!(reads(&pager), before + 1, "they are all here");
    assert_eq!(pager.read(&pages[9]).unwrap(), contents(9));
    assert_eq!(reads(&pager), before + 2);
}

#[test]
fn pages_that_are_here_bring_no_others() {
    let (_disk, pager, pages) = twelve();
    pager.read(&pages[5]).unwrap();
    let before = reads(&pager);
    let mut never = std::iter::from_fn(|| panic!("nothing has to be read"));
    assert_eq!(
        pager.read_ahead(&pages[5], &mut never).unwrap(),
        contents(5)
    );
    assert_eq!(reads(&pager), before);
}

#[test]
fn backwards_and_apart_they_are_found_as_well() {
    let (_disk, pager, pages) = twelve();
    let before = reads(&pager);
    let below = [7, 6, 5, 2, 1].map(|number| pages[number]);
    let found = pager.read_ahead(&pages[8], &mut below.into_iter()).unwrap();
    assert_eq!(found, contents(8));
    (5..9).for_each(|number| assert_eq!(pager.read(&pages[number]).unwrap(), contents(number)));
    assert_eq!(reads(&pager), before + 1);
}

/// Whoever asks for the page that is damaged hears of it, and nobody before.
#[test]
fn damage_ahead_is_not_reported_before_its_time() {
    let (disk, pager, pages) = twelve();
    let offset = pages[4].block.0 * BLOCK_BYTES as u64;
    let file = disk
        .env()
        .files
        .open(
            &Path::new(DIR).join("data"),
            drystone_base::OpenMode::ReadWrite,
        )
        .unwrap();
    file.write_all_at(&[0xEE; 9], offset).unwrap();
    let found = pager
        .read_ahead(&pages[3], &mut pages[4..8].iter().copied())
        .unwrap();
    assert_eq!(found, contents(3));
    assert_eq!(pager.read(&pages[5]).unwrap(), contents(5));
    for _ in 0..2 {
        let found = pager.read_ahead(&pages[4], &mut pages[5..8].iter().copied());
        assert!(matches!(found, Err(PagerError::Corrupt { offset: at, .. }) if at == offset));
    }
}

/// References that make no sense, as those of a damaged parent, end what is read ahead.
#[test]
fn references_to_nowhere_are_left_alone() {
    let (_disk, pager, pages) = twelve();
    let far = PageRef {
        len: 1 << 29,
        ..pages[3]
    };
    let found = pager
        .read_ahead(&pages[2], &mut [far, pages[4]].into_iter())
        .unwrap();
    assert_eq!(found, contents(2));
}

//! Tests of loans. Mappings themselves: `tests/it/mapped.rs`.

use super::*;

#[test]
fn a_page_is_lent_until_its_last_holder_is_gone() {
    let loans = Loans::default();
    let page = 40;
    assert!(!loans.has(page));
    loans.add(page);
    loans.add(page);
    loans.add(page + 16); // the same latch
    loans.end(page);
    assert!(loans.has(page));
    loans.end(page);
    assert!(!loans.has(page) && loans.has(page + 16));
    loans.end(page + 16);
    assert_eq!(loans.total.load(Ordering::Relaxed), 0);
}

#[test]
fn what_is_lent_anywhere_in_a_run_is_found() {
    let dir = tempfile::tempdir().unwrap();
    let Some(map) = mapped(dir.path()) else {
        return;
    };
    let lent = map.lend(&page(6)).unwrap();
    assert_eq!(lent[..], [6; 100]);
    let to_the_end = |start| (start, u64::MAX - start);
    let ((six, behind_six), (seven, behind_seven)) = (to_the_end(6), to_the_end(7));
    let runs = [
        (4, 2, false),
        (4, 3, true),
        (6, 1, true),
        (7, 9, false),
        (six, behind_six, true),
        (seven, behind_seven, false),
    ];
    for (start, count, is_lent) in runs {
        assert_eq!(map.is_lent(Extent::new(start, count)), is_lent, "{start}");
    }
    let part = lent.slice(10..20);
    drop(lent);
    assert!(map.is_lent(Extent::new(6, 1)), "a part is left");
    drop(part);
    assert!(!map.is_lent(Extent::new(6, 1)));
}

#[test]
fn a_file_that_grew_is_mapped_anew_and_loans_outlive_the_first_mapping() {
    let dir = tempfile::tempdir().unwrap();
    let Some(map) = mapped(dir.path()) else {
        return;
    };
    let early = map.lend(&page(5)).unwrap();
    let before = map.mapped_bytes();
    assert_eq!(map.lend(&page(9)), None, "the file ends before it");
    map.file.write_all_at(&[9; 4096], 9 * 4096).unwrap();
    assert_eq!(map.lend(&page(9)).unwrap()[..], [9; 100]);
    assert!(map.mapped_bytes() > before);
    drop(map);
    assert_eq!(early[..], [5; 100]);
}

/// Each loan may keep a mapping of its own: there must be few of them.
#[test]
fn a_file_that_grows_by_little_is_mapped_anew_rarely() {
    let dir = tempfile::tempdir().unwrap();
    let Some(map) = mapped(dir.path()) else {
        return;
    };
    let mut lent = Vec::new();
    let mut mappings = Vec::new();
    for block in 8..200 {
        assert_eq!(map.lend(&page(block)), None, "the file ends before it");
        let fill = block.to_le_bytes()[0];
        map.file.write_all_at(&[fill; 4096], block * 4096).unwrap();
        lent.push((map.lend(&page(block)).unwrap(), fill));
        assert_eq!(map.mapped_bytes(), (block + 1) * 4096);
        mappings.push(Arc::as_ptr(&map.mapped.lock().mapping));
    }
    mappings.dedup();
    if cfg!(unix) {
        assert_eq!(mappings.len(), 5, "16, 32, 64, 128 and 256 blocks");
    }
    for (page, fill) in lent {
        assert_eq!(page[..], [fill; 100]);
    }
}

fn page(block: u64) -> PageRef {
    PageRef {
        block: crate::block::BlockNo(block),
        len: 100,
        ..PageRef::NOWHERE
    }
}

/// A file of eight blocks, each full of its number. `None`: nothing is mapped here.
fn mapped(dir: &std::path::Path) -> Option<PageMap> {
    if cfg!(miri) {
        return None; // which maps no files
    }
    let files = drystone_base::Env::os().files;
    let file = files
        .open(&dir.join("data"), drystone_base::OpenMode::Create)
        .unwrap();
    for block in 0..8u8 {
        file.write_all_at(&[block; 4096], u64::from(block) * 4096)
            .unwrap();
    }
    let map = PageMap::new(&file).unwrap();
    assert!(map.is_some() || !cfg!(unix), "this build maps files");
    map
}

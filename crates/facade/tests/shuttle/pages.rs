//! The pager: the switch of the root, blocks that are used again, and the cache, beside readers.

use std::path::Path;
use std::sync::Arc;

use drystone_base::{Env, Lsn};
use drystone_storage_pager::{FramePointers, PAGE_REF_BYTES, PageRef, Pager, PagerOptions, Root};
use drystone_testkit::CRASH_FOLDER;
use shuttle::thread;

use crate::runner::check;

const PAGES: usize = 3;

fn open(cache_bytes: usize) -> Arc<Pager> {
    let options = PagerOptions {
        cache_bytes,
        ..PagerOptions::default()
    };
    Arc::new(Pager::open(&Env::memory(1), Path::new(CRASH_FOLDER), options).unwrap())
}

/// What the pages of state `lsn` hold.
fn contents(lsn: u64, page: usize) -> Vec<u8> {
    [lsn.to_le_bytes(), (page as u64).to_le_bytes()]
        .concat()
        .repeat(100)
}

fn pages_of(root: &Root) -> Vec<PageRef> {
    let refs = root.payload.chunks_exact(PAGE_REF_BYTES);
    refs.map(|bytes| PageRef::decode(bytes.try_into().unwrap()).unwrap())
        .collect()
}

/// Replaces all pages of the state before.
fn commit(pager: &Pager, lsn: u64) {
    let mut writer = pager.begin().unwrap();
    for page in pages_of(&pager.root()) {
        writer.free(&page).unwrap();
    }
    let mut payload = Vec::new();
    for page in 0..PAGES {
        payload.extend(writer.write(&contents(lsn, page)).unwrap().encode());
    }
    writer.commit(&payload, Lsn(lsn)).unwrap();
}

/// Reads all of the newest state; returns its LSN.
fn read(pager: &Pager) -> u64 {
    let root = pager.root();
    for (idx, page) in pages_of(&root).iter().enumerate() {
        let found = pager.read(page).unwrap();
        assert_eq!(
            &found[..],
            contents(root.lsn.0, idx),
            "another state's page"
        );
    }
    root.lsn.0
}

fn readers_beside_writer(cache_bytes: usize) {
    let pager = open(cache_bytes);
    commit(&pager, 1);
    let writer = {
        let pager = Arc::clone(&pager);
        thread::spawn(move || (2..=5).for_each(|lsn| commit(&pager, lsn)))
    };
    let reader = {
        let pager = Arc::clone(&pager);
        move || {
            let mut last = 0;
            for _ in 0..4 {
                let lsn = read(&pager);
                assert!(lsn >= last, "the root went back");
                last = lsn;
            }
        }
    };
    let readers = [thread::spawn(reader.clone()), thread::spawn(reader)];
    writer.join().unwrap();
    for reader in readers {
        reader.join().unwrap();
    }
    assert_eq!(read(&pager), 5);
    let stats = pager.stats();
    assert!(stats.cache_bytes <= stats.cache_bytes_max);
    // Two states of 3 pages at most are pinned at once, besides the one being written: blocks are used again.
    assert!(stats.file_bytes < 60 * 4096, "{} bytes", stats.file_bytes);
}

/// Every read goes to the file.
#[test]
fn pages_root_switch_and_reuse() {
    check("pages_root_switch_and_reuse", || readers_beside_writer(0));
}

/// Readers bring pages into a cache that has room for few, while the writer takes those out whose blocks it uses again.
#[test]
fn pages_cache_beside_reuse() {
    check("pages_cache_beside_reuse", || {
        readers_beside_writer(16 << 10)
    });
}

/// A pointer is to the frame that the cache has. Nobody else is at work.
fn check_pointer(pager: &Pager, page: &PageRef, pointers: &Arc<FramePointers>, idx: usize) {
    let follow = || pager.read_child(page, pointers, idx).unwrap();
    // A full cache may refuse a page once, and keeps it when it comes again.
    (0..2).for_each(|_| drop(follow()));
    let kept = pager.read(page).unwrap();
    assert_eq!(
        follow().as_ptr(),
        kept.as_ptr(),
        "a pointer to a frame that left the cache"
    );
}

/// Two readers of one state follow pointers to frames, which a cache with room for few takes back, while a writer puts
/// others there.
#[test]
fn pages_frame_pointers_beside_eviction() {
    check("pages_frame_pointers_beside_eviction", || {
        let pager = open(8 << 10);
        commit(&pager, 1);
        let root = pager.root();
        let pointers = Arc::new(FramePointers::new(PAGES));
        let writer = {
            let pager = Arc::clone(&pager);
            thread::spawn(move || (2..=4).for_each(|lsn| commit(&pager, lsn)))
        };
        let reader = {
            let (pager, root) = (Arc::clone(&pager), Arc::clone(&root));
            let pointers = Arc::clone(&pointers);
            move || {
                for _ in 0..3 {
                    for (idx, page) in pages_of(&root).iter().enumerate() {
                        let found = pager.read_child(page, &pointers, idx).unwrap();
                        assert_eq!(&found[..], contents(1, idx), "another page's frame");
                    }
                }
                read(&pager)
            }
        };
        let readers = [thread::spawn(reader.clone()), thread::spawn(reader)];
        writer.join().unwrap();
        for reader in readers {
            assert!(reader.join().unwrap() <= 4);
        }
        for (idx, page) in pages_of(&root).iter().enumerate() {
            check_pointer(&pager, page, &pointers, idx);
        }
        drop(root);
        let stats = pager.stats();
        assert!(stats.cache_bytes <= stats.cache_bytes_max);
        commit(&pager, 5);
        assert_eq!(read(&pager), 5);
    });
}

/// A reader holds one state for long, while others come and go, the file shrinks, and one verifies.
#[test]
fn pages_pinned_beside_step_and_verify() {
    check("pages_pinned_beside_step_and_verify", || {
        let pager = open(32 << 10);
        commit(&pager, 1);
        let root = pager.root();
        let writer = {
            let pager = Arc::clone(&pager);
            thread::spawn(move || {
                for lsn in 2..=4 {
                    commit(&pager, lsn);
                    pager.step().unwrap();
                }
            })
        };
        let verifier = {
            let pager = Arc::clone(&pager);
            thread::spawn(move || {
                let root = pager.root();
                let pages = pages_of(&root);
                let mut verifier = pager.verify(root).unwrap();
                for page in &pages {
                    verifier.page(page);
                }
                let report = verifier.finish();
                assert!(report.findings.is_empty(), "{:?}", report.findings);
            })
        };
        for _ in 0..2 {
            for (idx, page) in pages_of(&root).iter().enumerate() {
                assert_eq!(&pager.read(page).unwrap()[..], contents(1, idx));
            }
        }
        writer.join().unwrap();
        verifier.join().unwrap();
        assert_eq!(read(&pager), 4);
    });
}

//! What the pager promises, call by call.

use std::path::Path;
use std::sync::Arc;

use drystone_base::{Env, Lsn};
use drystone_storage_pager::{
    BLOCK_BYTES, BlockNo, FramePointers, MAX_PAYLOAD_BYTES, PageRef, Pager, PagerError,
    PagerOptions,
};

use crate::shelf::{self, Changes, Stones, check, commit, open, stone};

fn put(id: u64, contents: &[u8]) -> Changes {
    Changes::from([(id, Some(contents.to_vec()))])
}

#[test]
fn a_new_file_is_an_empty_state() {
    let pager = open(&Env::memory(1)).unwrap();
    assert!(pager.opened().created);
    let root = pager.root();
    assert_eq!((root.generation, root.lsn), (1, Lsn::ZERO));
    assert!(root.payload.is_empty());
    check(&pager, &Stones::new());
}

#[test]
fn a_commit_is_there_after_reopening() {
    let env = Env::memory(1);
    let pager = open(&env).unwrap();
    commit(&pager, &put(7, b"granite"), Lsn(5)).unwrap();
    let uuid = pager.uuid();
    drop(pager);

    let pager = open(&env).unwrap();
    assert!(!pager.opened().created);
    assert!(pager.opened().mended.is_empty());
    assert_eq!(pager.uuid(), uuid);
    assert_eq!((pager.root().generation, pager.root().lsn), (2, Lsn(5)));
    check(&pager, &Stones::from([(7, b"granite".to_vec())]));
}

#[test]
fn files_differ_in_their_identity() {
    let uuid_of = |seed| open(&Env::memory(seed)).unwrap().uuid();
    assert_ne!(uuid_of(1), uuid_of(2));
}

#[test]
fn the_operating_system_will_do_as_well() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path().join("engine");
    let open = || Pager::open(&Env::os(), &dir, PagerOptions::default()).unwrap();
    let pager = open();
    commit(&pager, &put(7, b"granite"), Lsn(5)).unwrap();
    drop(pager);
    check(&open(), &Stones::from([(7, b"granite".to_vec())]));
}

#[test]
fn a_writer_reads_its_own_pages_before_and_after_they_reach_the_file() {
    let pager = open(&Env::memory(1)).unwrap();
    let mut writer = pager.begin().unwrap();
    let contents = |number: u64| stone(number, 0, 70_000);
    let pages: Vec<PageRef> = (0..40)
        .map(|number| writer.write(&contents(number)).unwrap())
        .collect();
    for (number, page) in (0..).zip(&pages) {
        assert_eq!(&writer.read(page).unwrap()[..], contents(number));
    }
}

#[test]
fn consecutive_pages_reach_the_file_in_few_writes() {
    let disk = drystone_testkit::SimFileSystem::with_folder(1, shelf::DIR);
    let pager = open(&disk.env()).unwrap();
    let before = disk.operations();
    let mut writer = pager.begin().unwrap();
    for number in 0..1000 {
        writer.write(&stone(number, 0, 8192)).unwrap();
    }
    drop(writer);
    // 8 MB in runs of 1 MiB, and as often as that the file grew by a step.
    assert!(
        disk.operations() - before < 60,
        "{} operations",
        disk.operations() - before
    );
}

#[test]
fn pages_of_all_lengths_are_read_as_they_were_written() {
    let pager = open(&Env::memory(1)).unwrap();
    let lengths = [
        1,
        2,
        4095,
        4096,
        4097,
        8192,
        65_536,
        65_537,
        1 << 20,
        (3 << 20) + 1,
    ];
    let mut stones = Stones::new();
    for (id, len) in (0..).zip(lengths) {
        stones.insert(id, stone(id, 1, len));
    }
    let changes = stones
        .iter()
        .map(|(id, contents)| (*id, Some(contents.clone())));
    commit(&pager, &changes.collect(), Lsn(1)).unwrap();
    check(&pager, &stones);
}

#[test]
fn a_dropped_writer_leaves_nothing() {
    let pager = open(&Env::memory(1)).unwrap();
    commit(&pager, &put(7, b"granite"), Lsn(1)).unwrap();
    let before = pager.stats();
    let mut writer = pager.begin().unwrap();
    shelf::write(&mut writer, &pager.root(), &put(7, b"slate")).unwrap();
    drop(writer);
    assert_eq!(pager.stats().free_bytes, before.free_bytes);
    check(&pager, &Stones::from([(7, b"granite".to_vec())]));
}

/// The blocks of an abandoned page are given to another one: the cache must have forgotten it.
#[test]
fn the_cache_forgets_what_a_dropped_writer_wrote() {
    let pager = Pager::open(&Env::memory(1), Path::new("/db"), PagerOptions::default()).unwrap();
    let big = vec![1; 1 << 20]; // long enough for the buffer to be written
    let mut writer = pager.begin().unwrap();
    let abandoned = writer.write(b"abandoned").unwrap();
    writer.write(&big).unwrap();
    assert!(pager.stats().cache_bytes > 0);
    drop(writer);
    assert_eq!(pager.stats().cache_bytes, 0);
    commit(&pager, &put(7, b"granite"), Lsn(1)).unwrap();
    assert_eq!(shelf::place(&pager, 7).block, abandoned.block);
    assert!(matches!(
        pager.read(&abandoned),
        Err(PagerError::Corrupt { .. })
    ));
    check(&pager, &Stones::from([(7, b"granite".to_vec())]));
}

#[test]
fn there_is_one_writer_at_a_time() {
    let pager = open(&Env::memory(1)).unwrap();
    let writer = pager.begin().unwrap();
    assert!(matches!(pager.begin(), Err(PagerError::Busy { .. })));
    drop(writer);
    assert!(pager.begin().is_ok());
}

#[test]
fn what_is_outside_the_limits_is_refused_and_nothing_is_done() {
    let pager = open(&Env::memory(1)).unwrap();
    commit(&pager, &put(7, b"granite"), Lsn(5)).unwrap();
    let mut writer = pager.begin().unwrap();
    assert!(matches!(
        writer.write(b""),
        Err(PagerError::PageLen { len: 0, .. })
    ));
    let refused = writer.commit(&[0; MAX_PAYLOAD_BYTES + 1], Lsn(6));
    assert!(matches!(refused, Err(PagerError::PayloadTooLarge { .. })));
    let refused = pager.begin().unwrap().commit(&[], Lsn(4));
    assert!(matches!(refused, Err(PagerError::LsnBackwards { .. })));
    check(&pager, &Stones::from([(7, b"granite".to_vec())]));
}

#[test]
fn a_payload_may_fill_its_room() {
    let env = Env::memory(1);
    let payload = [7; MAX_PAYLOAD_BYTES];
    let writer = open(&env).unwrap().begin().unwrap();
    writer.commit(&payload, Lsn(1)).unwrap();
    assert_eq!(open(&env).unwrap().root().payload[..], payload);
}

#[test]
fn a_page_is_freed_once() {
    let pager = open(&Env::memory(1)).unwrap();
    commit(&pager, &put(7, b"granite"), Lsn(1)).unwrap();
    let page = shelf::place(&pager, 7);
    let mut writer = pager.begin().unwrap();
    writer.free(&page).unwrap();
    assert!(matches!(
        writer.free(&page),
        Err(PagerError::Corrupt { .. })
    ));
    drop(writer);
    check(&pager, &Stones::from([(7, b"granite".to_vec())]));
}

#[test]
fn a_reference_that_no_page_has_is_refused() {
    let pager = open(&Env::memory(1)).unwrap();
    commit(&pager, &put(7, b"granite"), Lsn(1)).unwrap();
    let page = shelf::place(&pager, 7);
    let references = [
        PageRef { len: 0, ..page },
        PageRef {
            block: BlockNo(u64::MAX),
            ..page
        },
        PageRef {
            block: BlockNo(0),
            ..page
        },
    ];
    for reference in references {
        assert!(matches!(
            pager.read(&reference),
            Err(PagerError::Corrupt { .. })
        ));
        let mut writer = pager.begin().unwrap();
        assert!(matches!(
            writer.free(&reference),
            Err(PagerError::Corrupt { .. })
        ));
        let mut verifier = pager.verify(pager.root()).unwrap();
        assert_eq!(verifier.page(&reference), None);
    }
    check(&pager, &Stones::from([(7, b"granite".to_vec())]));
}

#[test]
fn a_codec_that_is_not_there_is_named() {
    let pager = open(&Env::memory(1)).unwrap();
    commit(&pager, &put(7, b"granite"), Lsn(1)).unwrap();
    let page = PageRef {
        codec: 9,
        ..shelf::place(&pager, 7)
    };
    let error = pager.read(&page).unwrap_err();
    assert!(
        matches!(error, PagerError::UnknownCodec { codec: 9, .. }),
        "{error}"
    );
    assert!(error.to_string().contains("codec 9"));
}

#[test]
fn a_reference_past_the_end_of_the_file_is_an_error_that_sets_no_memory_aside() {
    let pager = open(&Env::memory(1)).unwrap();
    commit(&pager, &put(7, b"granite"), Lsn(1)).unwrap();
    let page = PageRef {
        len: 1 << 30,
        ..shelf::place(&pager, 7)
    };
    let what_of = |page: &PageRef| match pager.read(page) {
        Err(PagerError::Corrupt { why, .. }) => why.what,
        other => panic!("{other:?}"),
    };
    // Before anything is read, which would find another checksum.
    assert_eq!(what_of(&page), "last block of a page");
    let page = PageRef { len: 0, ..page };
    assert_eq!(what_of(&page), "length of a page");
}

#[test]
fn a_second_read_comes_from_the_cache_and_shares_its_memory() {
    let env = Env::memory(1);
    commit(&open(&env).unwrap(), &put(7, b"granite"), Lsn(1)).unwrap();
    let pager = open(&env).unwrap();
    let page = shelf::place(&pager, 7);
    let before = pager.stats();
    let (first, second) = (pager.read(&page).unwrap(), pager.read(&page).unwrap());
    assert_eq!(first.as_ptr(), second.as_ptr());
    let after = pager.stats();
    assert_eq!(after.cache_misses - before.cache_misses, 1);
    assert_eq!(after.cache_hits - before.cache_hits, 1);
}

#[test]
fn steady_rewriting_with_short_readers_does_not_grow_the_file() {
    let pager = open(&Env::memory(1)).unwrap();
    let mut reader = pager.root();
    let mut lengths = Vec::new();
    for lsn in 1..=200 {
        let changes: Changes = (0..8)
            .map(|id| (id * lsn % 31, Some(stone(id, lsn, 9000))))
            .collect();
        commit(&pager, &changes, Lsn(lsn)).unwrap();
        reader = pager.root(); // the one before is let go
        lengths.push(pager.stats().file_bytes);
    }
    assert_eq!(lengths[60], lengths[199]);
    let live = shelf::verify(&pager, reader).bytes;
    assert!(lengths[199] < 3 * live, "{} bytes for {live}", lengths[199]);
}

#[test]
fn a_long_reader_keeps_its_state_and_lets_go_of_it() {
    let pager = open(&Env::memory(1)).unwrap();
    commit(&pager, &put(0, &stone(0, 0, 100_000)), Lsn(1)).unwrap();
    let old = pager.root();
    for lsn in 2..50 {
        commit(&pager, &put(0, &stone(0, lsn, 100_000)), Lsn(lsn)).unwrap();
    }
    let expected = Stones::from([(0, stone(0, 0, 100_000))]);
    assert_eq!(shelf::read(&pager, &old).unwrap(), expected);
    assert!(
        shelf::verify(&pager, std::sync::Arc::clone(&old))
            .findings
            .is_empty()
    );
    // Its own state, and that which the last commit replaced; none of those between.
    let pinned = pager.stats().pinned_bytes;
    assert!((100_000..3 * 110_000).contains(&pinned), "{pinned}");
    drop(old);
    drop(pager.begin().unwrap());
    assert_eq!(pager.stats().pinned_bytes, 0);
}

#[test]
fn a_free_tail_is_given_back() {
    let env = Env::memory(1);
    let pager = open(&env).unwrap();
    assert!(!pager.step().unwrap());
    let many: Changes = (0..500).map(|id| (id, Some(stone(id, 0, 9000)))).collect();
    commit(&pager, &many, Lsn(1)).unwrap();
    let few: Changes = (3..500).map(|id| (id, None)).collect();
    commit(&pager, &few, Lsn(2)).unwrap();
    commit(&pager, &Changes::new(), Lsn(3)).unwrap(); // the list of stones moves to the front

    let before = pager.stats().file_bytes;
    let steps = (0..9).take_while(|_| pager.step().unwrap()).count();
    assert!((1..4).contains(&steps), "{steps} steps");
    let after = pager.stats().file_bytes;
    assert!(after < before / 4, "{before} bytes became {after}");
    let file = env
        .files
        .open(pager.path(), drystone_base::OpenMode::Read)
        .unwrap();
    assert_eq!(file.len().unwrap(), after);
    assert_eq!(pager.root().lsn, Lsn(3));
    let stones: Stones = (0..3).map(|id| (id, stone(id, 0, 9000))).collect();
    check(&pager, &stones);
    drop(pager);
    check(&open(&env).unwrap(), &stones);
}

/// A list that takes several blocks, and changes by being written.
/// No block of it is pinned then.
#[test]
fn a_free_tail_is_given_back_after_reopening() {
    let env = Env::memory(1);
    let pager = open(&env).unwrap();
    let many: Changes = (0..500).map(|id| (id, Some(stone(id, 0, 9000)))).collect();
    commit(&pager, &many, Lsn(1)).unwrap();
    commit(&pager, &(3..500).map(|id| (id, None)).collect(), Lsn(2)).unwrap();
    drop(pager);
    let pager = open(&env).unwrap();
    commit(&pager, &Changes::new(), Lsn(3)).unwrap(); // the list of stones moves to the front
    drop(pager);
    let pager = open(&env).unwrap();
    let before = pager.stats();
    assert_eq!(before.pinned_bytes, 0);
    while pager.step().unwrap() {}
    assert!(pager.stats().file_bytes < before.file_bytes / 4);
}

#[test]
fn a_free_list_of_many_runs_describes_itself() {
    let env = Env::memory(1);
    let pager = open(&env).unwrap();
    let many: Changes = (0..6000).map(|id| (id, Some(stone(id, 0, 10)))).collect();
    commit(&pager, &many, Lsn(1)).unwrap();
    let every_second: Changes = (0..3000).map(|id| (2 * id, None)).collect();
    commit(&pager, &every_second, Lsn(2)).unwrap();
    let stones: Stones = (0..3000)
        .map(|id| (2 * id + 1, stone(2 * id + 1, 0, 10)))
        .collect();
    check(&pager, &stones);
    for lsn in 3..9 {
        commit(&pager, &put(1, &stone(1, lsn, 10)), Lsn(lsn)).unwrap();
    }
    drop(pager);
    let pager = open(&env).unwrap();
    assert!(pager.stats().free_bytes >= 2990 * BLOCK_BYTES as u64);
    let report = shelf::verify(&pager, pager.root());
    assert!(report.findings.is_empty(), "{:?}", report.findings);
}

#[test]
fn a_cache_without_bounds_takes_no_memory_before_it_is_used() {
    let options = PagerOptions {
        cache_bytes: usize::MAX,
        ..PagerOptions::default()
    };
    let pager = Pager::open(&Env::memory(1), Path::new("stones"), options).unwrap();
    commit(
        &pager,
        &Changes::from([(1, Some(stone(1, 1, 3000)))]),
        Lsn(1),
    )
    .unwrap();
    let page = shelf::place(&pager, 1);
    assert_eq!(pager.read(&page).unwrap(), stone(1, 1, 3000));
}

#[test]
fn a_step_with_nothing_to_give_back_leaves_a_writer_alone() {
    let pager = open(&Env::memory(1)).unwrap();
    let _writer = pager.begin().unwrap();
    assert!(!pager.step().unwrap());
}

#[test]
fn figures_count_what_reaches_the_file() {
    let pager = open(&Env::memory(1)).unwrap();
    let before = pager.stats();
    let mut writer = pager.begin().unwrap();
    writer.write(&stone(7, 1, 2 * BLOCK_BYTES + 1)).unwrap();
    writer.commit(b"", Lsn(1)).unwrap();
    let after = pager.stats();
    // Three blocks of the page, one of the free list, and two copies of the superblock.
    assert_eq!(
        after.written_bytes - before.written_bytes,
        6 * BLOCK_BYTES as u64
    );
    assert_eq!(after.syncs - before.syncs, 3);
}

#[test]
fn a_child_is_read_straight_from_its_frame_the_second_time() {
    let pager = open(&Env::memory(1)).unwrap();
    commit(&pager, &put(7, b"granite"), Lsn(1)).unwrap();
    let page = shelf::place(&pager, 7);
    let pointers = Arc::new(FramePointers::new(1));
    let first = pager.read_child(&page, &pointers, 0).unwrap();
    assert_eq!(first, &b"granite"[..]);
    let before = pager.stats();
    let second = pager.read_child(&page, &pointers, 0).unwrap();
    assert_eq!(second.as_ptr(), first.as_ptr());
    assert_eq!(pager.stats(), before, "the cache was not asked");
}

#[test]
fn a_block_is_named_by_its_number() {
    assert_eq!(BlockNo(7).to_string(), "block 7");
    assert_eq!(BlockNo(7).offset(), 7 * BLOCK_BYTES as u64);
}

#[test]
fn a_writer_takes_the_blocks_of_a_reader_that_goes_meanwhile() {
    let pager = open(&Env::memory(7)).unwrap();
    let stones = |version| Changes::from([(0, Some(stone(0, version, 1 << 20)))]);
    commit(&pager, &stones(1), Lsn(1)).unwrap();
    let reader = pager.root();
    commit(&pager, &stones(2), Lsn(2)).unwrap();
    let mut writer = pager.begin().unwrap();
    let before = pager.stats().file_bytes;
    drop(reader);
    let payload = shelf::write(&mut writer, &pager.root(), &stones(3)).unwrap();
    writer.commit(&payload, Lsn(3)).unwrap();
    assert_eq!(pager.stats().file_bytes, before);
    assert_eq!(
        shelf::read(&pager, &pager.root()).unwrap()[&0],
        stone(0, 3, 1 << 20)
    );
}

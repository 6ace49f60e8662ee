//! Compressed pages: the same contents in fewer blocks, proved, cached, crashed and damaged like all others.

use std::path::Path;

use drystone_base::checksum::crc64;
use drystone_base::{Env, Lsn, OpenMode, Random, SeededRandom};
use drystone_storage_pager::{
    BLOCK_BYTES, CODEC_NONE, Codec, PageRef, Pager, PagerError, PagerOptions,
};
use drystone_testkit::{Checked, CrashPoints, SimFileSystem};

use crate::golden;
use crate::shelf::{self, Changes, Stones, commit_compressed, open};

/// Stone n is stored with codec n mod 5.
const CODECS: [Codec; 5] = [
    Codec::Lz4,
    Codec::Snappy,
    Codec::None,
    Codec::Zstd(3),
    Codec::Gzip(6),
];

/// LZ4 in place of what this build lacks.
fn codec_of(id: u64) -> Codec {
    let codec = meant_for(id);
    codec.check().map_or(Codec::Lz4, |()| codec)
}

fn meant_for(id: u64) -> Codec {
    CODECS[usize::try_from(id % 5).unwrap()]
}

/// Contents that compress to about a third.
fn text(id: u64, version: u64, len: usize) -> Vec<u8> {
    let line = |at: u64| format!("{id}.{version}: course {}\n", at * 7919 % 1000);
    (0..)
        .map(line)
        .flat_map(String::into_bytes)
        .take(len)
        .collect()
}

fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    SeededRandom::new(seed).fill(&mut bytes);
    bytes
}

fn put(stones: &Stones) -> Changes {
    let change = |(id, contents): (&u64, &Vec<u8>)| (*id, Some(contents.clone()));
    stones.iter().map(change).collect()
}

fn texts(len: usize) -> Stones {
    (0..5).map(|id| (id, text(id, 1, len))).collect()
}

fn pager_with(env: &Env, stones: &Stones) -> Pager {
    let pager = open(env).unwrap();
    commit_compressed(&pager, &put(stones), codec_of, Lsn(1)).unwrap();
    pager
}

#[test]
fn contents_come_back_from_fewer_blocks() {
    for len in [BLOCK_BYTES + 1, 8192, 70_000, 1 << 20] {
        let env = Env::memory(1);
        let stones = texts(len);
        let pager = pager_with(&env, &stones);
        shelf::check(&pager, &stones);
        for id in 0..5 {
            let page = shelf::place(&pager, id);
            let whole = len.div_ceil(BLOCK_BYTES) as u64;
            if codec_of(id) == Codec::None {
                assert_eq!((page.codec, page.len as usize), (CODEC_NONE, len));
            } else {
                assert_eq!(page.codec, codec_of(id).id().byte());
                assert!(page.block_count() <= whole.div_ceil(2), "{page:?}");
            }
        }
        drop(pager);
        shelf::check(&open(&env).unwrap(), &stones);
    }
}

#[test]
fn what_saves_no_block_is_stored_as_it_is() {
    let noise = (0..5).map(|id| (id, noise(id, 20_000)));
    let small = (5..10).map(|id| (id, text(id, 1, BLOCK_BYTES)));
    let stones: Stones = noise.chain(small).collect();
    let pager = pager_with(&Env::memory(1), &stones);
    shelf::check(&pager, &stones);
    for id in stones.keys() {
        assert_eq!(shelf::place(&pager, *id).codec, CODEC_NONE, "stone {id}");
    }
}

/// Before they are in the file, and whether the cache will take them or not.
#[test]
fn a_writer_reads_what_it_has_added() {
    let pager = open(&Env::memory(1)).unwrap();
    let mut writer = pager.begin().unwrap();
    let mut added = Vec::new();
    for len in [5000, 8192, 65_536, 65_537, 300_000, 5000] {
        let contents = text(7, len as u64, len);
        let page = writer.write_compressed(&contents, Codec::Lz4).unwrap();
        assert_ne!(page.codec, CODEC_NONE);
        added.push((page, contents));
        for (page, contents) in &added {
            assert!(writer.read(page).unwrap() == contents);
        }
    }
}

/// Many times the writer's buffer, of pages that are one block each when they are stored.
#[test]
fn frames_of_compressed_pages_are_counted_before_they_are_written() {
    let pager = open(&Env::memory(1)).unwrap();
    let mut writer = pager.begin().unwrap();
    let contents = vec![7; 60_000];
    let before = pager.stats().written_bytes;
    for _ in 0..100 {
        writer.write_compressed(&contents, Codec::Lz4).unwrap();
    }
    let written = pager.stats().written_bytes - before;
    assert!(written >= 80 * BLOCK_BYTES as u64, "{written} bytes");
}

#[test]
fn the_cache_holds_contents_and_counts_them() {
    let stones: Stones = (0..20).map(|id| (id, text(id, 1, 16_000))).collect();
    let env = Env::memory(1);
    drop(pager_with(&env, &stones));
    let options = PagerOptions {
        cache_bytes: 4 << 20,
        ..PagerOptions::default()
    };
    let pager = Pager::open(&env, Path::new(shelf::DIR), options).unwrap();
    shelf::read(&pager, &pager.root()).unwrap();
    let first = pager.stats();
    assert!(first.cache_bytes >= 20 * 16_000, "{first:?}");
    assert!(shelf::read(&pager, &pager.root()).unwrap() == stones);
    let second = pager.stats();
    assert_eq!(second.cache_misses, first.cache_misses);
    assert_eq!(second.cache_bytes, first.cache_bytes);
}

#[test]
fn a_level_that_there_is_not_adds_nothing() {
    let pager = open(&Env::memory(1)).unwrap();
    let mut writer = pager.begin().unwrap();
    let refused = writer.write_compressed(&text(1, 1, 9000), Codec::Zstd(0));
    assert!(
        matches!(refused, Err(PagerError::Compress { len: 9000, .. })),
        "{refused:?}"
    );
    for len in [0, (1 << 30) + 1] {
        let refused = writer.write_compressed(&vec![0; len], Codec::Lz4);
        assert!(matches!(refused, Err(PagerError::PageLen { .. })));
    }
    writer.commit(b"", Lsn(1)).unwrap();
    let free = pager.stats().free_bytes;
    assert_eq!(
        pager.verify(pager.root()).unwrap().finish().findings.len(),
        0
    );
    assert_eq!(free + 4 * BLOCK_BYTES as u64, pager.stats().file_bytes);
}

/// The checksum in the parent is that of the stored bytes: damage is found before a decoder sees it.
#[test]
fn a_flipped_bit_is_found_by_the_checksum() {
    let disk = SimFileSystem::with_folder(1, shelf::DIR);
    let pages: Vec<PageRef> = {
        let pager = pager_with(&disk.env(), &texts(8192));
        (0..5).map(|id| shelf::place(&pager, id)).collect()
    };
    for page in pages {
        for at in (0..u64::from(page.len)).step_by(37) {
            let after = disk.fork();
            after
                .flip_bit(&data(), page.block.offset() + at, 2)
                .unwrap();
            let pager = open(&after.env()).unwrap();
            match pager.read(&page) {
                Err(PagerError::Corrupt { offset, why, .. }) => {
                    assert_eq!((offset, why.what), (page.block.offset(), "checksum"));
                }
                other => panic!("{other:?} instead of damage"),
            }
        }
    }
}

/// Contents that lie, under a checksum that agrees: an error that names the page, or other contents; never a panic.
#[test]
fn damage_with_the_right_checksum_is_found_by_the_codec() {
    let env = Env::memory(1);
    let pager = pager_with(&env, &texts(8192));
    let mut found = 0;
    for id in 0..5 {
        let page = shelf::place(&pager, id);
        let stored = stored_bytes(&env, &page);
        for at in 0..stored.len().min(400) {
            let mut wrong = stored.clone();
            wrong[at] ^= 0x41;
            let file = env.files.open(&data(), OpenMode::ReadWrite).unwrap();
            file.write_all_at(&wrong, page.block.offset()).unwrap();
            let checksum = crc64(&wrong);
            match pager.read(&PageRef { checksum, ..page }) {
                Ok(contents) => assert_eq!(contents.len(), 8192),
                Err(PagerError::Corrupt { offset, .. }) => {
                    assert_eq!(offset, page.block.offset());
                    found += 1;
                }
                Err(other) => panic!("{other:?}"),
            }
        }
        let file = env.files.open(&data(), OpenMode::ReadWrite).unwrap();
        file.write_all_at(&stored, page.block.offset()).unwrap();
    }
    assert!(found > 100, "{found}");
}

#[test]
fn every_crash_leaves_the_state_before_or_the_one_after() {
    let state = |lsn: u64| -> Stones {
        let of_commit = |id| {
            (
                id,
                text(id, lsn, 6000 + 4000 * usize::try_from(id).unwrap()),
            )
        };
        (0..if lsn == 0 { 0 } else { 5 }).map(of_commit).collect()
    };
    let report = CrashPoints::new("compressed pages").run(
        |env, witness| {
            let pager = open(env).unwrap();
            for lsn in 1..=3 {
                witness.begin(lsn);
                commit_compressed(&pager, &put(&state(lsn)), codec_of, Lsn(lsn)).unwrap();
                witness.acknowledge(lsn);
            }
        },
        |env, promises| -> Checked {
            let pager = open(env)?;
            let lsn = pager.root().lsn.0;
            assert!((promises.last_acknowledged()..=promises.last_begun()).contains(&lsn));
            shelf::check(&pager, &state(lsn));
            commit_compressed(&pager, &put(&state(lsn)), codec_of, Lsn(lsn)).unwrap();
            shelf::check(&pager, &state(lsn));
            Ok(())
        },
    );
    assert!(report.points > 100, "{report}");
}

/// Codecs may get better, so what they write is not compared. A build that lacks one names its feature.
#[test]
fn compressed_pages_of_version_1_are_read() {
    const NAME: &str = "v1-compressed.data";
    let stones = texts(9000);
    if golden::is_writing() {
        let env = Env::memory(1);
        pager_with(&env, &stones);
        golden::write_file(NAME, &golden::bytes_of(&env));
    }
    let pager = open(&golden::env_with(NAME)).unwrap();
    for (id, contents) in &stones {
        let page = shelf::place(&pager, *id);
        assert_eq!(page.codec, meant_for(*id).id().byte());
        match pager.read(&page) {
            Ok(found) => assert!(found == contents, "stone {id}"),
            Err(PagerError::CodecNotBuilt { why, .. }) => {
                assert_eq!(why.codec, meant_for(*id).id());
                assert!(meant_for(*id).check().is_err());
            }
            Err(other) => panic!("{other:?}"),
        }
    }
}

fn data() -> std::path::PathBuf {
    Path::new(shelf::DIR).join("data")
}

fn stored_bytes(env: &Env, page: &PageRef) -> Vec<u8> {
    let file = env.files.open(&data(), OpenMode::Read).unwrap();
    let mut stored = vec![0; page.len as usize];
    file.read_exact_at(&mut stored, page.block.offset())
        .unwrap();
    stored
}

//! Inputs to start from, made by code: from a sample database, and from texts that say much in little.

mod texts;

use std::fs;
use std::path::Path;

use anyhow::Context;
use drystone_base::FileSystem;
use drystone_btree::{BTree, BTreeOptions};
use drystone_compress::{Codec, Compressor};
use drystone_engine::Engine;
use drystone_mvcc::KeyRange;
use drystone_storage_pager::{BlockNo, PageRef};
use drystone_testkit::SimFileSystem;
use drystone_wal::{Log, LogOptions};

use crate::small_database::session_after;
use crate::{Target, sample, targets};

pub use texts::{
    CSV_WORDS, DOT_WORDS, JSON_WORDS, SQL_WORDS, VALUE_WORDS, csv_files, dot_commands, expressions,
    json_lines_files, json_texts, like_patterns, scripts, statements, value_texts,
};

const BLOCK: usize = 4096;

/// Writes the seeds of a target into a folder, and its words, if it has any, as libFuzzer's dictionary beside it, as
/// `FOLDER.dict`.
///
/// # Errors
/// An unknown name, or files that cannot be written.
pub fn write(name: &str, folder: &Path) -> anyhow::Result<()> {
    let target = Target::named(name).with_context(|| format!("there is no target {name}"))?;
    fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
    for (number, seed) in (target.seeds)().iter().enumerate() {
        fs::write(folder.join(format!("seed-{number}")), seed)?;
    }
    let words: Vec<String> = target.words.iter().map(|word| quoted(word)).collect();
    if !words.is_empty() {
        fs::write(folder.with_extension("dict"), words.join("\n"))?;
    }
    Ok(())
}

/// A word as a dictionary has it.
fn quoted(word: &str) -> String {
    let escaped: String = word.bytes().map(|byte| format!("\\x{byte:02X}")).collect();
    format!("\"{escaped}\"")
}

/// For targets whose bytes are choices: any will do.
pub fn none() -> Vec<Vec<u8>> {
    vec![vec![0; 40], (0..=255).collect()]
}

/// Harm of each kind, to the first files.
pub fn patches() -> Vec<Vec<u8>> {
    (0..8)
        .flat_map(|kind| {
            (0..4).map(move |mode| vec![mode, kind, kind, 200, 1, 8, 1, 2, 3, 4, 5, 6, 7, 8])
        })
        .collect()
}

/// References to pages.
pub fn page_refs() -> Vec<Vec<u8>> {
    let page = PageRef {
        block: BlockNo(9),
        len: 5000,
        codec: 0,
        checksum: 7,
    };
    vec![page.encode().to_vec()]
}

/// Lists of a file of 100 blocks: none, one run, two runs.
pub fn free_lists() -> Vec<Vec<u8>> {
    let list = |runs: u64, blocks: u64, numbers: &[u8]| {
        let mut bytes = [100, runs, blocks].map(u64::to_le_bytes).concat();
        bytes.extend(numbers);
        bytes.resize(64, 0);
        bytes
    };
    vec![
        list(0, 0, &[]),
        list(1, 3, &[2, 3]),
        list(2, 8, &[0, 7, 80, 1]),
    ]
}

/// Lists of a file of 100 blocks: none, one extent, two that touch.
pub fn extent_lists() -> Vec<Vec<u8>> {
    let list = |extents: u64, numbers: &[u8]| {
        let mut bytes = [100, extents].map(u64::to_le_bytes).concat();
        bytes.extend(numbers);
        bytes
    };
    vec![list(0, &[]), list(1, &[2, 3]), list(2, &[0, 7, 0, 1])]
}

/// Pages of several blocks, under the byte that picks the codec.
pub fn compressed_pages() -> Vec<Vec<u8>> {
    let contents = b"a course of stones; and another one".repeat(300);
    let codecs = [Codec::Lz4, Codec::Snappy, Codec::Gzip(6)];
    let page = |codec: Codec| {
        let mut page = vec![codec.id().byte()];
        page.extend(u32::try_from(contents.len()).unwrap_or(0).to_le_bytes());
        let pays = Compressor::new().compress(codec, &contents, contents.len(), &mut page);
        pays.is_ok_and(|pays| pays).then_some(page)
    };
    codecs.into_iter().filter_map(page).collect()
}

/// A block of a run, with puts and a tombstone.
pub fn run_blocks() -> Vec<Vec<u8>> {
    let entries = b"\x03a\x05stone\x02b\x07key\x00";
    let mut block = vec![0; 4];
    block.extend((entries.len() as u32).to_le_bytes());
    block.extend(9_u32.to_le_bytes());
    block.extend(entries);
    vec![block]
}

/// The front of a pager's file.
pub fn superblocks() -> Vec<Vec<u8>> {
    let data = file(&sample::disk(true), "btree/data");
    data.chunks(BLOCK).take(4).map(<[u8]>::to_vec).collect()
}

/// A database's manifest.
pub fn manifests() -> Vec<Vec<u8>> {
    vec![file(&sample::disk(true), "MANIFEST")]
}

/// Records as they lie in a segment.
pub fn log_records() -> Vec<Vec<u8>> {
    let disk = sample::disk(false);
    let records = segments(&disk).into_iter().flat_map(|segment| {
        let parts: Vec<Vec<u8>> = segment[BLOCK..].chunks(256).map(<[u8]>::to_vec).collect();
        parts
    });
    records
        .filter(|bytes| bytes.iter().any(|&byte| byte != 0))
        .take(20)
        .collect()
}

/// The fronts of segments.
pub fn segment_headers() -> Vec<Vec<u8>> {
    let segments = segments(&sample::disk(true)).into_iter();
    segments.map(|segment| segment[..BLOCK].to_vec()).collect()
}

/// Names of a log's files: segments and spares.
pub fn file_names() -> Vec<Vec<u8>> {
    let folder = Path::new(sample::FOLDER).join("log");
    let names = sample::disk(false).list_dir(&folder);
    let names = names.expect("the sample has a log").into_iter();
    names.map(String::into_bytes).collect()
}

/// A name, a number, and the next number.
pub fn keyspace_entries() -> Vec<Vec<u8>> {
    [&b"\x01name"[..], b"\x02\0\0\0\x01", b"\x02\0\0\0"]
        .map(<[u8]>::to_vec)
        .to_vec()
}

/// What commits have put into the log, and what one would that adopts a stage.
pub fn commit_records() -> Vec<Vec<u8>> {
    let folder = Path::new(sample::FOLDER).join("log");
    let env = sample::disk(false).env();
    let merged = |tree: BTree| tree.merged_lsn();
    let tree = BTree::open(
        &env,
        &folder.with_file_name("btree"),
        BTreeOptions::default(),
    );
    let merged = tree.map(merged).expect("a sound tree");
    let log = Log::open(&env, &folder, LogOptions::default(), merged).expect("a sound log");
    let records = log.read_from(log.oldest_lsn()).flatten();
    let payloads = records.map(|record| record.payload.to_vec());
    let mut seeds: Vec<_> = payloads.filter(|payload| payload.len() < 512).collect();
    seeds.push(vec![2, 7]);
    seeds
}

/// Pages of a tree.
pub fn nodes() -> Vec<Vec<u8>> {
    const LEN: std::ops::Range<usize> = 12..16;
    let data = file(&targets::tree::sound_tree(), "data");
    let page = |block: &[u8]| {
        let len = block[LEN]
            .first_chunk()
            .map(|len| u32::from_le_bytes(*len) as usize)?;
        let is_node = matches!(block[..2], [1 | 2, 1]);
        (is_node && len <= block.len()).then(|| block[..len].to_vec())
    };
    data.chunks(BLOCK).filter_map(page).collect()
}

/// Root payloads, with a stage and without, and the tree records in them.
pub fn references() -> Vec<Vec<u8>> {
    const PAYLOAD: usize = 128;
    let payload = |disk: &SimFileSystem, len| file(disk, "data")[PAYLOAD..PAYLOAD + len].to_vec();
    let plain = payload(&targets::tree::sound_tree(), 64);
    // The newest superblock is one of two places; the other one has no stage.
    let staged = file(&targets::tree::staged_tree(), "data");
    let staged = staged.chunks(BLOCK).take(4);
    // A list of three pieces of 1,000 bytes, the last one shorter.
    let list = [3, 1, 0, 0, 232, 3, 0, 0, 196, 9, 0, 0, 0, 0, 0, 0];
    let piece = &plain[24..56];
    let list = [&list[..], piece, piece, piece].concat();
    let mut seeds = vec![plain[16..].to_vec(), plain[24..].to_vec(), plain, list];
    seeds.extend(staged.map(|superblock| superblock[PAYLOAD..PAYLOAD + 200].to_vec()));
    seeds
}

/// Tables as the catalog has them.
pub fn catalog_records() -> Vec<Vec<u8>> {
    let session = session_after(targets::sql::SCHEMA);
    let view = session.engine().store().view();
    let keyspace = view
        .keyspace("@sql.catalog")
        .ok()
        .flatten()
        .expect("it has a catalog");
    let entries = view.range(keyspace, KeyRange::all()).flatten();
    entries.map(|(_, value)| value.to_vec()).collect()
}

/// Records of a graph, behind the three bytes that say what it is made with.
pub fn vector_records() -> Vec<Vec<u8>> {
    let records = targets::vectors::sound_records().into_iter();
    records
        .map(|record| [&[3, 4, 0][..], &record].concat())
        .take(40)
        .collect()
}

fn file(disk: &SimFileSystem, name: &str) -> Vec<u8> {
    let image = disk.image(&Path::new(sample::FOLDER).join(name));
    image.expect("the sample has this file").to_vec()
}

fn segments(disk: &SimFileSystem) -> Vec<Vec<u8>> {
    let folder = Path::new(sample::FOLDER).join("log");
    let mut names = disk.list_dir(&folder).expect("the sample has a log");
    names.retain(|name| name.ends_with(".log"));
    names
        .iter()
        .map(|name| file(disk, &format!("log/{name}")))
        .collect()
}

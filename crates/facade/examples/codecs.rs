//! What each codec makes of text: the size of the files, and the speed of loading, scanning and random reads.
//!
//! `cargo run --release -p drystone --example codecs --features zstd,gzip -- FOLDER [ROWS]`
//!
//! Loads rows of 24 + 150 bytes, whose values are English words in random order, into a new database in `FOLDER` for each
//! codec, and prints a table in Markdown. Pages are of 32 KiB, as recommended beside compression; the cache holds them as
//! they are, so `get` is measured once with everything in it, and the scan after a reopening that empties it (the pages are
//! still in the OS's cache).
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a measurement on real files and real time"
)]

use std::path::Path;
use std::time::Instant;

use drystone::{Codec, Database, Options, Result};

const WORDS: &str = "the of and to in is that for it as was with be by on not he his but at are this have from or had an \
    they which one you were all her she there would their we him been has when who will no more if out so what up \
    stone wall arch mortar quarry ledger invoice customer address street balance account paid open closed shipped";
const VALUE_BYTES: usize = 150;
const GETS: u64 = 200_000;

const CODECS: [&str; 9] = [
    "none", "lz4", "snappy", "zstd:1", "zstd:3", "zstd:9", "zstd:19", "gzip:1", "gzip:6",
];

/// SplitMix64.
fn mixed(number: u64) -> u64 {
    let mut z = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

fn key(number: u64) -> [u8; 24] {
    let mut key = [0; 24];
    for (part, word) in key.chunks_exact_mut(8).zip(0..) {
        part.copy_from_slice(&mixed(number ^ (word << 40)).to_be_bytes());
    }
    key
}

fn value(number: u64, words: &[&str]) -> Vec<u8> {
    let mut value = Vec::with_capacity(VALUE_BYTES + 16);
    let mut state = number;
    while value.len() < VALUE_BYTES {
        state = mixed(state);
        // The smaller of two: some words are common, as in a language.
        let choices = words.len() as u64;
        let choice = ((state >> 32) % choices).min((state & 0xFFFF_FFFF) % choices);
        let word = words[usize::try_from(choice).unwrap_or(0)];
        value.extend_from_slice(word.as_bytes());
        value.push(b' ');
    }
    value.truncate(VALUE_BYTES);
    value
}

#[expect(
    clippy::cast_precision_loss,
    reason = "rows and bytes are far below 2^52"
)]
fn measure(folder: &Path, codec: Codec, rows: u64) -> Result<()> {
    let options = || Options {
        compression: codec,
        page_bytes: 32 << 10,
        cache_bytes: 1 << 30,
        ..Options::default()
    };
    let path = folder.join(codec.to_string().replace(':', "-"));
    let database = Database::open_with(&path, options())?;
    let space = database.keyspace("text")?;
    let words: Vec<&str> = WORDS.split_whitespace().collect();
    let texts: Vec<Vec<u8>> = (0..rows).map(|number| value(number, &words)).collect();
    let mut load = database.bulk_load()?;
    let started = Instant::now();
    for (number, text) in (0..rows).zip(&texts) {
        load.put(&space, key(number), text)?;
    }
    load.commit()?;
    let loaded = rows as f64 / started.elapsed().as_secs_f64();
    database.compact()?;
    let bytes = database.stats().engine.file_bytes;
    drop(space);
    database.close()?;

    let database = Database::open_with(&path, options())?;
    let space = database.keyspace("text")?;
    let started = Instant::now();
    let (mut seen, mut range) = (0, space.get_range::<&[u8]>(..));
    while let Some(row) = range.next_ref() {
        row?;
        seen += 1;
    }
    assert_eq!(seen, rows, "rows are missing");
    let scanned = rows as f64 / started.elapsed().as_secs_f64();
    drop(range);
    let started = Instant::now();
    for round in 0..GETS {
        let number = mixed(round) % rows;
        let found = space.get_with(key(number), |found| {
            found == texts[usize::try_from(number).unwrap_or(0)]
        });
        assert_eq!(found?, Some(true), "row {number} is not what was written");
    }
    let got = GETS as f64 / started.elapsed().as_secs_f64();
    println!(
        "| {codec} | {:.0} MiB | {:.2} | {:.2}M rows/s | {:.1}M rows/s | {:.2}M gets/s |",
        bytes as f64 / f64::from(1 << 20),
        bytes as f64 / (rows * 174) as f64,
        loaded / 1e6,
        scanned / 1e6,
        got / 1e6,
    );
    drop(space);
    database.close()
}

fn main() -> std::result::Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments
        .next()
        .ok_or("name a folder, and a number of rows")?;
    let rows = arguments
        .next()
        .map_or(Ok(1_000_000), |rows| rows.parse())?;
    println!("| codec | file | of the data | load | scan | gets, all cached |");
    println!("| --- | ---: | ---: | ---: | ---: | ---: |");
    for name in CODECS {
        let codec: Codec = name.parse()?;
        match codec.check() {
            Ok(()) => measure(Path::new(&folder), codec, rows)?,
            Err(why) => println!("| {codec} | {why} | | | | |"),
        }
    }
    Ok(())
}

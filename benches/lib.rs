//! What the benchmarks share: data, databases, and where files go.
//!
//! Keys are 24 bytes and values 150, as in the comparisons that other stores publish. Files go below the build folder,
//! so that they are on a real disk and not in a `tmpfs`.

use std::path::Path;

use drystone::{Database, Durability, Keyspace, Options, WriteBatch};
use tempfile::TempDir;

/// Bytes of a value.
pub const VALUE_BYTES: usize = 150;
/// Rows of the data set that counts as hot: it fits in the cache.
pub const HOT_ROWS: u64 = 1_000_000;

const BATCH_ROWS: u64 = 10_000;

/// The key of row `number`: 24 bytes, scattered, so that neighbours in time are no neighbours in order.
#[must_use]
pub fn key(number: u64) -> [u8; 24] {
    let mut key = [b'k'; 24];
    key[..8].copy_from_slice(&scatter(number).to_be_bytes());
    key[8..16].copy_from_slice(&number.to_be_bytes());
    key
}

/// The value of row `number`.
#[must_use]
pub fn value(number: u64) -> [u8; VALUE_BYTES] {
    let mut value = [b'v'; VALUE_BYTES];
    for (idx, chunk) in value.chunks_mut(8).enumerate().take(8) {
        let word = scatter(number.wrapping_add(idx as u64)).to_le_bytes();
        chunk.copy_from_slice(&word[..chunk.len()]);
    }
    value
}

/// A bijection of 64-bit numbers that looks random: the finaliser of SplitMix64.
#[must_use]
pub fn scatter(number: u64) -> u64 {
    let mut mixed = number.wrapping_add(0x9E37_79B9_7F4A_7C15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

/// A folder below the build folder, removed when dropped.
///
/// # Panics
/// When it cannot be made.
#[must_use]
pub fn folder(build_folder: &str) -> TempDir {
    tempfile::tempdir_in(build_folder).expect("the build folder can be written to")
}

/// A new database in `folder`.
///
/// # Panics
/// When it cannot be made.
#[must_use]
pub fn database(folder: &Path) -> Database {
    let options = Options {
        cache_bytes: 1 << 30,
        ..Options::default()
    };
    Database::open_with(folder.join("db"), options).expect("a new database opens")
}

/// Puts rows `0..rows` into the keyspace `bench`, and merges them.
///
/// # Panics
/// When that fails.
#[must_use]
pub fn load(database: &Database, rows: u64) -> Keyspace {
    let keyspace = database.keyspace("bench").expect("a keyspace is created");
    for start in (0..rows).step_by(usize::try_from(BATCH_ROWS).expect("fits")) {
        let mut batch = WriteBatch::new();
        for number in start..(start + BATCH_ROWS).min(rows) {
            batch.put(&keyspace, key(number).to_vec(), value(number).to_vec());
        }
        database
            .write_with(batch, Durability::None)
            .expect("a batch is written");
    }
    database.flush().expect("memtables are merged");
    keyspace
}

/// The median of some figures; of an even number, the upper one.
///
/// # Panics
/// When there are none.
#[must_use]
pub fn median(figures: &[f64]) -> f64 {
    let mut sorted = figures.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[sorted.len() / 2]
}

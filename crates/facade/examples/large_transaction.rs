//! One transaction, or one bulk load, that is larger than memory: how long it takes, and how much memory.
//!
//! `cargo run --release -p drystone --example large_transaction -- FOLDER GIB [bulk]`
//!
//! Writes so many GiB, in random order, to a new database in `FOLDER`, in one transaction under a budget of 512 MiB (cache,
//! memtables, the transaction's own memory), commits, and counts what is there. Prints the phases' times and the peak of
//! the process's memory; fails where that is over the budget and 32 MiB.
#![expect(
    clippy::disallowed_methods,
    clippy::print_stdout,
    reason = "a measurement on real files and real time"
)]

use std::path::Path;
use std::time::Instant;

use drystone::{Database, Durability, IsolationLevel, Keyspace, Options, Result};

const MIB: u64 = 1 << 20;
const BUDGET_BYTES: u64 = 512 * MIB;
const KEY_BYTES: u64 = 24;
const VALUE_BYTES: usize = 1000;

fn options() -> Options {
    Options {
        cache_bytes: 192 << 20,
        memtable_bytes: 32 * MIB,
        transaction_bytes: 96 * MIB,
        durability: Durability::Sync,
        ..Options::default()
    }
}

/// A permutation of 64 bits: SplitMix64's.
fn mixed(number: u64) -> u64 {
    let mut z = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

fn key(number: u64) -> Vec<u8> {
    format!("{:016x}{:08x}", mixed(number), number & 0xFFFF_FFFF).into_bytes()
}

fn value(number: u64) -> Vec<u8> {
    let mut value = vec![b'v'; VALUE_BYTES];
    let words = value.chunks_exact_mut(16).zip(0..);
    for (word, place) in words {
        word[..8].copy_from_slice(&mixed(number ^ place).to_le_bytes());
    }
    value
}

/// The most memory that this process has had, as Linux says.
fn peak_bytes() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|line| line.trim().strip_suffix(" kB"));
    kib.and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0) * 1024
}

fn in_transaction(database: &Database, rows: &Keyspace, count: u64) -> Result<()> {
    let mut transaction = database.begin_transaction(IsolationLevel::RepeatableRead)?;
    for number in 0..count {
        transaction.put(rows, key(number), value(number))?;
    }
    println!("written, peak of {} MiB", peak_bytes() / MIB);
    transaction.commit()?;
    Ok(())
}

fn in_load(database: &Database, rows: &Keyspace, count: u64) -> Result<()> {
    let mut load = database.bulk_load()?;
    for number in 0..count {
        load.put(rows, key(number), value(number))?;
    }
    println!("written, peak of {} MiB", peak_bytes() / MIB);
    load.commit()?;
    Ok(())
}

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [folder, gib, how @ ..] = arguments.as_slice() else {
        println!("large_transaction FOLDER GIB [bulk]");
        return Ok(());
    };
    let gib: f64 = gib.parse().unwrap_or(1.0);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a size in GiB"
    )]
    let count = (gib * 1024.0) as u64 * MIB / (KEY_BYTES + VALUE_BYTES as u64);
    let database = Database::open_with(Path::new(folder), options())?;
    let rows = database.keyspace("rows")?;
    let started = Instant::now();
    match how.is_empty() {
        true => in_transaction(&database, &rows, count)?,
        false => in_load(&database, &rows, count)?,
    }
    println!("{count} rows committed in {:.1?}", started.elapsed());
    let found = rows.get_range::<&[u8]>(..).count() as u64;
    let some = [0, count / 2, count - 1];
    let are_right = some.iter().all(|&number| {
        rows.get(key(number))
            .is_ok_and(|found| found.is_some_and(|it| it == value(number)))
    });
    println!("{found} rows read after {:.1?}", started.elapsed());
    let peak = peak_bytes();
    println!("peak of {} MiB", peak / MIB);
    assert!(found == count && are_right, "all rows are there");
    assert!(peak <= BUDGET_BYTES + 32 * MIB, "within the budget");
    database.close()
}

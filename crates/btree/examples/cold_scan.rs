//! Scans of a tree that is four times its cache, with read-ahead and without: `cold_scan FOLDER [ROWS]`.
//!
//! Without: a cursor that is set anew for each few rows, which goes as far, and reads nothing ahead.

use std::path::Path;
use std::process::Command;

use drystone_base::{Env, KeyspaceId};
use drystone_btree::{BTree, BTreeOptions, WriteBatch};
use drystone_engine::{Cursor, Engine, Snapshot};

const ROWS: KeyspaceId = KeyspaceId(1);

fn mix(number: u64) -> u64 {
    let mixed = (number ^ (number >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

fn key(number: u64) -> [u8; 24] {
    let mut key = [7; 24];
    key[..8].copy_from_slice(&mix(number).to_be_bytes());
    key
}

fn options(cache_bytes: usize) -> BTreeOptions {
    let mut options = BTreeOptions::default();
    options.pager.cache_bytes = cache_bytes;
    options
}

/// Forgets what the operating system has of the file.
fn forget(dir: &Path) {
    let file = format!("of={}", dir.join("data").display());
    let arguments = [
        file.as_str(),
        "oflag=nocache",
        "conv=notrunc,fdatasync",
        "count=0",
    ];
    let forgot = Command::new("dd").args(arguments).output();
    assert!(forgot.is_ok_and(|output| output.status.success()), "dd");
}

fn scan(cursor: &mut dyn Cursor, rows_per_seek: u64) -> u64 {
    let mut rows = 0;
    let mut is_on = cursor.first().expect("a sound file");
    while is_on {
        rows += 1;
        if rows % rows_per_seek == 0 {
            let at = cursor.key().to_vec();
            cursor.seek(&at).expect("a sound file");
        }
        is_on = cursor.next().expect("a sound file");
    }
    rows
}

fn main() {
    let mut arguments = std::env::args().skip(1);
    let folder = arguments.next().expect("a folder");
    let rows: u64 = arguments
        .next()
        .map_or(500_000, |rows| rows.parse().expect("a number"));
    let dir = Path::new(&folder);
    let env = Env::os();
    let tree = BTree::open(&env, dir, options(64 << 20)).expect("a folder to write to");
    let per_batch = rows / 10;
    for batch in 0..10 {
        let mut changes = WriteBatch::new();
        for number in batch * per_batch..(batch + 1) * per_batch {
            changes.put(ROWS, key(number).to_vec(), vec![9; 150]);
        }
        tree.write_batch(&changes).expect("room");
    }
    let bytes = Engine::stats(&tree).file_bytes;
    drop(tree);
    let tree = BTree::open(
        &env,
        dir,
        options(usize::try_from(bytes / 4).expect("fits")),
    );
    let tree = tree.expect("a sound file");
    let snapshot = tree.newest();
    for round in 0..3 {
        for (what, rows_per_seek) in [("set anew", 20), ("read ahead", u64::MAX)] {
            for is_cold in [true, false] {
                if is_cold {
                    forget(dir);
                }
                let mut cursor = snapshot.cursor(ROWS).expect("a cursor");
                let misses = Engine::stats(&tree).cache_misses;
                let start = env.clock.monotonic();
                let found = scan(&mut *cursor, rows_per_seek);
                let seconds = (env.clock.monotonic() - start).as_secs_f64();
                let misses = Engine::stats(&tree).cache_misses - misses;
                let kind = if is_cold { "disk" } else { "OS cache" };
                println!(
                    "{round} {what:10} {kind:8}: {found} rows, {seconds:.3} s, {misses} reads"
                );
            }
        }
    }
}

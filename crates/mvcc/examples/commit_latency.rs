//! How long commits wait while merges go on beside them: median, 99.9th percentile and the worst, for several lengths of
//! a slice. The longest slice is a whole merge at once.
//!
//! ```text
//! cargo run --release -p drystone-mvcc --example commit_latency -- FOLDER [COMMITS] [MEMTABLE_MIB] [KEYS] [MERGER]
//! ```
//!
//! FOLDER must not exist yet; it is left for a look at what was written. One thread commits random keys of 24 bytes with
//! values of 150 bytes, without waiting for the medium, as fast as it can; another merges (`MERGER` is `beside`), or none
//! does, and commits pay for all merges (`alone`). The first KEYS commits are not measured.
#![expect(
    clippy::disallowed_methods,
    reason = "measures time on the operating system's threads"
)]

use std::env;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use drystone_base::{Env, KeyspaceId, Random, SeededRandom};
use drystone_btree::{BTree, BTreeOptions};
use drystone_engine::{Engine, Progress};
use drystone_mvcc::{Durability, IsolationLevel, Store, StoreOptions};
use drystone_wal::{Log, LogOptions};

type Failure = Box<dyn Error + Send + Sync>;

const SLICES: [u64; 4] = [256 << 10, 1 << 20, 4 << 20, u64::MAX];

struct Load {
    commits: usize,
    memtable_bytes: u64,
    keys: u64,
    has_merger: bool,
}

fn main() -> Result<(), Failure> {
    let args: Vec<String> = env::args().skip(1).collect();
    let folder = PathBuf::from(args.first().ok_or("which folder?")?);
    let number = |idx: usize, default: u64| args.get(idx).map_or(Ok(default), |arg| arg.parse());
    let load = Load {
        commits: usize::try_from(number(1, 400_000)?)?,
        memtable_bytes: number(2, 16)? << 20,
        keys: number(3, 500_000)?,
        has_merger: args.get(4).is_none_or(|merger| merger == "beside"),
    };
    println!(
        "{:>12} {:>10} {:>10} {:>10} {:>10} {:>8}",
        "slice", "commits/s", "median us", "p99.9 us", "worst us", "merges"
    );
    for slice_bytes in SLICES {
        measure(&folder.join(slice_bytes.to_string()), slice_bytes, &load)?;
    }
    Ok(())
}

fn open(folder: &Path, slice_bytes: u64, load: &Load) -> Result<Store, Failure> {
    let env = Env::os();
    let engine = BTree::open(&env, &folder.join("btree"), BTreeOptions::default())?;
    let log = Log::open(
        &env,
        &folder.join("log"),
        LogOptions::default(),
        engine.merged_lsn(),
    )?;
    let options = StoreOptions {
        memtable_bytes: load.memtable_bytes,
        step_bytes: slice_bytes,
        ..StoreOptions::default()
    };
    Ok(Store::open(&env, options, log, Arc::new(engine))?)
}

fn measure(folder: &Path, slice_bytes: u64, load: &Load) -> Result<(), Failure> {
    let store = open(folder, slice_bytes, load)?;
    let mut tx = store.begin(IsolationLevel::default())?;
    let keyspace = tx.create_keyspace("main")?;
    tx.commit(Durability::Sync)?;
    let done = Arc::new(AtomicBool::new(false));
    let merger = load.has_merger.then(|| {
        let (store, done) = (store.clone(), Arc::clone(&done));
        thread::spawn(move || merge_until(&store, &done))
    });
    let random = SeededRandom::new(7);
    for _ in 0..load.keys {
        commit(&store, keyspace, &random, load.keys)?;
    }
    let mut waits = Vec::with_capacity(load.commits);
    let began = Instant::now();
    for _ in 0..load.commits {
        let before = Instant::now();
        commit(&store, keyspace, &random, load.keys)?;
        waits.push(before.elapsed());
    }
    let took = began.elapsed();
    done.store(true, Ordering::Release);
    if let Some(merger) = merger {
        merger.join().map_err(|_| "the merger panicked")??;
    }
    let merges = store.stats().merges;
    store.close()?;
    print_row(slice_bytes, &mut waits, took, merges);
    Ok(())
}

fn merge_until(store: &Store, done: &AtomicBool) -> Result<(), Failure> {
    while !done.load(Ordering::Acquire) {
        if store.step_merge()? == Progress::Idle {
            thread::sleep(Duration::from_millis(5));
        }
    }
    Ok(())
}

fn commit(
    store: &Store,
    keyspace: KeyspaceId,
    random: &SeededRandom,
    keys: u64,
) -> Result<(), Failure> {
    let number = random.next_u64() % keys;
    let mut tx = store.begin(IsolationLevel::default())?;
    tx.put(keyspace, format!("{number:024}"), vec![7; 150])?;
    tx.commit(Durability::None)?;
    Ok(())
}

fn print_row(slice_bytes: u64, waits: &mut [Duration], took: Duration, merges: u64) {
    waits.sort_unstable();
    let at = |part: usize| waits[(waits.len() - 1) * part / 1000].as_micros();
    let slice = match slice_bytes {
        u64::MAX => "a merge".to_owned(),
        bytes => format!("{} KiB", bytes >> 10),
    };
    println!(
        "{:>12} {:>10.0} {:>10} {:>10} {:>10} {:>8}",
        slice,
        waits.len() as f64 / took.as_secs_f64(),
        at(500),
        at(999),
        at(1000),
        merges
    );
}

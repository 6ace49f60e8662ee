//! How many durable appends a second the log makes, beside a bare loop of 4 KiB overwrites, each with `fdatasync`.
//!
//! ```text
//! cargo run --release -p drystone-wal --example commit_rate -- FOLDER [ROUNDS] [SECONDS] [PAYLOAD_BYTES]
//! ```
//!
//! FOLDER must not exist yet; it is left for a look at what was written. Each round measures the bare loop, one thread
//! and eight threads, in turn, so that a noisy machine is noisy for all. Prints each round and the medians, the slowest of
//! a hundred (p99) of the bare loop and of one thread, and how long the log takes to open with 256 MiB in it.
#![expect(
    clippy::disallowed_methods,
    reason = "measures time on the operating system's threads"
)]

use std::env;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use drystone_base::{Env, Lsn, OpenMode};
use drystone_wal::{Durability, Log, LogOptions, LogStats};

const BLOCK_BYTES: usize = 4096;
const FILE_BYTES: u64 = 16 << 20;
/// What a log is opened with at the end.
const LONG_BYTES: u64 = 256 << 20;

type Failure = Box<dyn Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    let args: Vec<String> = env::args().skip(1).collect();
    let folder = PathBuf::from(args.first().ok_or("which folder?")?);
    let number = |idx: usize, default: u64| args.get(idx).map_or(Ok(default), |arg| arg.parse());
    let (rounds, seconds, payload_bytes) = (number(1, 5)?, number(2, 2)?, number(3, 100)?);
    let payload = vec![7; usize::try_from(payload_bytes)?];
    let time = Duration::from_secs(seconds);

    let bare = BareFile::create(&folder)?;
    let log = Log::open(
        &Env::os(),
        &folder.join("log"),
        LogOptions::default(),
        Lsn::ZERO,
    )?;
    let mut rates = [const { Vec::new() }; 3];
    let mut waits = [const { Vec::new() }; 2];
    println!("payload of {payload_bytes} bytes; durable appends a second");
    println!("{:>10} {:>10} {:>10}", "bare", "1 thread", "8 threads");
    for _ in 0..rounds {
        let round = [
            bare.run(time, &mut waits[0])?,
            run(&log, &payload, 1, time, &mut waits[1])?,
            run(&log, &payload, 8, time, &mut Vec::new())?,
        ];
        println!("{:>10.0} {:>10.0} {:>10.0}", round[0], round[1], round[2]);
        rates
            .iter_mut()
            .zip(round)
            .for_each(|(rates, rate)| rates.push(rate));
    }
    let [bare, one, eight] = rates.map(median);
    println!(
        "medians: bare {bare:.0}, 1 thread {one:.0} ({:.2} of bare), 8 threads {eight:.0} ({:.2} of 1 thread)",
        one / bare,
        eight / one
    );
    let [bare_p99, one_p99] = waits.map(p99);
    println!("p99: bare {bare_p99:?}, 1 thread {one_p99:?}");
    print_stats(&log.stats());
    log.close()?;
    time_to_open(&folder.join("long"), &payload)
}

/// Opens a log that holds 256 MiB, as the end of a process leaves it, and again as a close leaves it.
fn time_to_open(folder: &Path, payload: &[u8]) -> Result<(), Failure> {
    let open = || {
        let started = Instant::now();
        let log = Log::open(&Env::os(), folder, LogOptions::default(), Lsn::ZERO)?;
        Ok::<_, Failure>((log, started.elapsed()))
    };
    let (log, _) = open()?;
    while log.stats().appended_bytes < LONG_BYTES {
        log.append(payload)?;
    }
    log.sync()?;
    let records = log.stats().appended;
    drop(log);
    let (log, killed) = open()?;
    log.close()?;
    let (log, closed) = open()?;
    let started = Instant::now();
    let read = log
        .read_from(Lsn(1))
        .try_fold(0, |read, record| record.map(|_| read + 1))?;
    println!(
        "256 MiB, {records} records: opens in {killed:?} after a kill, in {closed:?} after a close; {read} read in {:?}",
        started.elapsed()
    );
    Ok(log.close()?)
}

/// A file written from end to end before, and overwritten block by block.
struct BareFile {
    file: std::sync::Arc<dyn drystone_base::File>,
}

impl BareFile {
    fn create(folder: &Path) -> Result<BareFile, Failure> {
        let env = Env::os();
        env.files.create_dir_all(folder)?;
        let file = env.files.open(&folder.join("bare"), OpenMode::CreateNew)?;
        file.write_all_at(&vec![0; usize::try_from(FILE_BYTES)?], 0)?;
        file.sync()?;
        Ok(BareFile { file })
    }

    fn run(&self, time: Duration, waits: &mut Vec<Duration>) -> Result<f64, Failure> {
        let block = [7; BLOCK_BYTES];
        let started = Instant::now();
        let mut count = 0_u64;
        while started.elapsed() < time {
            let offset = count * BLOCK_BYTES as u64 % FILE_BYTES;
            let begun = Instant::now();
            self.file.write_all_at(&block, offset)?;
            self.file.sync()?;
            waits.push(begun.elapsed());
            count += 1;
        }
        Ok(rate(count, started))
    }
}

/// `threads` of them append and sync; this one does the background work, as the facade does.
fn run(
    log: &Log,
    payload: &[u8],
    threads: u64,
    time: Duration,
    waits: &mut Vec<Duration>,
) -> Result<f64, Failure> {
    let is_over = AtomicBool::new(false);
    let first = log.appended_lsn();
    let started = Instant::now();
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|_| scope.spawn(|| append_until(log, payload, &is_over)))
            .collect();
        while started.elapsed() < time {
            thread::sleep(Duration::from_millis(50));
            log.trim(log.durable_lsn())?;
            log.step()?;
        }
        is_over.store(true, Ordering::Relaxed);
        for worker in workers {
            waits.extend(worker.join().map_err(|_| "a worker panicked")??);
        }
        Ok(rate(log.durable_lsn().0 - first.0, started))
    })
}

/// Returns how long each append took.
fn append_until(log: &Log, payload: &[u8], is_over: &AtomicBool) -> Result<Vec<Duration>, Failure> {
    let mut waits = Vec::new();
    while !is_over.load(Ordering::Relaxed) {
        let begun = Instant::now();
        log.commit(payload, Durability::Sync)?;
        waits.push(begun.elapsed());
    }
    Ok(waits)
}

#[expect(clippy::cast_precision_loss, reason = "a figure to look at")]
fn rate(count: u64, started: Instant) -> f64 {
    count as f64 / started.elapsed().as_secs_f64()
}

fn median(mut rates: Vec<f64>) -> f64 {
    rates.sort_unstable_by(f64::total_cmp);
    rates.get(rates.len() / 2).copied().unwrap_or(f64::NAN)
}

/// What only one in a hundred is longer than.
fn p99(mut waits: Vec<Duration>) -> Duration {
    waits.sort_unstable();
    waits
        .get(waits.len() * 99 / 100)
        .copied()
        .unwrap_or_default()
}

fn print_stats(stats: &LogStats) {
    println!(
        "{} records in {} groups, at most {} in one; {} syncs",
        stats.appended, stats.groups, stats.group_records_max, stats.syncs
    );
}

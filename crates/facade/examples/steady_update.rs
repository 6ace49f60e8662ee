//! Steady update: overwrites a data set over and over with a reader always open, and says how long the files are.
//!
//! ```console
//! cargo xtask steady-update --bytes 1GiB --rounds 100
//! cargo xtask steady-update --bytes 64MiB --rounds 100 --memtable 4MiB --reader-seconds 1 --order sorted
//! ```
//!
//! A line a round: seconds so far, bytes of the files when the round ended and at most within it, each as a multiple of
//! the rows' bytes, and what of that a reader keeps. The last line is what is left some seconds after the last reader went.
#![expect(
    clippy::disallowed_methods,
    reason = "it measures time and files as they are"
)]

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use drystone::{Database, Durability, Keyspace, Options, WriteBatch};

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

const KEY_BYTES: usize = 24;
const VALUE_BYTES: usize = 150;
const ROW_BYTES: u64 = (KEY_BYTES + VALUE_BYTES) as u64;
const BATCH_ROWS: u64 = 1_000;
/// How often the files are looked at.
const LOOK: Duration = Duration::from_millis(50);
/// Longest wait for the space that the last reader kept.
const SETTLE: Duration = Duration::from_secs(20);

/// What the command line says.
struct Wanted {
    bytes: u64,
    rounds: u64,
    memtable_bytes: u64,
    reader: Duration,
    is_sorted: bool,
    folder: PathBuf,
}

impl Wanted {
    fn parse() -> Result<Wanted> {
        let mut wanted = Wanted {
            bytes: 1 << 30,
            rounds: 100,
            memtable_bytes: Options::default().memtable_bytes,
            reader: Duration::from_secs(60),
            is_sorted: false,
            folder: std::env::temp_dir().join(format!("drystone-steady-{}", std::process::id())),
        };
        let mut arguments = std::env::args().skip(1);
        while let Some(name) = arguments.next() {
            let value = arguments.next().ok_or(format!("{name} needs a value"))?;
            match name.as_str() {
                "--bytes" => wanted.bytes = bytes(&value)?,
                "--rounds" => wanted.rounds = value.parse()?,
                "--memtable" => wanted.memtable_bytes = bytes(&value)?,
                "--reader-seconds" => wanted.reader = Duration::from_secs_f64(value.parse()?),
                "--order" => wanted.is_sorted = value == "sorted",
                "--folder" => wanted.folder = PathBuf::from(value),
                other => return Err(format!("{other} is no option").into()),
            }
        }
        Ok(wanted)
    }

    fn rows(&self) -> u64 {
        (self.bytes / ROW_BYTES).max(1)
    }
}

fn bytes(text: &str) -> Result<u64> {
    let units = [("GiB", 30), ("MiB", 20), ("KiB", 10)];
    for (unit, shift) in units {
        if let Some(count) = text.strip_suffix(unit) {
            return Ok(count.parse::<u64>()? << shift);
        }
    }
    Ok(text.parse()?)
}

fn mix(number: u64) -> u64 {
    let mixed = (number ^ (number >> 31)).wrapping_mul(0x7FB5_D329_728E_A185);
    (mixed ^ (mixed >> 27)).wrapping_mul(0x81DA_DEF4_BC2D_D44D)
}

fn key(number: u64) -> Vec<u8> {
    let mut key = format!("{number:016}").into_bytes();
    key.extend_from_slice(&mix(number).to_be_bytes());
    key
}

fn value(number: u64, round: u64) -> Vec<u8> {
    let words = (0..).flat_map(|word| mix(number ^ (round << 40) ^ (word << 56)).to_le_bytes());
    words.take(VALUE_BYTES).collect()
}

/// Row number `place` of a round: all rows, in another order each time.
fn row(place: u64, round: u64, rows: u64, is_sorted: bool) -> u64 {
    if is_sorted {
        return place;
    }
    // A step that has no divisor in common with the number of rows visits each once.
    let mut step = (mix(round) % rows) | 1;
    while gcd(step, rows) != 1 {
        step += 2;
    }
    let at = u128::from(place) * u128::from(step) + u128::from(mix(round));
    u64::try_from(at % u128::from(rows)).unwrap_or(0)
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}

fn size_of(folder: &Path) -> u64 {
    let Ok(entries) = std::fs::read_dir(folder) else {
        return 0;
    };
    let sizes = entries.flatten().map(|entry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => size_of(&entry.path()),
        Ok(metadata) => metadata.len(),
        Err(_) => 0,
    });
    sizes.sum()
}

/// A reader that is replaced now and then, and what the files come to meanwhile.
struct Watch<'a> {
    wanted: &'a Wanted,
    database: &'a Database,
    keyspace: &'a Keyspace,
    is_over: AtomicBool,
    bytes_max: AtomicU64,
    failure: Mutex<Option<String>>,
}

impl Watch<'_> {
    fn run(&self) {
        let rows = self.wanted.rows();
        while !self.is_over.load(Ordering::Relaxed) {
            let (snapshot, began) = (self.database.snapshot(), Instant::now());
            let mut number = 0;
            let seen = snapshot.get(self.keyspace, key(number));
            while began.elapsed() < self.wanted.reader && !self.is_over.load(Ordering::Relaxed) {
                number = mix(number + 1) % rows;
                let found = snapshot.get(self.keyspace, key(number));
                if !matches!(found, Ok(Some(_))) {
                    self.fail(format!("row {number}: {found:?}"));
                }
                self.bytes_max
                    .fetch_max(size_of(&self.wanted.folder), Ordering::Relaxed);
                std::thread::sleep(LOOK);
            }
            if format!("{seen:?}") != format!("{:?}", snapshot.get(self.keyspace, key(0))) {
                self.fail("a snapshot has changed".to_owned());
            }
        }
    }

    fn fail(&self, why: String) {
        if let Ok(mut failure) = self.failure.lock() {
            failure.get_or_insert(why);
        }
    }
}

fn overwrite(wanted: &Wanted, database: &Database, keyspace: &Keyspace, round: u64) -> Result<()> {
    let rows = wanted.rows();
    for start in (0..rows).step_by(usize::try_from(BATCH_ROWS)?) {
        let mut batch = WriteBatch::new();
        for place in start..(start + BATCH_ROWS).min(rows) {
            let number = row(place, round, rows, wanted.is_sorted);
            batch.put(keyspace, key(number), value(number, round));
        }
        database.write_with(batch, Durability::Async)?;
    }
    Ok(())
}

fn main() -> Result<()> {
    let wanted = Wanted::parse()?;
    std::fs::create_dir_all(&wanted.folder)?;
    let outcome = run(&wanted);
    std::fs::remove_dir_all(&wanted.folder)?;
    outcome
}

fn run(wanted: &Wanted) -> Result<()> {
    let options = Options {
        memtable_bytes: wanted.memtable_bytes,
        ..Options::default()
    };
    let database = Database::open_with(wanted.folder.join("database"), options)?;
    let keyspace = database.keyspace("rows")?;
    overwrite(wanted, &database, &keyspace, 0)?;
    database.flush()?;
    let live = wanted.rows() * ROW_BYTES;
    let times = |bytes: u64| format!("{:.2}", bytes as f64 / live as f64);
    println!(
        "live {live} bytes, loaded {}",
        times(size_of(&wanted.folder))
    );
    println!("round  seconds  end  most  pinned  written");
    let watch = Watch {
        wanted,
        database: &database,
        keyspace: &keyspace,
        is_over: AtomicBool::new(false),
        bytes_max: AtomicU64::new(0),
        failure: Mutex::new(None),
    };
    let began = Instant::now();
    std::thread::scope(|scope| {
        let reader = scope.spawn(|| watch.run());
        let rounds = (1..=wanted.rounds).try_for_each(|round| {
            overwrite(wanted, &database, &keyspace, round)?;
            let most = watch.bytes_max.swap(0, Ordering::Relaxed);
            let engine = database.stats().engine;
            println!(
                "{round:5}  {:7.1}  {}  {}  {}  {}",
                began.elapsed().as_secs_f64(),
                times(size_of(&wanted.folder)),
                times(most),
                times(engine.pinned_bytes),
                times(engine.written_bytes),
            );
            Result::Ok(())
        });
        watch.is_over.store(true, Ordering::Relaxed);
        drop(reader.join());
        rounds
    })?;
    if let Ok(Some(failure)) = watch.failure.lock().map(|mut failure| failure.take()) {
        return Err(failure.into());
    }
    database.flush()?;
    let (settling, mut least) = (Instant::now(), u64::MAX);
    while settling.elapsed() < SETTLE && size_of(&wanted.folder) * 10 > live * 12 {
        least = least.min(size_of(&wanted.folder));
        std::thread::sleep(LOOK);
    }
    least = least.min(size_of(&wanted.folder));
    println!(
        "without readers, after {:.1} s: {}",
        settling.elapsed().as_secs_f64(),
        times(least)
    );
    database.compact()?;
    println!("compacted: {}", times(size_of(&wanted.folder)));
    let report = database.verify()?;
    if !report.is_sound() {
        return Err(format!("{:?}", report.findings).into());
    }
    Ok(())
}

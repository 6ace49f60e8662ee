//! How many crash points a minute the simulated disk gives: `cargo run --profile campaign --example crash_rate`, with
//! `log`, `subsets` or `engine` for one of the three alone.
//!
//! A log of small records, whose recovery is a scan, so that the disk itself is what costs: under all policies, and then
//! every subset of its pending sectors. And the merges of the model engine, whose recovery reads and checks a whole
//! state.

use std::io;
use std::path::PathBuf;

use drystone_base::{Env, File, OpenMode, checksum};
use drystone_testkit::laws::EngineLaws;
use drystone_testkit::{
    CRASH_FOLDER, Checked, CrashPoints, CrashReport, ModelEngine, Promises, Witness,
};

/// Runs of each workload, each with a seed of its own.
const ROUNDS: u64 = 20;
const RECORDS: u64 = 40;
const RECORD_BYTES: usize = 100;

fn main() {
    let only = std::env::args().nth(1);
    let wanted = |name: &str| only.as_deref().is_none_or(|only| only == name);
    if wanted("log") {
        println!("log: {}", rounds(log_points));
    }
    if wanted("subsets") {
        println!("subsets: {}", log_subsets(0));
    }
    if wanted("engine") {
        println!("engine: {}", rounds(engine_points));
    }
}

fn rounds(run: fn(u64) -> CrashReport) -> CrashReport {
    let mut total = CrashReport::default();
    for seed in 0..ROUNDS {
        add(&mut total, &run(seed));
    }
    total
}

fn engine_points(seed: u64) -> CrashReport {
    let laws = EngineLaws::new(ModelEngine::open).seed(seed);
    laws.merges_survive_power_cuts()
}

fn add(total: &mut CrashReport, report: &CrashReport) {
    total.operations += report.operations;
    total.points += report.points;
    total.nested_points += report.nested_points;
    total.elapsed += report.elapsed;
}

fn log_points(seed: u64) -> CrashReport {
    let points = CrashPoints::new("rate of a log").seed(seed);
    run(&points.draws(3).nested(3, 1), 2)
}

/// A sync after every 14 records alone: up to 14 sectors are pending.
fn log_subsets(seed: u64) -> CrashReport {
    let points = CrashPoints::new("rate of subsets").seed(seed);
    run(&points.policies(&[]).nested(0, 0).exhaustive(14), 14)
}

fn run(points: &CrashPoints, group: u64) -> CrashReport {
    let workload =
        |env: &Env, witness: &Witness| append(env, witness, group).expect("a disk without faults");
    points.run(workload, recover)
}

fn log_path() -> PathBuf {
    PathBuf::from(CRASH_FOLDER).join("log")
}

/// Appends records, with a sync after each group.
fn append(env: &Env, witness: &Witness, group: u64) -> io::Result<()> {
    let file = env.files.open(&log_path(), OpenMode::Create)?;
    env.files.sync_dir(CRASH_FOLDER.as_ref())?;
    for number in 1..=RECORDS {
        witness.begin(number);
        file.write_all_at(&record(number), offset_of(number))?;
        if number % group == 0 {
            file.sync()?;
            witness.acknowledge(number);
        }
    }
    Ok(())
}

fn offset_of(number: u64) -> u64 {
    (number - 1) * RECORD_BYTES as u64
}

fn record(number: u64) -> [u8; RECORD_BYTES] {
    let mut record = [0; RECORD_BYTES];
    record[8..16].copy_from_slice(&number.to_le_bytes());
    let crc = checksum::crc32c(&record[8..]);
    record[..4].copy_from_slice(&crc.to_le_bytes());
    record
}

fn last_number(file: &dyn File) -> io::Result<u64> {
    let mut number = 0;
    let mut found = [0; RECORD_BYTES];
    while file.read_at(&mut found, offset_of(number + 1))? == RECORD_BYTES
        && found == record(number + 1)
    {
        number += 1;
    }
    Ok(number)
}

fn recover(env: &Env, promises: &Promises<'_>) -> Checked {
    let found = match env.files.open(&log_path(), OpenMode::ReadWrite) {
        Ok(file) => {
            let found = last_number(&*file)?;
            file.set_len(offset_of(found + 1))?;
            file.sync()?;
            found
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => 0,
        Err(error) => return Err(error.into()),
    };
    if found < promises.last_acknowledged() || found > promises.last_begun() {
        return Err(format!("found {found}").into());
    }
    Ok(())
}

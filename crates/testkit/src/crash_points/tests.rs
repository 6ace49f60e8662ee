//! The runner finds what is lost or torn, in workloads and in recoveries, and replays it.

use std::io;
use std::path::PathBuf;

use drystone_base::{File, OpenMode, checksum};

use super::*;

/// A log of numbers: a record is a number and its checksum. `sync` is what the tests leave out.
fn append_numbers(env: &Env, witness: &Witness, syncs: bool) -> io::Result<()> {
    let file = env.files.open(&log(), OpenMode::Create)?;
    env.files.sync_dir(CRASH_FOLDER.as_ref())?;
    for number in 1..=12u64 {
        witness.begin(number);
        file.write_all_at(&record(number), (number - 1) * 12)?;
        if syncs {
            file.sync()?;
        }
        witness.acknowledge(number);
    }
    Ok(())
}

fn log() -> PathBuf {
    PathBuf::from(CRASH_FOLDER).join("log")
}

fn record(number: u64) -> [u8; 12] {
    let mut record = [0; 12];
    record[..8].copy_from_slice(&number.to_le_bytes());
    record[8..].copy_from_slice(&checksum::crc32c(&number.to_le_bytes()).to_le_bytes());
    record
}

fn last_number(file: &dyn File) -> io::Result<u64> {
    for number in 1.. {
        let mut found = [0; 12];
        let read = file.read_at(&mut found, (number - 1) * 12)?;
        if read < 12 || found != record(number) {
            return Ok(number - 1);
        }
    }
    unreachable!("a file ends")
}

fn recover(env: &Env, promises: &Promises<'_>) -> Checked {
    let found = match env.files.open(&log(), OpenMode::ReadWrite) {
        Ok(file) => {
            let found = last_number(&*file)?;
            file.set_len(found * 12)?;
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

#[test]
fn a_sound_log_passes_everywhere() {
    let points = CrashPoints::new("a sound log").draws(5).nested(3, 2);
    let report = points.run(
        |env, witness| append_numbers(env, witness, true).unwrap(),
        recover,
    );
    assert_eq!(report.operations, 2 + 24);
    assert!(report.nested_points > report.points / 2, "{report}");
}

#[test]
fn a_log_without_syncs_fails_and_its_point_replays() {
    let points = CrashPoints::new("a log without syncs");
    let workload = |env: &Env, witness: &Witness| append_numbers(env, witness, false).unwrap();
    let failure = points.try_run(workload, recover).unwrap_err();
    let point: CrashPoint = failure.point.to_string().parse().unwrap();
    assert_eq!(point, failure.point);
    let again = points.replay(&point, workload, recover).unwrap_err();
    assert_eq!(again.to_string(), failure.to_string());
    assert!(failure.history.contains("not synced"), "{failure}");
}

#[test]
fn a_recovery_that_is_not_safe_to_repeat_is_found() {
    let points = CrashPoints::new("a rash recovery").nested(1, 4);
    let workload = |env: &Env, witness: &Witness| append_numbers(env, witness, true).unwrap();
    let rash = |env: &Env, promises: &Promises<'_>| {
        recover(env, promises)?;
        // Moves the log aside and writes it again, without a copy that is safe meanwhile.
        if let Ok(file) = env.files.open(&log(), OpenMode::ReadWrite) {
            let count = last_number(&*file)?;
            file.set_len(0)?;
            file.sync()?;
            for number in 1..=count {
                file.write_all_at(&record(number), (number - 1) * 12)?;
            }
            file.sync()?;
        }
        Ok(())
    };
    let failure = points.try_run(workload, rash).unwrap_err();
    assert_eq!(failure.point.cuts.len(), 2);
    points.replay(&failure.point, workload, rash).unwrap_err();
}

#[test]
fn a_panic_in_a_check_is_a_failure_with_a_point() {
    let points = CrashPoints::new("a panicking check");
    let workload = |env: &Env, witness: &Witness| append_numbers(env, witness, true).unwrap();
    let failure = points
        .try_run(workload, |_, _| panic!("found {}", 7))
        .unwrap_err();
    assert_eq!(failure.what, "found 7");
}

#[test]
fn texts_that_are_no_points_are_refused() {
    for text in [
        "",
        "7",
        "7/",
        "x/1.LoseAll.0",
        "7/1.LoseAll",
        "7/1.None.0",
        "7/1.LoseAll.0.0",
    ] {
        assert!(text.parse::<CrashPoint>().is_err(), "{text}");
    }
}

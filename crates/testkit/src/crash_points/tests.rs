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

/// Two slots that are written in turn, the newer one counting; `syncs` between them is what makes it safe.
fn switch_slots(env: &Env, witness: &Witness, syncs: bool) -> io::Result<()> {
    let file = env.files.open(&log(), OpenMode::Create)?;
    env.files.sync_dir(CRASH_FOLDER.as_ref())?;
    for number in 1..=4u64 {
        witness.begin(number);
        file.write_all_at(&record(number), number % 2 * 512)?;
        if syncs || number % 2 == 0 {
            file.sync()?;
        }
        witness.acknowledge(number);
    }
    Ok(())
}

fn newest_slot(env: &Env, promises: &Promises<'_>) -> Checked {
    let mut newest = 0;
    if env.files.exists(&log())? {
        let file = env.files.open(&log(), OpenMode::Read)?;
        for slot in 0..2 {
            let mut found = [0; 12];
            let read = file.read_at(&mut found, slot * 512)?;
            let number = u64::from_le_bytes(found[..8].try_into()?);
            if read == 12 && found == record(number) {
                newest = newest.max(number);
            }
        }
    }
    if newest < promises.last_acknowledged() {
        return Err(format!("found {newest}").into());
    }
    Ok(())
}

#[test]
fn every_subset_is_tried_once_and_a_failing_one_replays() {
    let points = CrashPoints::new("slots").policies(&[]).exhaustive(14);
    let sound = |env: &Env, witness: &Witness| switch_slots(env, witness, true).unwrap();
    let report = points.try_run(sound, newest_slot).unwrap();
    // Nothing; a name with and without a synced folder; then each write, made and synced.
    assert_eq!(report.points, 1 + 1 + 1 + 4 * (1 + 1));
    let unsound = |env: &Env, witness: &Witness| switch_slots(env, witness, false).unwrap();
    let failure = points.try_run(unsound, newest_slot).unwrap_err();
    assert!(failure.point.to_string().contains("Subset14."), "{failure}");
    let point: CrashPoint = failure.point.to_string().parse().unwrap();
    let again = points.replay(&point, unsound, newest_slot).unwrap_err();
    assert_eq!(again.to_string(), failure.to_string());
}

#[test]
fn recoveries_are_cut_three_deep() {
    let points = CrashPoints::new("three deep").nested(3, 1);
    let deepest = std::cell::Cell::new(0);
    let times = PathBuf::from(CRASH_FOLDER).join("times");
    let count_recoveries = |env: &Env, _: &Promises<'_>| {
        let file = env.files.open(&times, OpenMode::Create)?;
        let count = file.len()? + 1;
        deepest.set(count.max(deepest.get()));
        file.set_len(count)?;
        file.sync()?;
        Ok(env.files.sync_dir(CRASH_FOLDER.as_ref())?)
    };
    let workload = |env: &Env, witness: &Witness| append_numbers(env, witness, true).unwrap();
    points.try_run(workload, count_recoveries).unwrap();
    assert_eq!(
        deepest.get(),
        4,
        "the first recovery, and three in which power was cut"
    );
}

#[test]
fn the_hash_of_a_recording_is_that_of_its_bytes() {
    let hash = |text: &[u8]| {
        let disk = SimFileSystem::with_folder(7, CRASH_FOLDER);
        disk.start_recording();
        let file = disk.env().files.open(&log(), OpenMode::Create).unwrap();
        file.write_all_at(text, 0).unwrap();
        disk.take_trace().unwrap().hash()
    };
    assert_eq!(hash(b"stone"), hash(b"stone"));
    assert_ne!(hash(b"stone"), hash(b"stonf"));
}

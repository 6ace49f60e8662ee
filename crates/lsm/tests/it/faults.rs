//! A storage that fails, and callers who do what they must not: nothing is lost, and what can go on does.

use std::io::ErrorKind;
use std::path::Path;
use std::sync::Arc;

use drystone_base::{KeyspaceId, Lsn};
use drystone_engine::{
    Budget, Changes, Engine, EngineError, MergeJob, Progress, SliceChanges, Snapshot, Staging,
};
use drystone_lsm::{Codec, Lsm, WriteBatch};
use drystone_testkit::{Fault, OpKind, SimFileSystem};

use crate::small;

const ROWS: KeyspaceId = KeyspaceId(1);
const FOLDER: &str = "/db/lsm";
const SLICE: Budget = Budget { bytes: 8 << 10 };

fn open() -> (SimFileSystem, Lsm) {
    let disk = SimFileSystem::with_folder(3, "/db");
    let lsm = Lsm::open(&disk.env(), Path::new(FOLDER), small()).unwrap();
    (disk, lsm)
}

fn batch(version: u8) -> WriteBatch {
    let mut batch = WriteBatch::new();
    (0..40u32).for_each(|n| batch.put(ROWS, n.to_be_bytes(), [version; 60]));
    batch
}

/// Runs in level 0, each over all keys.
fn fill(lsm: &Lsm, runs: u8) {
    for version in 1..=runs {
        lsm.write_batch(&batch(version)).unwrap();
    }
}

fn value(lsm: &Lsm, number: u32) -> Option<u8> {
    let value = lsm.newest().get(ROWS, &number.to_be_bytes()).unwrap();
    value.map(|value| value[0])
}

/// A damaged block stops compaction, not merges, until there are twice as many runs as make merges slow.
#[test]
fn merges_go_on_beside_a_compaction_that_fails() {
    let (disk, lsm) = open();
    fill(&lsm, 1);
    let sst = disk
        .files()
        .into_iter()
        .find(|path| path.to_string_lossy().ends_with(".sst"))
        .unwrap();
    disk.flip_bit(&sst, 300, 1).unwrap();
    let mut written = 1;
    let refused = loop {
        match lsm.write_batch(&batch(written + 1)) {
            Ok(_) => written += 1,
            Err(error) => break error,
        }
        assert!(written < 30, "damage is reported in the end");
    };
    assert!(matches!(refused, EngineError::Corrupt { .. }), "{refused}");
    assert!(usize::from(written) >= small().level0_runs_slow * 2);
    let reported = (0..30).find_map(|_| lsm.step(SLICE).err());
    assert!(matches!(reported, Some(EngineError::Corrupt { path, .. }) if path == sst));
    assert_eq!(value(&lsm, 3), Some(written));
}

struct Ended;

impl Changes for Ended {
    fn dropped(&self) -> &[KeyspaceId] {
        &[]
    }

    fn next_change(&mut self) -> Result<Option<drystone_engine::Change<'_>>, EngineError> {
        Ok(None)
    }
}

fn begun(lsm: &Arc<Lsm>, upto: u64) -> Box<dyn MergeJob> {
    let mut job = Arc::clone(lsm)
        .begin_merge(Box::new(Ended), Lsn(upto))
        .unwrap();
    assert_eq!(job.step(SLICE).unwrap(), Progress::More);
    job
}

#[test]
fn a_merge_that_another_has_overtaken_is_refused() {
    let (_disk, lsm) = open();
    let lsm = Arc::new(lsm);
    let is_busy = |result: Result<Progress, EngineError>| matches!(result, Err(EngineError::Io { source, .. }) if source.kind() == ErrorKind::ResourceBusy);
    let mut overtaken = begun(&lsm, 9);
    fill(&lsm, 1);
    assert!(is_busy(overtaken.step(SLICE)));
    let mut overtaken = begun(&lsm, 9);
    let stage = lsm.stage(&mut Ended).unwrap();
    lsm.adopt(stage).unwrap();
    assert!(is_busy(overtaken.step(SLICE)));
    assert_eq!(lsm.merged_lsn(), Lsn(1));
    // A compaction between, or a codec, is no other state.
    let mut merge = begun(&lsm, 9);
    lsm.set_codec(KeyspaceId(5), Codec::Lz4).unwrap();
    while lsm.compact(SLICE).unwrap() == Progress::More {}
    assert_eq!(merge.step(SLICE).unwrap(), Progress::Idle);
    assert_eq!(lsm.merged_lsn(), Lsn(9));
    assert_eq!(lsm.newest().codec(KeyspaceId(5)), Some(Codec::Lz4));
}

#[test]
fn a_state_without_a_next_one_is_refused() {
    let (_disk, lsm) = open();
    for upto in [u64::MAX, 1 << 62] {
        let refused = lsm.merge(&mut SliceChanges::new(&[], &[]), Lsn(upto));
        assert!(matches!(refused, Err(EngineError::Io { .. })));
    }
    lsm.merge(&mut SliceChanges::new(&[], &[]), Lsn((1 << 62) - 1))
        .unwrap();
    assert!(lsm.write_batch(&batch(1)).is_err());
}

/// After a failed sync of the manifest no attempt writes anything.
#[test]
fn attempts_after_a_failure_write_nothing() {
    let (disk, lsm) = open();
    fill(&lsm, 2);
    let manifest = disk
        .files()
        .into_iter()
        .find(|path| path.to_string_lossy().ends_with(".a"))
        .unwrap();
    disk.inject(Fault::error(OpKind::Sync, ErrorKind::Other).under(manifest));
    let failed = lsm.write_batch(&batch(7));
    assert!(matches!(failed, Err(EngineError::Failed { .. })));
    let (written, files) = (lsm.stats().written_bytes, disk.files().len());
    for _ in 0..3 {
        let poisoned = |result: Result<(), EngineError>| {
            assert!(matches!(result, Err(EngineError::Poisoned { .. })));
        };
        poisoned(lsm.write_batch(&batch(8)).map(drop));
        poisoned(lsm.stage(&mut Ended).map(drop));
        poisoned(lsm.compact(SLICE).map(drop));
    }
    assert_eq!(
        (lsm.stats().written_bytes, disk.files().len()),
        (written, files)
    );
    assert_eq!(value(&lsm, 3), Some(2));
    drop(lsm);
    let lsm = Lsm::open(&disk.env(), Path::new(FOLDER), small()).unwrap();
    assert!([Some(2), Some(7)].contains(&value(&lsm, 3)));
    assert!(lsm.verify().unwrap().findings.is_empty());
}

#[test]
fn a_file_that_cannot_be_removed_does_not_stop_compaction() {
    let (disk, lsm) = open();
    fill(&lsm, 3);
    while lsm.step(SLICE).unwrap() == Progress::More {}
    fill(&lsm, 3);
    disk.inject(Fault::error(OpKind::Remove, ErrorKind::PermissionDenied).for_ever());
    let mut errors = 0;
    for _ in 0..20 {
        errors += u32::from(lsm.compact(SLICE).is_err());
    }
    assert!(errors > 0, "the error is reported");
    assert_eq!(lsm.stats_by_level()[0].runs, 0);
    assert!(lsm.stats().pinned_bytes > 0);
    disk.clear_faults();
    while lsm.compact(SLICE).unwrap() == Progress::More {}
    assert_eq!(lsm.stats().pinned_bytes, 0);
}

#[test]
fn reclaiming_that_failed_is_tried_again() {
    let (disk, lsm) = open();
    fill(&lsm, 2);
    let ssts: Vec<_> = disk
        .files()
        .into_iter()
        .filter(|path| path.to_string_lossy().ends_with(".sst"))
        .collect();
    assert!(!ssts.is_empty());
    disk.inject(Fault::error(OpKind::Read, ErrorKind::Other));
    assert!(lsm.reclaim(SLICE).is_err());
    while lsm.reclaim(SLICE).unwrap() == Progress::More {}
    let levels = lsm.stats_by_level();
    assert_eq!((levels[0].runs, levels[6].entries), (0, 40));
    assert_eq!(lsm.reclaim(SLICE).unwrap(), Progress::Idle);
}

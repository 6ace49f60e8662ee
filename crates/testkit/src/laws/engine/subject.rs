//! An engine under test, beside the model of what it must hold.

use std::error::Error;
use std::ops::Bound;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use drystone_base::{Env, KeyspaceId, Lsn};
use drystone_engine::{
    Budget, Cursor, Engine, EngineError, MergeJob, Progress, SliceChanges, Snapshot,
};

use super::{EngineLaws, OpenEngine};
use crate::crash_points::CRASH_FOLDER;
use crate::model::{Batch, Generator, Model, compare};
use crate::sim::{CrashPolicy, SimFileSystem};

/// Distance between the LSNs of merges: a merge covers many commits.
pub(super) const LSN_STEP: u64 = 10;

/// The most slices of background work that one merge may leave behind.
const STEPS_MAX: usize = 10_000;

/// Where the engine's files are.
pub(super) fn folder() -> PathBuf {
    Path::new(CRASH_FOLDER).join("engine")
}

/// An engine on a simulated disk, and its model.
pub(super) struct Subject {
    open: Arc<OpenEngine>,
    pub(super) disk: SimFileSystem,
    pub(super) engine: Arc<dyn Engine>,
    pub(super) model: Model,
    pub(super) generator: Generator,
}

impl Subject {
    pub(super) fn new(laws: &EngineLaws) -> Subject {
        let disk = SimFileSystem::with_folder(laws.seed, CRASH_FOLDER);
        Subject {
            engine: ok("open a new engine", (laws.open)(&disk.env(), &folder())),
            open: Arc::clone(&laws.open),
            disk,
            model: Model::new(),
            generator: Generator::new(laws.seed, laws.shape),
        }
    }

    pub(super) fn next_lsn(&self) -> Lsn {
        Lsn(self.model.last().0 + LSN_STEP)
    }

    /// Merges a batch, which must succeed, and does the background work.
    pub(super) fn merge(&mut self, batch: &Batch) {
        let upto = self.next_lsn();
        ok("merge", merge(&*self.engine, batch, upto));
        self.model.commit(upto, batch);
        settle(&*self.engine);
    }

    pub(super) fn merge_next(&mut self) {
        let batch = self.generator.batch();
        self.merge(&batch);
    }

    pub(super) fn check(&self) {
        check_snapshot(&*self.engine.snapshot(), &self.model, self.model.last());
    }

    /// Cuts power and opens the engine on what is left.
    pub(super) fn crash(&mut self, policy: CrashPolicy) {
        self.disk.cut_power();
        self.disk = self.disk.crash(policy);
        self.engine = ok(
            "open after a crash",
            (self.open)(&self.disk.env(), &folder()),
        );
    }

    /// Closes the engine and opens it again on the same disk.
    pub(super) fn reopen(&mut self) {
        let nothing = SimFileSystem::with_folder(0, CRASH_FOLDER);
        self.engine = ok("open a new engine", (self.open)(&nothing.env(), &folder()));
        self.engine = ok("reopen", (self.open)(&self.disk.env(), &folder()));
    }
}

/// Merges a batch.
pub(super) fn merge(engine: &dyn Engine, batch: &Batch, upto: Lsn) -> Result<(), EngineError> {
    let changes = batch.changes();
    engine.merge(&mut SliceChanges::new(&batch.dropped, &changes), upto)
}

/// Begins a merge of a batch in slices.
pub(super) fn begin_merge(engine: &Arc<dyn Engine>, batch: &Batch, upto: Lsn) -> Box<dyn MergeJob> {
    let begun = Arc::clone(engine).begin_merge(Box::new(batch.stream()), upto);
    ok("begin a merge", begun)
}

/// Merges a batch in slices of about `budget` bytes.
pub(super) fn merge_in_slices(
    engine: &Arc<dyn Engine>,
    batch: &Batch,
    upto: Lsn,
    budget: u64,
) -> Result<(), EngineError> {
    let mut job = Arc::clone(engine).begin_merge(Box::new(batch.stream()), upto)?;
    for _ in 0..STEPS_MAX {
        if job.step(Budget { bytes: budget })? == Progress::Idle {
            return Ok(());
        }
    }
    panic!("a merge ends: {STEPS_MAX} slices were not enough");
}

/// Does all background work.
pub(super) fn settle(engine: &dyn Engine) {
    for _ in 0..STEPS_MAX {
        if ok("step", engine.step(Budget { bytes: 1 << 16 })) == Progress::Idle {
            return;
        }
    }
    panic!("background work ends: {STEPS_MAX} steps were not enough");
}

/// The value of a call that must succeed.
pub(super) fn ok<T, E: Error>(what: &str, result: Result<T, E>) -> T {
    result.unwrap_or_else(|error| panic!("{what}: {}", chain(&error)))
}

/// An error and its causes, on one line.
pub(super) fn chain(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}

/// A number that no history gives to a keyspace.
pub(super) const NO_KEYSPACE: KeyspaceId = KeyspaceId(1_000_000);

/// A snapshot is the model's state `at`: names, counts, every entry by cursor both ways, and by key.
pub(super) fn check_snapshot(snapshot: &dyn Snapshot, model: &Model, at: Lsn) {
    assert_eq!(snapshot.lsn(), at, "the state of the snapshot");
    let keyspaces = ok("keyspaces", snapshot.keyspaces());
    assert_eq!(keyspaces, model.keyspaces(at), "keyspaces at {at}");
    for keyspace in model
        .keyspaces(model.last())
        .into_iter()
        .chain([NO_KEYSPACE])
    {
        check_keyspace(snapshot, model, at, keyspace);
    }
}

/// One keyspace of a snapshot is as in the model's state `at`.
pub(super) fn check_keyspace(
    snapshot: &dyn Snapshot,
    model: &Model,
    at: Lsn,
    keyspace: KeyspaceId,
) {
    let expected = model.entries(at, keyspace);
    let found = ok("scan", scan(snapshot, keyspace));
    compare(&expected, &found)
        .unwrap_or_else(|error| panic!("{keyspace} at {at}, forwards: {error}"));
    let mut found = ok("scan back", scan_back(snapshot, keyspace));
    found.reverse();
    compare(&expected, &found)
        .unwrap_or_else(|error| panic!("{keyspace} at {at}, backwards: {error}"));
    let count = ok("count", snapshot.count(keyspace));
    assert_eq!(count, expected.len() as u64, "count of {keyspace} at {at}");
    check_counts(snapshot, &expected, keyspace);
    for key in model.known_keys(keyspace) {
        let found = ok("get", snapshot.get(keyspace, &key));
        check_shown(snapshot, keyspace, &key, found.as_ref());
        let expected = model.get(at, keyspace, &key);
        assert!(
            found.as_ref() == expected,
            "{keyspace} at {at}: get of {} is {:?}, expected {:?}",
            crate::model::show(&key),
            found.map(crate::model::show),
            expected.map(crate::model::show),
        );
    }
}

/// Counts of ranges between some of the keys, and between keys that are not there.
fn check_counts(snapshot: &dyn Snapshot, expected: &[Entry], keyspace: KeyspaceId) {
    let step = expected.len() / 5 + 1;
    let keys = expected.iter().step_by(step).map(|(key, _)| key.to_vec());
    let beside = keys.clone().map(|mut key| {
        key.push(0);
        key
    });
    let keys: Vec<_> = keys
        .chain(beside)
        .chain([Vec::new(), vec![0xFF; 9]])
        .collect();
    for (idx, start) in keys.iter().enumerate() {
        let end = &keys[(idx * 3 + 1) % keys.len()];
        let pairs = [
            (Bound::Included(&start[..]), Bound::Excluded(&end[..])),
            (Bound::Excluded(&start[..]), Bound::Included(&end[..])),
            (Bound::Included(&start[..]), Bound::Included(&end[..])),
            (Bound::Unbounded, Bound::Included(&end[..])),
            (Bound::Excluded(&start[..]), Bound::Unbounded),
        ];
        for (start, end) in pairs {
            let is_within = |key: &[u8]| {
                let above = match start {
                    Bound::Included(start) => key >= start,
                    Bound::Excluded(start) => key > start,
                    Bound::Unbounded => true,
                };
                let below = match end {
                    Bound::Included(end) => key <= end,
                    Bound::Excluded(end) => key < end,
                    Bound::Unbounded => true,
                };
                above && below
            };
            let among = expected.iter().filter(|(key, _)| is_within(key)).count() as u64;
            let found = ok(
                "count of a range",
                snapshot.count_range(keyspace, start, end),
            );
            assert_eq!(
                found, among,
                "count of {keyspace} from {start:?} to {end:?}"
            );
        }
    }
}

pub(super) type Entry = (Bytes, Bytes);

pub(super) fn scan(
    snapshot: &dyn Snapshot,
    keyspace: KeyspaceId,
) -> Result<Vec<Entry>, EngineError> {
    let mut cursor = snapshot.cursor(keyspace)?;
    let mut entries = Vec::new();
    let mut on = cursor.first()?;
    while on {
        entries.push(entry(&*cursor)?);
        on = cursor.next()?;
    }
    Ok(entries)
}

pub(super) fn scan_back(
    snapshot: &dyn Snapshot,
    keyspace: KeyspaceId,
) -> Result<Vec<Entry>, EngineError> {
    let mut cursor = snapshot.cursor(keyspace)?;
    let mut entries = Vec::new();
    let mut on = cursor.last()?;
    while on {
        entries.push(entry(&*cursor)?);
        on = cursor.prev()?;
    }
    Ok(entries)
}

/// What is shown of a value is the value.
fn check_shown(snapshot: &dyn Snapshot, keyspace: KeyspaceId, key: &[u8], value: Option<&Bytes>) {
    let mut seen = None;
    let mut read = |value: &[u8]| seen = Some(Bytes::copy_from_slice(value));
    let is_there = ok("get_with", snapshot.get_with(keyspace, key, &mut read));
    assert_eq!(
        is_there,
        value.is_some(),
        "whether {} is there",
        crate::model::show(key)
    );
    assert!(
        seen.as_ref() == value,
        "what is shown of {}",
        crate::model::show(key)
    );
}

pub(super) fn entry(cursor: &dyn Cursor) -> Result<Entry, EngineError> {
    let value = cursor.value()?;
    if let Some(lent) = cursor.value_ref() {
        assert_eq!(lent, value, "the value that is lent is the value");
    }
    Ok((Bytes::copy_from_slice(cursor.key()), value))
}

/// The engine verifies clean, and `verify` saw every entry.
pub(super) fn check_verify(engine: &dyn Engine, model: &Model) {
    let report = ok("verify", engine.verify());
    if let Some(finding) = report.findings.first() {
        panic!("a sound engine verifies clean: {}", chain(finding));
    }
    let entries = model.state_at(model.last()).len() as u64;
    assert_eq!(report.entries, entries, "entries that verify saw");
}

/// Opens an engine on files that a crash left.
pub(super) fn open_on(laws: &EngineLaws, env: &Env) -> Result<Arc<dyn Engine>, EngineError> {
    (laws.open)(env, &folder())
}

/// Reads a state whole, by cursor and by key, where damage may stand in the way.
///
/// # Errors
/// Outside: what is wrong with what was read. Inside: the first read that failed, when all others were right.
pub(super) fn compare_state(
    snapshot: &dyn Snapshot,
    model: &Model,
    at: Lsn,
) -> Result<Result<(), EngineError>, String> {
    let mut failed = Ok(());
    for keyspace in model.keyspaces(at) {
        match scan(snapshot, keyspace) {
            Ok(found) => compare(&model.entries(at, keyspace), &found)
                .map_err(|error| format!("{keyspace}: {error}"))?,
            Err(error) => failed = Err(error),
        }
        for key in model.known_keys(keyspace) {
            match snapshot.get(keyspace, &key) {
                Ok(found) if found.as_ref() == model.get(at, keyspace, &key) => {}
                Ok(_) => {
                    return Err(format!(
                        "{keyspace}: wrong value of {}",
                        crate::model::show(&key)
                    ));
                }
                Err(error) => failed = Err(error),
            }
        }
    }
    match snapshot.keyspaces() {
        Ok(found) if found == model.keyspaces(at) => {}
        Ok(found) => return Err(format!("wrong keyspaces: {found:?}")),
        Err(error) => failed = Err(error),
    }
    Ok(failed)
}

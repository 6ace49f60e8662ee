//! Opening a log, and what it may hold then.

use std::path::Path;
use std::sync::Arc;

use drystone::{Lsn, Recovery};
use drystone_base::{FileSystem, OpenMode};
use drystone_testkit::SimFileSystem;
use drystone_wal::{FolderArchive, Log, LogOptions, Record, WalError};

use super::{FOLDER, LogRun, Open, in_full};
use crate::failure::FailureKind;
use crate::options::ARCHIVE;
use crate::run::Stop;

impl LogRun<'_> {
    /// Opens the log where it is not open; whether it is. It is not where the power went.
    pub(super) fn is_open(&mut self) -> Result<bool, Stop> {
        if self.open.is_some() || self.disk.is_off() {
            return Ok(self.open.is_some());
        }
        let mut opened = self.open_log();
        if opened.is_err() && self.may_fail && !self.disk.is_off() {
            self.disk.calm();
            self.may_fail = false;
            opened = self.open_log();
        }
        let log = match opened {
            Ok(log) => log,
            Err(_) if self.disk.is_off() => return Ok(false),
            Err(error) => {
                let what = format!("open: {}", in_full(&error));
                return Err(Stop::broken(FailureKind::UnexpectedError, what));
            }
        };
        match self.identify(&log) {
            Err(_) if self.disk.is_off() => return Ok(false),
            identified => identified?,
        }
        self.open = Some(Open {
            tails: Default::default(),
            holds: Default::default(),
            log,
        });
        Ok(true)
    }

    pub(super) fn options(&self) -> LogOptions {
        LogOptions {
            segment_bytes: u64::from(self.plan.options.segment_bytes),
            ..LogOptions::default()
        }
    }

    pub(super) fn open_log(&self) -> Result<Log, WalError> {
        let env = self.disk.env();
        let log = open(&self.disk, self.options(), self.trimmed)?;
        if self.plan.options.archives {
            let archive = FolderArchive::new(&env, Path::new(ARCHIVE));
            log.set_archive(Arc::new(archive.map_err(|source| WalError::Io {
                op: "create",
                path: ARCHIVE.into(),
                offset: 0,
                source,
            })?));
        }
        Ok(log)
    }

    /// L1, L2.
    fn identify(&mut self, log: &Log) -> Result<(), Stop> {
        let found = log.appended_lsn().0;
        let lowest = self.durable.max(self.given);
        let highest = self.newest() + u64::from(self.maybe.is_some());
        if found < lowest || found > highest {
            return Err(Stop::broken(
                FailureKind::LostCommit,
                format!("opened with {found} records; expected {lowest} to {highest}"),
            ));
        }
        if found > self.newest() {
            self.appended.extend(self.maybe.take());
        }
        self.maybe = None;
        self.appended
            .truncate(usize::try_from(found).unwrap_or(usize::MAX));
        self.waiting.clear();
        self.durable = found;
        if log.durable_lsn() != Lsn(found) {
            return Err(Stop::wrong(format!(
                "{} of {found} records are durable after an opening",
                log.durable_lsn()
            )));
        }
        let oldest = log.oldest_lsn();
        if oldest.0 > self.trimmed + 1 {
            return Err(Stop::broken(
                FailureKind::LostCommit,
                format!(
                    "begins at {oldest}; what follows {} is needed",
                    self.trimmed
                ),
            ));
        }
        let mut read = records_from(log, oldest);
        if read.is_err() && self.may_fail && !self.disk.is_off() {
            self.disk.calm();
            self.may_fail = false;
            read = records_from(log, oldest);
        }
        let read = read.map_err(|error| Stop::wrong(format!("reading: {}", in_full(&error))))?;
        self.check_records(oldest, &read)?;
        if self.plan.options.archives {
            self.check_archive()?;
        }
        Ok(())
    }

    /// Whether these are the records from `first` to the last.
    fn check_records(&self, first: Lsn, records: &[Record]) -> Result<(), Stop> {
        let expected = (first.0..=self.newest()).count();
        if records.len() != expected {
            let what = format!(
                "{} records from {first} on instead of {expected}",
                records.len()
            );
            return Err(Stop::broken(FailureKind::LostCommit, what));
        }
        records
            .iter()
            .zip(first.0..)
            .try_for_each(|(record, number)| self.check_record(record, number))
    }

    /// Whether a record is the one of this number.
    pub(super) fn check_record(&self, record: &Record, number: u64) -> Result<(), Stop> {
        let index = usize::try_from(number).unwrap_or(0).checked_sub(1);
        let expected = index.and_then(|index| self.appended.get(index));
        if record.lsn.0 == number && expected == Some(&record.payload) {
            return Ok(());
        }
        Err(Stop::wrong(format!(
            "record {number} is {}, of {} bytes, and should have {:?}",
            record.lsn,
            record.payload.len(),
            expected.map(bytes::Bytes::len)
        )))
    }

    /// L4.
    fn check_archive(&mut self) -> Result<(), Stop> {
        let disk = SimFileSystem::with_folder(self.plan.seed, FOLDER);
        disk.create_dir_all(&folder()).map_err(unwritten)?;
        for from in [Path::new(ARCHIVE), &folder()] {
            for file in self.disk.files() {
                let is_segment = file.extension().is_some_and(|suffix| suffix == "log");
                if !is_segment || file.parent() != Some(from) {
                    continue;
                }
                let bytes = self.disk.image(&file).map_err(unwritten)?.to_vec();
                let name = folder().join(file.file_name().unwrap_or_default());
                let copy = disk.open(&name, OpenMode::Create).map_err(unwritten)?;
                copy.set_len(0).map_err(unwritten)?;
                copy.write_all_at(&bytes, 0).map_err(unwritten)?;
            }
        }
        let all = open(&disk, self.options(), 0).and_then(|log| records_from(&log, Lsn(1)));
        let all = all.map_err(|error| {
            let what = format!(
                "archive and log do not hold every record: {}",
                in_full(&error)
            );
            Stop::broken(FailureKind::LostCommit, what)
        })?;
        self.coverage.count("archive: complete");
        self.check_records(Lsn(1), &all)
    }
}

/// The folder of the log.
pub(super) fn folder() -> std::path::PathBuf {
    Path::new(FOLDER).join("log")
}

pub(super) fn open(disk: &SimFileSystem, options: LogOptions, floor: u64) -> Result<Log, WalError> {
    Log::open(&disk.env(), &folder(), options, Lsn(floor))
}

/// As [`open`], whatever is damaged.
pub(super) fn repair(
    disk: &SimFileSystem,
    options: LogOptions,
    floor: u64,
) -> Result<Log, WalError> {
    let recovery = Recovery::Repair;
    open(
        disk,
        LogOptions {
            recovery,
            ..options
        },
        floor,
    )
}

pub(super) fn records_from(log: &Log, first: Lsn) -> Result<Vec<Record>, WalError> {
    log.read_from(first).collect()
}

fn unwritten(error: std::io::Error) -> Stop {
    Stop::wrong(format!("a disk without faults failed: {error}"))
}

//! The archive of the log: with what is left of the log, it holds every commit there ever was, in order.
//!
//! So a database that was only just created, and is given both as its log, must come to the state that was found.

use std::path::{Path, PathBuf};

use drystone::{Database, Lsn, Options};
use drystone_base::{FileSystem, OpenMode};
use drystone_testkit::{CrashPolicy, SimFileSystem};
use drystone_wal::{Log, LogOptions, Record, WalError};

use super::judge::Stop;
use super::observe::{Unseen, difference, observe};
use super::{FOLDER, Run};
use crate::failure::FailureKind;
use crate::options::ARCHIVE;
use crate::oracle::State;

/// How the record of a commit begins that is not in the log, but in the engine: `docs/format/commit.md`, version 2.
const ADOPTS: u8 = 2;

impl Run<'_> {
    /// Holds archive and log against the state that was found, right after it was opened.
    pub(super) fn check_archive(&mut self, db: &Database, found: &State) -> Result<(), Stop> {
        if !self.plan.options.archives || self.is_media_broken() || self.disk.is_off() {
            return Ok(());
        }
        let restored = self.restored()?;
        let records = records_of(&restored).map_err(|error| broken(&error.to_string()))?;
        let newest = db.stats().visible_lsn;
        if records.last().map_or(Lsn::ZERO, |record| record.lsn) != newest {
            return Err(broken(&format!(
                "they end with {:?}; the database shows {newest}",
                records.last().map(|record| record.lsn)
            )));
        }
        self.coverage.count("archive: complete");
        if records
            .iter()
            .any(|record| record.payload.first() == Some(&ADOPTS))
        {
            return Ok(());
        }
        self.coverage.count("archive: restored");
        let db = Database::open_in(&restored.env(), FOLDER, self.options_of_restored());
        let db = db.map_err(|error| broken(&error.report()))?;
        match observe(&db) {
            Ok(shown) if shown == *found => Ok(()),
            Ok(shown) => Err(broken(&difference(found, &shown))),
            Err(Unseen::Error(error)) => Err(broken(&error.report())),
            Err(Unseen::Nonsense(what)) => Err(broken(&what)),
        }
    }

    /// A database of which nothing is merged, and which archives nothing.
    fn options_of_restored(&self) -> Options {
        Options {
            log_archive: None,
            memtable_bytes: 64 << 20,
            ..self.plan.options.database()
        }
    }

    /// A new database on a disk of its own, its log being the archive and what is left of the log.
    fn restored(&self) -> Result<SimFileSystem, Stop> {
        let disk = SimFileSystem::with_folder(self.plan.seed, FOLDER);
        let new = Database::open_in(&disk.env(), FOLDER, self.options_of_restored());
        let new = new.map_err(|error| Stop::unexpected("a new database", &error))?;
        disk.cut_power();
        drop(new);
        let disk = disk.crash(CrashPolicy::KeepAll);
        let log = Path::new(FOLDER).join("log");
        for file in segments(&disk, &log) {
            disk.remove_file(&file).map_err(unwritten)?;
        }
        for folder in [Path::new(ARCHIVE), &log] {
            for file in segments(&self.disk, folder) {
                let image = self.disk.image(&file).map_err(unwritten)?;
                let name = file.file_name().unwrap_or_default();
                let copy = disk.open(&log.join(name), OpenMode::Create);
                let copied = copy.and_then(|copy| {
                    copy.set_len(0)?;
                    copy.write_all_at(&image.to_vec(), 0)
                });
                copied.map_err(unwritten)?;
            }
        }
        disk.settle();
        Ok(disk)
    }
}

fn segments(disk: &SimFileSystem, folder: &Path) -> Vec<PathBuf> {
    let is_one = |path: &PathBuf| {
        path.parent() == Some(folder) && path.extension().is_some_and(|suffix| suffix == "log")
    };
    disk.files().into_iter().filter(is_one).collect()
}

/// All records of the log of a disk, from the first there ever was on.
fn records_of(disk: &SimFileSystem) -> Result<Vec<Record>, WalError> {
    let copy = disk.fork();
    let log = Path::new(FOLDER).join("log");
    let log = Log::open(&copy.env(), &log, LogOptions::default(), Lsn::ZERO)?;
    log.read_from(Lsn(1)).collect()
}

fn broken(what: &str) -> Stop {
    Stop::broken(
        FailureKind::LostCommit,
        format!("archive and log do not hold every commit: {what}"),
    )
}

fn unwritten(error: std::io::Error) -> Stop {
    Stop::wrong(format!("a disk without faults failed: {error}"))
}

//! The course of one point.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use drystone::{Error, ErrorKind, Options, Value};
use drystone_testkit::Draw;

use crate::check;
use crate::full_disk::Report;
use crate::full_disk::ballast::Ballast;
use crate::parts::Parts;
use crate::workload::Workload;

/// Commits before the disk is full, at most.
const COMMITS_BEFORE_MAX: u64 = 80;
/// What is tried while it is full, at most.
const TRIES: u64 = 150;
/// Failures after which nothing new is to be learned.
const FAILURES_MAX: u64 = 8;
/// Commits after it was full.
const COMMITS_AFTER: u64 = 20;
/// Rows of one import.
const ROWS_MAX: u64 = 2_000;
/// The binary logarithm of the most room that is left, in bytes.
const ROOM_BITS_MAX: u64 = 19;
/// The most files that there is a place left for.
const FILES_LEFT_MAX: u64 = 8;
/// What the draws here are for.
const FOR_POINT: u64 = 5;

const IMPORTS: &str =
    "CREATE TABLE IF NOT EXISTS imports (import BIGINT NOT NULL, row BIGINT NOT NULL, text TEXT)";

/// One point, and what must be true at it.
#[derive(Debug)]
pub(super) struct Point {
    folder: PathBuf,
    options: Options,
    workload: Workload,
    draw: Draw,
    report: Report,
    /// The last commit of each writer that was acknowledged.
    acknowledged: Vec<u64>,
    /// The rows of each import that was acknowledged.
    imports: Vec<u64>,
}

impl Point {
    pub(super) fn new(folder: &Path, options: Options, workload: Workload, life: u64) -> Point {
        Point {
            folder: folder.to_owned(),
            options,
            workload,
            draw: workload.draw(&[FOR_POINT, life]),
            report: Report::default(),
            acknowledged: workload.writers().map(|_| 0).collect(),
            imports: Vec::new(),
        }
    }

    pub(super) fn run(mut self) -> anyhow::Result<Report> {
        if self.draw.chance(10) {
            self.create_on_a_full_disk()?;
        }
        let parts = self.open().context("with room, it does not open")?;
        for _ in 0..self.draw.below(COMMITS_BEFORE_MAX) {
            self.commit(&parts).context("with room, a commit fails")?;
        }
        let ballast = self.fill()?;
        self.meet_the_full_disk(&parts)?;
        self.check(&parts).context("on the full disk")?;
        let parts = match self.draw.chance(30) {
            true => self.reopen_on_a_full_disk(parts)?,
            false => Some(parts),
        };
        ballast.remove()?;
        let parts = match parts {
            Some(parts) => parts,
            None => self.open().context("with room again, it does not open")?,
        };
        self.go_on(&parts)
            .context("after there was room again, without a reopen")?;
        close(parts)?;
        let parts = self.open().context("at the end, it does not open")?;
        self.go_on(&parts).context("after the last reopen")?;
        close(parts)?;
        Ok(self.report)
    }

    /// Takes all room but some bytes: none, or up to half a MiB, small amounts as often as large ones. Or all places for
    /// files but a few.
    fn fill(&mut self) -> anyhow::Result<Ballast> {
        if self.draw.chance(20) {
            let files = self.draw.below(FILES_LEFT_MAX);
            return Ballast::of_files(&self.folder, files).context("no files can be made");
        }
        let bits = self.draw.below(ROOM_BITS_MAX + 1);
        let room = self.draw.below(1 << bits);
        Ballast::of_blocks(&self.folder, room).context("the disk cannot be filled")
    }

    /// Nothing was there when the disk was filled. It opens, or says why not; and what it leaves stands in nobody's way.
    fn create_on_a_full_disk(&mut self) -> anyhow::Result<()> {
        let ballast = self.fill()?;
        match self.open() {
            Ok(parts) => {
                self.meet_the_full_disk(&parts)?;
                self.check(&parts).context("created on the full disk")?;
            }
            Err(error) => self.expect_full("create", &error)?,
        }
        Ok(ballast.remove()?)
    }

    /// `None` where that takes more room than there is.
    fn reopen_on_a_full_disk(&mut self, parts: Parts) -> anyhow::Result<Option<Parts>> {
        close(parts).context("on the full disk")?;
        match self.open() {
            Ok(parts) => {
                self.check(&parts).context("reopened on the full disk")?;
                Ok(Some(parts))
            }
            Err(error) => {
                self.expect_full("reopen", &error)?;
                Ok(None)
            }
        }
    }

    fn open(&self) -> drystone::Result<Parts> {
        let parts = Parts::open(&self.folder.join("db"), self.options.clone())?;
        parts.db.execute(IMPORTS, &[])?;
        Ok(parts)
    }

    /// Works until nothing is left to be learned.
    fn meet_the_full_disk(&mut self, parts: &Parts) -> anyhow::Result<()> {
        let mut failures = 0;
        for _ in 0..TRIES {
            let tried = match self.draw.below(40) {
                0 => parts.db.flush(),
                1 => self.import(parts),
                _ => self.commit(parts),
            };
            if let Err(error) = tried {
                self.expect_full("write", &error)?;
                let found = check::numbers(parts, &self.workload)?;
                ensure!(
                    found == self.acknowledged,
                    "INVENTED: a failed commit is seen"
                );
                failures += 1;
            }
            if failures == FAILURES_MAX {
                break;
            }
        }
        Ok(())
    }

    /// The next commit of one of the writers.
    fn commit(&mut self, parts: &Parts) -> drystone::Result<()> {
        let writer = self.draw.below(self.acknowledged.len() as u64);
        let acknowledged = self
            .acknowledged
            .iter_mut()
            .zip(0u64..)
            .find(|(_, other)| *other == writer);
        let (acknowledged, _) = acknowledged.expect("drawn from as many as there are");
        let number = *acknowledged + 1;
        self.workload.commit(parts, writer, number)?;
        *acknowledged = number;
        Ok(())
    }

    /// Rows of one import, in one transaction.
    fn import(&mut self, parts: &Parts) -> drystone::Result<()> {
        let (import, count) = (self.imports.len() as u64, self.draw.below(ROWS_MAX));
        let number = |number: u64| Value::from(i64::try_from(number).unwrap_or(i64::MAX));
        let rows = (0..count).map(|row| {
            let text = format!("row {row} of import {import}: {}", "stone ".repeat(20));
            vec![number(import), number(row), Value::from(text)]
        });
        parts
            .db
            .bulk_insert("imports", &["import", "row", "text"], rows)?;
        self.imports.push(count);
        Ok(())
    }

    /// What was acknowledged is there, and nothing else; it is sound, and takes more.
    fn go_on(&mut self, parts: &Parts) -> anyhow::Result<()> {
        for _ in 0..COMMITS_AFTER {
            self.commit(parts)?;
        }
        parts.db.flush()?;
        self.check(parts)
    }

    fn check(&self, parts: &Parts) -> anyhow::Result<()> {
        let found = check::numbers(parts, &self.workload)?;
        ensure!(
            found == self.acknowledged,
            "LOST or INVENTED: {:?} were acknowledged, {found:?} are there",
            self.acknowledged
        );
        check::check_state(parts, &self.workload, &found)?;
        self.check_imports(parts)?;
        check::check_soundness(&parts.db)
    }

    fn check_imports(&self, parts: &Parts) -> anyhow::Result<()> {
        let counts = "SELECT import, count(*) FROM imports GROUP BY import ORDER BY import";
        let mut found = Vec::new();
        for row in parts.db.query(counts, &[])? {
            let row = row?;
            found.push((row.get::<i64>(0)?, row.get::<i64>(1)?));
        }
        let imports = (0i64..).zip(&self.imports);
        let expected: Vec<(i64, i64)> = imports
            .filter(|(_, count)| **count > 0)
            .map(|(import, &count)| Ok((import, i64::try_from(count)?)))
            .collect::<anyhow::Result<_>>()?;
        ensure!(
            found == expected,
            "LOST or TORN: imports of {expected:?} rows were acknowledged, {found:?} are there"
        );
        Ok(())
    }

    /// Notes what failed; an error when it is no failure that a full disk excuses.
    fn expect_full(&mut self, doing: &'static str, error: &Error) -> anyhow::Result<()> {
        let report = error.report();
        let is_named = report.contains("No space left on device");
        if error.kind() != ErrorKind::Full || !is_named {
            bail!("{doing} on the full disk: {:?}: {report}", error.kind());
        }
        self.report.count(what_failed(doing, &report));
        Ok(())
    }
}

/// Which part of the database had no room.
fn what_failed(doing: &'static str, report: &str) -> &'static str {
    match doing {
        "create" => "creation",
        "reopen" => "reopening",
        _ if report.contains("/log/") => "log segment",
        _ if report.contains("commits wait for a merge") => "commit behind a merge",
        _ if report.contains("/btree/") => "merge",
        _ => "something else",
    }
}

fn close(parts: Parts) -> anyhow::Result<()> {
    let Parts { db, latest, slots } = parts;
    drop((latest, slots));
    db.close().context("it does not close")
}

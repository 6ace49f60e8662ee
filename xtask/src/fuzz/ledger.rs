//! The ledger: what each target has had, over all runs of this build folder.
//!
//! One line of JSON for each turn of a target, only ever appended. A turn that is cut off leaves none.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use anyhow::Context;
use serde_json::{Value, json};

use super::said::Figures;

/// One turn of a target.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    pub(super) target: String,
    /// Processor time.
    pub(super) seconds: f64,
    pub(super) figures: Figures,
    /// Whether it ended with a find.
    pub(super) found: bool,
}

impl Entry {
    fn to_line(&self) -> String {
        let Figures {
            executions,
            coverage,
            mebibytes,
        } = self.figures;
        let line = json!({
            "target": self.target,
            "seconds": (self.seconds * 10.0).round() / 10.0,
            "executions": executions,
            "coverage": coverage,
            "mebibytes": mebibytes,
            "found": self.found,
        });
        format!("{line}\n")
    }

    fn of_line(line: &str) -> Option<Entry> {
        let entry: Value = serde_json::from_str(line).ok()?;
        let number = |name: &str| entry.get(name)?.as_u64();
        Some(Entry {
            target: entry.get("target")?.as_str()?.to_owned(),
            seconds: entry.get("seconds")?.as_f64()?,
            figures: Figures {
                executions: number("executions")?,
                coverage: number("coverage")?,
                mebibytes: number("mebibytes")?,
            },
            found: entry.get("found")?.as_bool()?,
        })
    }
}

/// What a target has had so far.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Total {
    pub(super) seconds: f64,
    pub(super) executions: u64,
    /// At the end of its last turn.
    pub(super) coverage: u64,
    /// The most of all turns.
    pub(super) mebibytes: u64,
    pub(super) finds: u64,
}

impl Total {
    fn add(&mut self, entry: &Entry) {
        self.seconds += entry.seconds;
        self.executions += entry.figures.executions;
        self.coverage = entry.figures.coverage;
        self.mebibytes = self.mebibytes.max(entry.figures.mebibytes);
        self.finds += u64::from(entry.found);
    }
}

/// All turns so far, added up.
#[derive(Debug)]
pub(super) struct Ledger {
    path: PathBuf,
    totals: BTreeMap<String, Total>,
}

impl Ledger {
    /// Reads the ledger of a folder; an empty one where there is none.
    pub(super) fn read(folder: &Path) -> anyhow::Result<Ledger> {
        let mut ledger = Ledger {
            path: folder.join("ledger"),
            totals: BTreeMap::new(),
        };
        let text = match fs::read_to_string(&ledger.path) {
            Err(error) if error.kind() == ErrorKind::NotFound => String::new(),
            text => text.with_context(|| ledger.path.display().to_string())?,
        };
        for line in text.lines() {
            let entry = Entry::of_line(line);
            ledger.add(&entry.with_context(|| format!("{}: {line}", ledger.path.display()))?);
        }
        Ok(ledger)
    }

    /// What a target has had.
    pub(super) fn total(&self, target: &str) -> Total {
        self.totals.get(target).copied().unwrap_or_default()
    }

    /// Adds a turn, in the file too.
    pub(super) fn append(&mut self, entry: &Entry) -> anyhow::Result<()> {
        let mut options = File::options();
        let file = options.create(true).append(true).open(&self.path);
        file.and_then(|mut file| file.write_all(entry.to_line().as_bytes()))
            .with_context(|| self.path.display().to_string())?;
        self.add(entry);
        Ok(())
    }

    fn add(&mut self, entry: &Entry) {
        let total = self.totals.entry(entry.target.clone()).or_default();
        total.add(entry);
    }
}

impl fmt::Display for Ledger {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (target, total) in &self.totals {
            writeln!(
                f,
                "{target:<20} {:>7.1} min {:>12} executions, coverage {:>6}, {:>4} MiB, {} finds",
                total.seconds / 60.0,
                total.executions,
                total.coverage,
                total.mebibytes,
                total.finds,
            )?;
        }
        let minutes: f64 = self.totals.values().map(|total| total.seconds / 60.0).sum();
        let executions: u64 = self.totals.values().map(|total| total.executions).sum();
        writeln!(
            f,
            "{:<20} {minutes:>7.1} min {executions:>12} executions",
            "all"
        )
    }
}

#[cfg(test)]
mod tests;

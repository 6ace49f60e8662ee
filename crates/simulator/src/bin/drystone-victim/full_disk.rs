//! One point of a workload at which the disk is full: a file takes all room but a little, and the workload goes on.
//!
//! - What fails, fails with `ErrorKind::Full` and says that no space is left, and nothing of it is there.
//! - Reads go on, `verify` too.
//! - Once the file is gone, the database takes writes again, without being opened again.
//! - What was acknowledged is there, before and after it is opened again, also where that happens on the full disk.

mod ballast;
mod point;

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use drystone::Options;

use crate::full_disk::point::Point;
use crate::workload::Workload;

/// Meets a full disk in `folder`, at the point that the seed and `life` draw.
pub(crate) fn run(
    folder: &Path,
    options: Options,
    workload: &Workload,
    life: u64,
) -> anyhow::Result<Report> {
    Point::new(folder, options, *workload, life).run()
}

/// What happened at a point.
#[derive(Debug, Default)]
pub(crate) struct Report {
    /// How often something failed for want of space, by what it was.
    failures: BTreeMap<&'static str, u64>,
}

impl Report {
    fn count(&mut self, what: &'static str) {
        *self.failures.entry(what).or_default() += 1;
    }
}

impl fmt::Display for Report {
    /// One line for each: how often, and what.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (what, count) in &self.failures {
            writeln!(f, "{count} {what}")?;
        }
        Ok(())
    }
}

//! Commits from several threads until somebody ends the process.

use std::io::{self, Write};
use std::path::Path;
use std::thread;

use drystone::Options;

use crate::parts::Parts;
use crate::workload::Workload;

/// One commit in so many is followed by a flush, which merges what is in memory.
const COMMITS_PER_FLUSH: u64 = 150;
const FOR_FLUSH: u64 = 4;

/// Goes on where the database ends, with one thread for each writer. Returns only with an error: of the database, or
/// because nobody reads the acknowledgements any more.
pub(crate) fn run(path: &Path, options: Options, workload: Workload) -> anyhow::Result<()> {
    let parts = Parts::open(path, options)?;
    let mut threads = Vec::new();
    for writer in workload.writers() {
        let parts = parts.clone();
        let first = parts.number_of(writer)? + 1;
        threads.push(thread::spawn(move || {
            let Err(error) = write(&parts, workload, writer, first);
            eprintln!("writer {writer}: {error:#}");
            // The others are of no use any more: whoever started this waits for its end.
            std::process::exit(1);
        }));
    }
    for thread in threads {
        drop(thread.join());
    }
    anyhow::bail!("a writer panicked");
}

fn write(
    parts: &Parts,
    workload: Workload,
    writer: u64,
    first: u64,
) -> anyhow::Result<std::convert::Infallible> {
    for number in first.. {
        workload.commit(parts, writer, number)?;
        acknowledge(writer, number)?;
        let mut draw = workload.draw(&[FOR_FLUSH, writer, number]);
        if draw.below(COMMITS_PER_FLUSH) == 0 {
            parts.db.flush()?;
        }
    }
    unreachable!("numbers go on for longer than anybody waits")
}

/// One line in one write: a process that is killed acknowledges a commit whole, or not.
fn acknowledge(writer: u64, number: u64) -> io::Result<()> {
    let line = format!("{writer} {number}\n");
    io::stdout().lock().write_all(line.as_bytes())
}

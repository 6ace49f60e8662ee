//! Runs SQL logic tests: files in the format of SQLite's suite, each against a fresh database in memory.
//!
//! `cargo run --profile campaign -p drystone --example slt -- [--label postgresql] PATH...`, or `cargo xtask slt PATH...`.
//! A path is a file, or a folder whose `.test` and `.slt` files are run, in the order of their names. The label says which
//! `skipif` and `onlyif` lines hold: Drystone speaks PostgreSQL's dialect.
//!
//! Every record passes, fails, or is skipped, because it needs what is not offered yet (SQLSTATE 0A000) or because it
//! contradicts PostgreSQL (`contradictions.rs`). The exit status is 1 where any failed, and 2 where nothing could be run.

#![expect(
    clippy::disallowed_methods,
    reason = "a tool works on the real file system and the real clock"
)]

mod contradictions;
mod format;
mod record;
mod report;
mod run;

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

use report::Report;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

fn main() -> ExitCode {
    match run_all() {
        Ok(report) if report.failed() == 0 => ExitCode::SUCCESS,
        Ok(_) => ExitCode::from(1),
        Err(error) => {
            eprintln!("slt: {error}");
            ExitCode::from(2)
        }
    }
}

fn run_all() -> Result<Report> {
    let arguments = Arguments::read(std::env::args().skip(1))?;
    let mut report = Report::default();
    for path in &arguments.files {
        let text = fs::read_to_string(path).map_err(|why| format!("{}: {why}", path.display()))?;
        let started = Instant::now();
        let tally = run::run_file(&path.to_string_lossy(), &text, &arguments.label)?;
        report.add(path, tally, started.elapsed());
    }
    report.finish();
    Ok(report)
}

struct Arguments {
    label: String,
    files: Vec<PathBuf>,
}

impl Arguments {
    fn read(mut words: impl Iterator<Item = String>) -> Result<Arguments> {
        let mut arguments = Arguments {
            label: "postgresql".to_owned(),
            files: Vec::new(),
        };
        while let Some(word) = words.next() {
            if word == "--label" {
                arguments.label = words.next().ok_or("--label wants a name")?;
            } else {
                find_files(Path::new(&word), &mut arguments.files)?;
            }
        }
        if arguments.files.is_empty() {
            return Err("no test files; usage: slt [--label NAME] PATH...".into());
        }
        Ok(arguments)
    }
}

/// A file itself, or all tests of a folder and the folders in it.
fn find_files(path: &Path, files: &mut Vec<PathBuf>) -> Result<()> {
    if !path.is_dir() {
        files.push(path.to_owned());
        return Ok(());
    }
    let mut children = Vec::new();
    for entry in fs::read_dir(path).map_err(|why| format!("{}: {why}", path.display()))? {
        children.push(entry?.path());
    }
    children.sort();
    let is_test = |path: &Path| {
        path.extension()
            .is_some_and(|end| end == "test" || end == "slt")
    };
    for child in children
        .iter()
        .filter(|child| child.is_dir() || is_test(child))
    {
        find_files(child, files)?;
    }
    Ok(())
}

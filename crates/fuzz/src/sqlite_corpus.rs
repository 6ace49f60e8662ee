//! SQLite's published lists: SQL scripts and malformed database files that once found something there.
//!
//! A list is a SQLite database: table `db` has database files, table `xsql` has scripts. Every script runs on a small
//! database, every file is imported, opened as a database, and taken for each of a database's files. A part of a list runs
//! in a process of its own, which writes down what it is about to do; so what kills it, or hangs, is known.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use anyhow::{Context, bail};
use drystone_base::fuzzing::AnyChecksum;
use drystone_base::{FileSystem, OpenMode};
use rusqlite::{Connection, OpenFlags};

use crate::{sample, targets, watch};

/// Lists that are published.
const LISTS: std::ops::RangeInclusive<u32> = 1..=8;

/// Inputs so far.
static STARTED: AtomicU64 = AtomicU64::new(0);

/// Runs all lists of a folder.
///
/// # Errors
/// An input that panics, hangs or kills its process; lists that are missing.
pub fn run(folder: &Path) -> anyhow::Result<()> {
    let started = Instant::now();
    for number in LISTS {
        let list = folder.join(format!("fuzzdata{number}.db"));
        run_in_child(&list)?;
    }
    println!("all lists in {:.0} s", started.elapsed().as_secs_f64());
    Ok(())
}

fn run_in_child(list: &Path) -> anyhow::Result<()> {
    let current = current_of(list);
    let status = Command::new(std::env::current_exe()?)
        .arg("sqlite-corpus-part")
        .arg(list)
        .arg(&current)
        .status()?;
    if status.success() {
        return Ok(());
    }
    let what = fs::read_to_string(&current).unwrap_or_default();
    bail!("{status} at {} of {}", what.trim(), list.display())
}

fn current_of(list: &Path) -> PathBuf {
    list.with_extension("current")
}

/// Runs one list in this process.
///
/// # Errors
/// A list that cannot be read.
pub fn run_part(list: &Path, current: &Path) -> anyhow::Result<()> {
    let connection = Connection::open_with_flags(list, OpenFlags::SQLITE_OPEN_READ_ONLY)
        .with_context(|| list.display().to_string())?;
    watch::start(&list.display().to_string(), &STARTED);
    let started = Instant::now();
    let scripts = each(
        &connection,
        "SELECT sqlid, sqltext FROM xsql",
        current,
        run_script,
    )?;
    let took_scripts = started.elapsed();
    let files = each(
        &connection,
        "SELECT dbid, dbcontent FROM db",
        current,
        take_file,
    )?;
    println!(
        "{}: {scripts} scripts in {:.1} s, {files} malformed files in {:.1} s",
        list.display(),
        took_scripts.as_secs_f64(),
        (started.elapsed() - took_scripts).as_secs_f64()
    );
    Ok(())
}

/// Shows every row of a query, number and content, to `work`. How many there were.
fn each(
    connection: &Connection,
    query: &str,
    current: &Path,
    work: impl Fn(&[u8]),
) -> anyhow::Result<u64> {
    let mut statement = connection.prepare(query)?;
    let mut rows = statement.query([])?;
    let mut count = 0;
    while let Some(row) = rows.next()? {
        let number: i64 = row.get(0)?;
        fs::write(current, format!("row {number} of {query}\n"))?;
        let content = row.get_ref(1)?.as_bytes_or_null()?.unwrap_or_default();
        work(content);
        STARTED.fetch_add(1, Ordering::Relaxed);
        count += 1;
    }
    Ok(count)
}

/// As a text: prepared whole, split, and run.
fn run_script(script: &[u8]) {
    targets::sql::parse(script);
    targets::command::script(script);
    targets::sql::script(script);
}

/// Wherever bytes that are no database of ours can get in.
fn take_file(bytes: &[u8]) {
    targets::import::csv(bytes);
    targets::import::json_lines(bytes);
    for name in ["MANIFEST", "btree/data", "log/00000000000000000001.log"] {
        open_with(name, bytes);
    }
}

/// As one of the files of a database, its checksums right or wrong.
fn open_with(name: &str, bytes: &[u8]) {
    let path = Path::new(sample::FOLDER).join(name);
    for any in [false, true] {
        let _any = any.then(AnyChecksum::accept);
        let disk = sample::closed_copy();
        let file = disk.open(&path, OpenMode::Create).expect("a sound disk");
        file.set_len(0).expect("a sound disk");
        file.write_all_at(bytes, 0).expect("a sound disk");
        if let Ok(database) = sample::open(&disk.env()) {
            drop(database.verify());
        }
    }
}

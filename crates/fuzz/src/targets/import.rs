//! Files that are imported.

use std::cell::RefCell;
use std::fs;
use std::path::{Path, PathBuf};

use drystone::Database;
use drystone_cli::import;

/// Where inputs become files: in memory, where the system has such a folder.
fn folder() -> PathBuf {
    let in_memory = Path::new("/dev/shm");
    let parent = match in_memory.is_dir() {
        true => in_memory.to_owned(),
        false => std::env::temp_dir(),
    };
    parent.join(format!("drystone-fuzz-{}", std::process::id()))
}

/// A CSV file.
pub fn csv(data: &[u8]) {
    run(data, "input.csv");
}

/// A file of JSON objects.
pub fn json_lines(data: &[u8]) {
    run(data, "input.jsonl");
}

/// A database, which inputs take turns in.
struct Bench {
    database: Database,
    folder: PathBuf,
}

impl Drop for Bench {
    fn drop(&mut self) {
        // Left behind, the folder does no harm.
        drop(fs::remove_dir_all(&self.folder));
    }
}

thread_local! {
    static BENCH: RefCell<Option<Bench>> = const { RefCell::new(None) };
}

fn bench() -> Bench {
    let folder = folder();
    fs::create_dir_all(&folder).expect("a folder for inputs");
    Bench {
        database: Database::in_memory().expect("memory"),
        folder,
    }
}

/// Imported into a new table, and into one that is there; refused, or all of it is there.
fn run(data: &[u8], name: &str) {
    BENCH.with_borrow_mut(|kept| {
        let bench = kept.get_or_insert_with(bench);
        let file = bench.folder.join(name);
        fs::write(&file, data).expect("room for an input");
        let database = &bench.database;
        let imported = import::run(database, "t", &file, None);
        if let Ok(imported) = &imported {
            check_count(database, &imported.to_string(), 1);
            let again = import::run(database, "t", &file, None);
            let again = again.expect("what was taken once is taken again");
            check_count(database, &again.to_string(), 2);
        }
        database
            .execute("DROP TABLE IF EXISTS t", &[])
            .expect("nothing stands in the way");
    });
}

/// `imported` begins with how many rows the file has.
fn check_count(database: &Database, imported: &str, times: i64) {
    let rows: i64 = imported
        .split(' ')
        .next()
        .and_then(|count| count.parse().ok())
        .expect("a number of rows");
    let mut found = 0;
    for row in database
        .query("SELECT * FROM t", &[])
        .expect("the table is there")
    {
        row.expect("a row that was imported");
        found += 1;
    }
    assert_eq!(found, rows * times);
}

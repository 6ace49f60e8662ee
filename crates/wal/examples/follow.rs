//! A log used alone: one thread appends, others follow what becomes durable, and closed segments are archived.
//!
//! ```text
//! cargo run -p drystone-wal --example follow -- FOLDER [RECORDS]
//! ```
//!
//! FOLDER gets `log/` and `archive/`; it should not be there yet. Prints what each part has seen.
#![expect(clippy::disallowed_methods, reason = "an application owns its threads")]

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use drystone_base::{Env, Lsn};
use drystone_wal::{
    Durability, FolderArchive, Log, LogOptions, Progress, Reader, Tailed, WalError,
};

type Failure = Box<dyn Error + Send + Sync>;

fn main() -> Result<(), Failure> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let folder = PathBuf::from(args.first().ok_or("which folder?")?);
    let records = args.get(1).map_or(Ok(1_000), |arg| arg.parse())?;
    println!("{}", follow(&folder, records)?);
    Ok(())
}

/// Appends `records`, while a replica follows.
fn follow(folder: &Path, records: u64) -> Result<String, Failure> {
    let env = Env::os();
    let options = LogOptions {
        segment_bytes: 64 << 10,
        ..LogOptions::default()
    };
    let log = Log::open(&env, &folder.join("log"), options, Lsn::ZERO)?;
    log.set_archive(Arc::new(FolderArchive::new(&env, &folder.join("archive"))?));

    // The replica may fall behind by 1 MiB; then the log is trimmed all the same, and it would have to be made anew.
    let first = log.appended_lsn().next();
    let hold = log.hold("replica", first, 1 << 20)?;
    let tail = log.read_from(first);
    let taken = Arc::new(AtomicU64::new(first.0));
    let replica = {
        let taken = Arc::clone(&taken);
        thread::spawn(move || replicate(tail, &taken))
    };

    for number in 1..=records {
        let durability = match number % 100 {
            0 => Durability::Sync, // and with it all before it
            _ => Durability::Async(Duration::from_millis(10)),
        };
        let lsn = log.commit(format!("stone {number}").as_bytes(), durability)?;
        if number % 100 == 0 {
            hold.advance(Lsn(taken.load(Ordering::Acquire)))?;
            log.trim(lsn)?;
        }
        // An application has a thread for this.
        while log.step()? == Progress::More {}
    }
    let stats = log.stats();
    let archived = log.archive_stats().and_then(|archive| archive.taken);
    let last = log.appended_lsn();
    log.close()?;

    let copied = replica.join().map_err(|_| "the replica panicked")??;
    Ok(format!(
        "{last} is the last; the replica has {copied} records; {} syncs; archived: {}",
        stats.syncs,
        archived.map_or("nothing yet".to_owned(), |segment| format!(
            "up to {segment}"
        ))
    ))
}

/// Takes what is durable, until the log is closed, and says which record it wants next.
fn replicate(mut tail: Reader, taken: &AtomicU64) -> Result<u64, WalError> {
    let mut copied = 0;
    loop {
        match tail.next_within(Duration::from_secs(1))? {
            Tailed::Record(record) => {
                copied += 1;
                taken.store(record.lsn.next().0, Ordering::Release);
            }
            Tailed::TimedOut => {} // say so to the other side, and wait on
            Tailed::Ended => return Ok(copied),
        }
    }
}

#[cfg(test)]
mod tests {
    //! The example does what it says.

    use super::follow;

    #[test]
    fn the_replica_has_everything() {
        let folder = tempfile::tempdir().expect("a folder");
        let said = follow(folder.path(), 3_000).expect("a sound disk");
        assert!(said.contains("LSN 3000 is the last"), "{said}");
        assert!(said.contains("the replica has 3000 records"), "{said}");
        assert!(said.contains("archived: up to segment"), "{said}");
    }
}

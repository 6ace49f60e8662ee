//! A replica: another database that has what the first one has, commit by commit; and an archive of the log.
//!
//! ```text
//! cargo run --release -p drystone --example follow -- FOLDER [COMMITS]
//! ```
//!
//! FOLDER gets `primary/`, `archive/` and `replica/`. Run it again, and the replica goes on where it was: it keeps the number
//! of the commit that it has in the same transaction as what the commit changed. Where the log has forgotten what it needs,
//! or a commit was too large for the log, it copies a snapshot and goes on from that.

use std::collections::BTreeMap;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use drystone::{
    Commit, CommitContent, Database, Durability, ErrorKind, Followed, Keyspace, KeyspaceChanges,
    LogArchive, Lsn, Options, WriteBatch,
};

type Failure = Box<dyn Error + Send + Sync>;

/// How much of the log a replica may keep from being used again while it is behind.
const BEHIND_BYTES_MAX: u64 = 64 << 20;

fn main() -> Result<(), Failure> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let folder = PathBuf::from(args.first().ok_or("which folder?")?);
    let commits = args.get(1).map_or(Ok(10_000), |arg| arg.parse())?;
    println!("{}", run(&folder, commits)?);
    Ok(())
}

/// Commits so often, while a replica follows.
fn run(folder: &Path, commits: u32) -> Result<String, Failure> {
    let options = Options {
        log_archive: Some(LogArchive::folder(folder.join("archive"))),
        log_retain_bytes: BEHIND_BYTES_MAX, // for replicas that are away while this restarts
        ..Options::default()
    };
    let primary = Database::open_with(folder.join("primary"), options)?;
    let replica = Replica::open(&folder.join("replica"))?;
    let stones = primary.keyspace("stones")?;
    let is_over = AtomicBool::new(false);
    let copied = thread::scope(|scope| {
        let follower = scope.spawn(|| replica.follow(&primary, &is_over));
        let written = write(&stones, commits).and_then(|()| Ok(primary.sync()?));
        is_over.store(true, Ordering::Release);
        let copied = follower.join().map_err(|_| "the replica panicked")?;
        written.and(copied)
    })?;
    Ok(format!(
        "{} is the last commit; the replica copied {copied} and has {}",
        primary.last_commit(),
        replica.has()?
    ))
}

fn write(stones: &Keyspace, commits: u32) -> Result<(), Failure> {
    for number in 0..commits {
        let durability = match number % 100 {
            0 => Durability::Sync,
            _ => Durability::Async,
        };
        stones.put_with(
            number.to_be_bytes().to_vec(),
            format!("stone {number}"),
            durability,
        )?;
    }
    Ok(())
}

struct Replica {
    database: Database,
    /// What it has: the number of the last commit that it took over.
    progress: Keyspace,
}

impl Replica {
    fn open(folder: &Path) -> Result<Replica, Failure> {
        let database = Database::open(folder)?;
        let progress = database.keyspace("progress")?;
        Ok(Replica { database, progress })
    }

    fn has(&self) -> Result<Lsn, Failure> {
        let has = self.progress.get("has")?;
        let has = has.map(|bytes| bytes.as_ref().try_into().map(u64::from_be_bytes));
        Ok(has.transpose()?.map_or(Lsn::ZERO, Lsn))
    }

    /// Takes over commits until `is_over`, and all that came before that. Returns how many.
    fn follow(&self, primary: &Database, is_over: &AtomicBool) -> Result<u64, Failure> {
        let mut copied = 0;
        loop {
            match self.try_follow(primary, is_over, &mut copied) {
                Err(error) if is_forgotten(&error) => self.copy(primary)?,
                ended => return ended.map(|()| copied),
            }
        }
    }

    fn try_follow(
        &self,
        primary: &Database,
        is_over: &AtomicBool,
        copied: &mut u64,
    ) -> Result<(), Failure> {
        let hold = primary.hold_log("replica", self.has()?.next(), BEHIND_BYTES_MAX)?;
        let mut commits = primary.commits_from(self.has()?.next())?;
        loop {
            let ends = is_over.load(Ordering::Acquire); // before the wait: nothing comes behind it then
            match commits.next_within(Duration::from_millis(50))? {
                Followed::Commit(commit) => {
                    let lsn = commit.lsn;
                    match self.take(commit)? {
                        true => *copied += 1,
                        false => self.copy(primary)?, // and skips what it has by then
                    }
                    hold.advance(lsn.next())?;
                }
                Followed::TimedOut if ends => return Ok(()),
                Followed::TimedOut => {}
                Followed::Ended => return Ok(()),
            }
        }
    }

    /// Takes a commit over. False: it is not in the log.
    fn take(&self, commit: Commit) -> Result<bool, Failure> {
        if commit.lsn <= self.has()? {
            return Ok(true);
        }
        let CommitContent::Changes {
            dropped, changed, ..
        } = commit.content
        else {
            return Ok(false);
        };
        for name in dropped.into_iter().filter_map(|keyspace| keyspace.name) {
            self.database.drop_keyspace(&replicated(&name))?;
        }
        let mut batch = WriteBatch::new();
        for KeyspaceChanges { keyspace, changes } in changed {
            // Tables and indexes are keyspaces, too: `@...`. This replica is of what the application itself keeps.
            let name = keyspace.name.filter(|name| !name.starts_with('@'));
            let Some(name) = name else { continue };
            let keyspace = self.database.keyspace(&replicated(&name))?;
            for (key, value) in changes {
                match value {
                    Some(value) => batch.put(&keyspace, key, value),
                    None => batch.delete(&keyspace, key),
                }
            }
        }
        batch.put(&self.progress, "has", commit.lsn.0.to_be_bytes().to_vec());
        // What a crash takes is copied again: the number goes with it.
        self.database.write_with(batch, Durability::Async)?;
        Ok(true)
    }

    /// Begins anew with all that the primary has now.
    fn copy(&self, primary: &Database) -> Result<(), Failure> {
        // Until the copy is whole, there is nothing to go on from.
        self.progress.delete("has")?;
        let state = primary.snapshot();
        let mut keyspaces = BTreeMap::new();
        for name in primary.keyspace_names()? {
            let from = primary.keyspace(&name)?;
            self.database.drop_keyspace(&replicated(&name))?;
            keyspaces.insert(
                name.clone(),
                (from, self.database.keyspace(&replicated(&name))?),
            );
        }
        let mut load = self.database.bulk_load()?;
        for (from, to) in keyspaces.values() {
            for entry in state.get_range::<&[u8]>(from, ..) {
                let (key, value) = entry?;
                load.put(to, key, value)?;
            }
        }
        load.put(&self.progress, "has", state.lsn().0.to_be_bytes())?;
        load.commit()?;
        Ok(())
    }
}

/// What a keyspace of the primary is called in the replica, which has some of its own.
fn replicated(name: &str) -> String {
    format!("of primary: {name}")
}

fn is_forgotten(error: &Failure) -> bool {
    let error = error.downcast_ref::<drystone::Error>();
    error.is_some_and(|error| error.kind() == ErrorKind::Forgotten)
}

#[cfg(test)]
mod tests {
    //! The example does what it says.

    use drystone::Database;

    use super::run;

    #[test]
    fn the_replica_has_everything_and_goes_on_after_a_restart() {
        let folder = tempfile::tempdir().expect("a folder");
        for commits in [200, 300] {
            let said = run(folder.path(), commits).expect("a sound disk");
            let replica = Database::open(folder.path().join("replica")).expect("it was closed");
            let stones = replica.keyspace("of primary: stones").expect("it is there");
            for number in [0, 1, commits - 1] {
                let stone = stones.get(number.to_be_bytes()).expect("a sound disk");
                assert_eq!(
                    stone.as_deref(),
                    Some(format!("stone {number}").as_bytes()),
                    "{said}"
                );
            }
        }
    }
}

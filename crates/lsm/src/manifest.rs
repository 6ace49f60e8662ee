//! Manifest: a log of edits in two copies, which says which SSTs there are.
//!
//! An edit is appended to copy `a`, which is synced, and then to copy `b`, which is synced. So a crash tears at most one of
//! them, and of damage in one record the other copy has it whole: a state that was durable is never stepped back from in
//! silence. When the log has become long it is written anew, as the next generation: both copies, the folder's sync, and
//! only then the old ones go, durably, before anything is appended to the new.
//!
//! # Invariants
//! - M1. Copy `b` is not written to before `a` is durable with the same record; `a` not before `b` is with the one before.
//! - M2. Nothing is appended to a generation while an older one is there.
//! - M3. After a failed write or sync nothing more is written: what is on the medium only an opening can tell. So too where
//!   the log was written anew, durably, and what was before it could not be removed.

pub(crate) mod edit;
pub(crate) mod opening;
pub(crate) mod reader;
pub(crate) mod record;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use drystone_base::{File, OpenMode};
use drystone_engine::EngineError;

use self::edit::Edit;
use crate::error::{corrupt, failed};
use crate::store::Store;
use drystone_base::Malformed;

/// A log is not written anew that is shorter than the options say, nor one that has not grown by so many times what it
/// began with.
const REWRITE_GROWTH: u64 = 4;

/// The two copies, by the ends of their names.
const COPIES: [&str; 2] = ["a", "b"];

/// The newest generation, for appending.
#[derive(Debug)]
pub(crate) struct Manifest {
    store: Arc<Store>,
    generation: u64,
    /// Of the next record.
    sequence: u64,
    copies: [(PathBuf, Arc<dyn File>); 2],
    len: u64,
    /// How long it was when it was written anew.
    first_len: u64,
    /// A log shorter than this is not written anew.
    rewrite_bytes_min: u64,
    is_poisoned: bool,
}

/// The path of one copy.
fn path_of(dir: &Path, generation: u64, copy: &str) -> PathBuf {
    dir.join(format!("manifest-{generation:016x}.{copy}"))
}

/// The generation and the copy that a file's name tells.
fn parse_name(name: &str) -> Option<(u64, usize)> {
    let (number, copy) = name.strip_prefix("manifest-")?.split_once('.')?;
    let copy = COPIES.iter().position(|known| *known == copy)?;
    let number = u64::from_str_radix(number, 16)
        .ok()
        .filter(|_| number.len() == 16)?;
    Some((number, copy))
}

impl Manifest {
    /// Appends an edit, durably. `full`: all that is true after it, as an edit of nothing. The names of the SSTs that it
    /// adds are made durable before.
    pub(crate) fn append(
        &mut self,
        edit: &Edit,
        full: impl FnOnce() -> Edit,
    ) -> Result<(), EngineError> {
        self.check_sound()?;
        self.is_poisoned = true;
        let names_files = !edit.add.is_empty() || edit.stage.is_some();
        if names_files {
            sync_dir(&self.store)?;
        }
        let is_long = self.len
            >= self
                .rewrite_bytes_min
                .max(self.first_len.saturating_mul(REWRITE_GROWTH));
        if is_long {
            self.rewrite(&full())?;
        } else {
            self.append_record(edit)?;
        }
        self.is_poisoned = false;
        Ok(())
    }

    /// # Errors
    /// [`EngineError::Poisoned`]: nothing is taken any more.
    pub(crate) fn check_sound(&self) -> Result<(), EngineError> {
        if self.is_poisoned {
            let path = self.copies[0].0.clone();
            return Err(EngineError::Poisoned { path });
        }
        Ok(())
    }

    /// Goes on with the next generation. Poisoned until that is the only one (M2).
    fn rewrite(&mut self, full: &Edit) -> Result<(), EngineError> {
        let old = self.generation;
        let next = next_generation(&self.store, old)?;
        let anew = Manifest::write_anew(&self.store, next, full, self.rewrite_bytes_min)?;
        *self = Manifest {
            is_poisoned: true,
            ..anew
        };
        remove_generation(&self.store, old)
    }

    fn append_record(&mut self, edit: &Edit) -> Result<(), EngineError> {
        let record = record::encode(self.generation, self.sequence, edit);
        for (path, file) in &self.copies {
            let written = file.write_all_at(&record, self.len);
            written.map_err(|source| failed("write", path, self.len, source))?;
            let synced = file.sync();
            synced.map_err(|source| failed("sync", path, self.len, source))?;
        }
        self.store.note_written(record.len() * self.copies.len());
        self.len += record.len() as u64;
        self.sequence += 1;
        Ok(())
    }

    /// Writes a generation whose first record says all, durably with its names.
    fn write_anew(
        store: &Arc<Store>,
        generation: u64,
        full: &Edit,
        rewrite_bytes_min: u64,
    ) -> Result<Manifest, EngineError> {
        let mut bytes = record::encode_header(generation).to_vec();
        bytes.extend(record::encode(generation, 0, full));
        let write = |copy| -> Result<(PathBuf, Arc<dyn File>), EngineError> {
            let path = path_of(store.dir(), generation, copy);
            let file = store.files().open(&path, OpenMode::CreateNew);
            let file = file.map_err(|source| failed("create", &path, 0, source))?;
            let written = file.write_all_at(&bytes, 0);
            written.map_err(|source| failed("write", &path, 0, source))?;
            file.sync()
                .map_err(|source| failed("sync", &path, 0, source))?;
            Ok((path, file))
        };
        let copies = [write(COPIES[0])?, write(COPIES[1])?];
        sync_dir(store)?;
        store.note_written(bytes.len() * copies.len());
        Ok(Manifest {
            store: Arc::clone(store),
            generation,
            sequence: 1,
            copies,
            len: bytes.len() as u64,
            first_len: bytes.len() as u64,
            rewrite_bytes_min,
            is_poisoned: false,
        })
    }

    /// Reads both copies again; shows `find` what is wrong with them. Returns the bytes that were read.
    pub(crate) fn verify(&self, mut find: impl FnMut(EngineError)) -> u64 {
        let mut bytes = 0;
        for (path, file) in &self.copies {
            match opening::read_copy(path, &**file, self.generation) {
                Ok(copy) => {
                    bytes += copy.len;
                    if let Some(why) = copy.wrong {
                        find(corrupt(path, copy.valid_len, why));
                    } else if copy.edits.len() as u64 != self.sequence {
                        let found = copy.edits.len().to_string();
                        let why = Malformed::new("records", self.sequence.to_string(), found);
                        find(corrupt(path, copy.valid_len, why));
                    }
                }
                Err(error) => find(error),
            }
        }
        bytes
    }

    /// Length of both copies.
    pub(crate) fn bytes(&self) -> u64 {
        self.len * 2
    }
}

fn sync_dir(store: &Store) -> Result<(), EngineError> {
    store
        .sync_dir()
        .map_err(|source| failed("sync", store.dir(), 0, source))
}

fn next_generation(store: &Store, generation: u64) -> Result<u64, EngineError> {
    let next = generation.checked_add(1);
    next.ok_or_else(|| {
        let why = Malformed::new("generation of a manifest", "one with a next", "the last");
        corrupt(&path_of(store.dir(), generation, COPIES[0]), 0, why)
    })
}

/// Removes a generation's files, durably.
fn remove_generation(store: &Store, generation: u64) -> Result<(), EngineError> {
    for copy in COPIES {
        let path = path_of(store.dir(), generation, copy);
        match store.files().remove_file(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            removed => removed.map_err(|source| failed("remove", &path, 0, source))?,
        }
    }
    sync_dir(store)
}

#[cfg(test)]
mod tests;

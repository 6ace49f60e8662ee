//! Opening a manifest: which generation and which copy to believe, and mending the rest.
//!
//! The newest generation counts of which a copy has its first record whole; of its copies, the longer one. A copy that ends in
//! what is no record, or that cannot be read, is *wrong*: torn by a crash, or damaged. It is mended from the other, if that one
//! is clean and can have all that was durable: copy `a` may be wrong beside a `b` with as many records or more, copy `b` only
//! beside an `a` with more, for a record comes to `b` when `a` has it. Otherwise that is damage: what is left may be a state
//! from before one that was durable. Where `a` cannot be read the opening fails even beside a clean `b`: that may pass, and `a`
//! may have one record more. Where it does not pass, removing the file `a` makes `b` count.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use drystone_base::{File, Malformed, OpenMode};
use drystone_engine::EngineError;

use super::edit::Edit;
use super::record::{self, HEADER_BYTES, Refused};
use super::{COPIES, Manifest, next_generation, parse_name, path_of, remove_generation};
use crate::error::{corrupt, cut, io_error};
use crate::store::Store;

/// What one copy holds.
#[derive(Debug, Default)]
pub(crate) struct ReadCopy {
    pub(crate) edits: Vec<Edit>,
    /// Length of the header and of the whole records.
    pub(crate) valid_len: u64,
    /// Of the first record with the header.
    first_len: u64,
    pub(crate) len: u64,
    /// Why the rest, if there is any, is no record.
    pub(crate) wrong: Option<Malformed>,
    /// The storage refused to read it: then it is wrong, too.
    unread: Option<EngineError>,
}

impl ReadCopy {
    fn unread(error: EngineError) -> ReadCopy {
        ReadCopy {
            wrong: Some(Malformed::new(
                "copy of a manifest",
                "one that can be read",
                error.to_string(),
            )),
            unread: Some(error),
            ..ReadCopy::default()
        }
    }

    /// The error for a copy that nothing vouches for.
    fn into_error(self, path: &Path) -> EngineError {
        let (wrong, at) = (self.wrong, self.valid_len);
        self.unread.unwrap_or_else(|| {
            let why = wrong.unwrap_or_else(|| cut("manifest"));
            corrupt(path, at, why)
        })
    }
}

/// Reads one copy as far as it goes.
pub(crate) fn read_copy(
    path: &Path,
    file: &dyn File,
    generation: u64,
) -> Result<ReadCopy, EngineError> {
    let failed = |source| io_error("read", path, 0, source);
    let len = file.len().map_err(failed)?;
    let mut bytes = vec![0; usize::try_from(len).unwrap_or(usize::MAX)];
    file.read_exact_at(&mut bytes, 0).map_err(failed)?;
    let mut copy = ReadCopy {
        len,
        ..ReadCopy::default()
    };
    match record::decode_header(&bytes) {
        Ok(found) if found == generation => copy.valid_len = HEADER_BYTES as u64,
        Ok(found) => {
            let (expected, found) = (generation.to_string(), found.to_string());
            copy.wrong = Some(Malformed::new("generation of a manifest", expected, found));
            return Ok(copy);
        }
        Err(Refused::Version(found)) => {
            return Err(EngineError::UnsupportedVersion {
                path: path.to_owned(),
                found,
                supported: record::VERSION,
            });
        }
        Err(Refused::Malformed(why)) => {
            copy.wrong = Some(why);
            return Ok(copy);
        }
    }
    let mut at = HEADER_BYTES;
    while at < bytes.len() {
        match record::decode(&bytes[at..], generation, copy.edits.len() as u64) {
            Ok((edit, len)) => {
                copy.edits.push(edit);
                at += len;
                copy.valid_len = at as u64;
                if copy.edits.len() == 1 {
                    copy.first_len = copy.valid_len;
                }
            }
            Err(why) => {
                copy.wrong = Some(why);
                break;
            }
        }
    }
    Ok(copy)
}

/// Length of what the first generation of a new engine begins with: no copy that was torn meanwhile is longer.
fn first_bytes() -> u64 {
    (HEADER_BYTES + record::encode(1, 0, &Edit::default()).len()) as u64
}

/// What an opening finds.
pub(crate) struct Found {
    /// All edits of the newest generation, the first of which is one of nothing. None for a new engine.
    pub(crate) edits: Vec<Edit>,
    generation: u64,
    generations: Vec<u64>,
    /// Whether both copies are whole and alike, and nothing else is there.
    is_sound: bool,
    len: u64,
    first_len: u64,
}

/// Looks at the manifests among the files of a folder. Changes nothing.
pub(crate) fn find(store: &Store, names: &[String]) -> Result<Found, EngineError> {
    let mut generations: BTreeMap<u64, [bool; 2]> = BTreeMap::new();
    for (generation, copy) in names.iter().filter_map(|name| parse_name(name)) {
        generations.entry(generation).or_default()[copy] = true;
    }
    let all: Vec<u64> = generations.keys().copied().collect();
    let mut damage = None;
    for (generation, present) in generations.into_iter().rev() {
        let copies = read_generation(store, generation, present)?;
        let is_unread = copies.iter().any(|copy| copy.unread.is_some());
        if is_unread || copies.iter().any(|copy| !copy.edits.is_empty()) {
            return believe(store, generation, copies, all);
        }
        for (copy, name) in copies.into_iter().zip(COPIES) {
            if copy.wrong.is_some() && copy.len > first_bytes() && damage.is_none() {
                damage = Some(copy.into_error(&path_of(store.dir(), generation, name)));
            }
        }
    }
    // A crash while the first generation was made leaves no whole one, and no SST: those come later.
    if let Some(damage) = damage {
        return Err(damage);
    }
    if names.iter().any(|name| name.ends_with(".sst")) {
        let path = path_of(store.dir(), all.last().copied().unwrap_or(1), COPIES[0]);
        let why = Malformed::new("manifest", "a whole one beside the SSTs", "none");
        return Err(corrupt(&path, 0, why));
    }
    Ok(Found {
        edits: Vec::new(),
        generation: all.last().copied().unwrap_or(0),
        generations: all,
        is_sound: false,
        len: 0,
        first_len: 0,
    })
}

fn read_generation(
    store: &Store,
    generation: u64,
    present: [bool; 2],
) -> Result<[ReadCopy; 2], EngineError> {
    let read = |copy: usize| -> Result<ReadCopy, EngineError> {
        if !present[copy] {
            return Ok(ReadCopy::default());
        }
        let path = path_of(store.dir(), generation, COPIES[copy]);
        let opened = store.open(&path, OpenMode::Read);
        match opened.and_then(|file| read_copy(&path, &*file, generation)) {
            Err(error @ EngineError::Io { .. }) => Ok(ReadCopy::unread(error)),
            other => other,
        }
    };
    Ok([read(0)?, read(1)?])
}

fn believe(
    store: &Store,
    generation: u64,
    copies: [ReadCopy; 2],
    generations: Vec<u64>,
) -> Result<Found, EngineError> {
    let [a, b] = copies;
    let path = |copy: usize| path_of(store.dir(), generation, COPIES[copy]);
    let is_alike = a.edits.len() == b.edits.len();
    let is_clean = a.wrong.is_none() && b.wrong.is_none();
    let has_all_of_b = a.wrong.is_none() && a.edits.len() > b.edits.len();
    if b.wrong.is_some() && !has_all_of_b {
        return Err(b.into_error(&path(1)));
    }
    let has_all_of_a =
        a.unread.is_none() && b.wrong.is_none() && b.edits.len() >= a.edits.len().max(1);
    if a.wrong.is_some() && !has_all_of_a {
        return Err(a.into_error(&path(0)));
    }
    let takes_b = a.wrong.is_some() || b.edits.len() > a.edits.len();
    let longer = if takes_b { b } else { a };
    Ok(Found {
        generation,
        is_sound: is_alike && is_clean && generations.len() == 1,
        generations,
        len: longer.valid_len,
        first_len: longer.first_len,
        edits: longer.edits,
    })
}

impl Found {
    /// The manifest to append to: the one that was found, or one written anew where something was not as it should be.
    /// `full`: all that its edits say.
    pub(crate) fn open(
        self,
        store: &Arc<Store>,
        full: &Edit,
        rewrite_bytes_min: u64,
    ) -> Result<Manifest, EngineError> {
        if !self.is_sound {
            let newest = self.generations.last().copied().unwrap_or(0);
            let manifest = Manifest::write_anew(
                store,
                next_generation(store, newest)?,
                full,
                rewrite_bytes_min,
            )?;
            for generation in self.generations {
                remove_generation(store, generation)?;
            }
            return Ok(manifest);
        }
        let open = |copy| {
            let path = path_of(store.dir(), self.generation, copy);
            let file = store.open(&path, OpenMode::ReadWrite)?;
            Ok((path, file))
        };
        Ok(Manifest {
            store: Arc::clone(store),
            generation: self.generation,
            sequence: self.edits.len() as u64,
            copies: [open(COPIES[0])?, open(COPIES[1])?],
            len: self.len,
            first_len: self.first_len,
            rewrite_bytes_min,
            is_poisoned: false,
        })
    }
}

//! Opening a manifest: which generation and which copy to believe, and mending the rest.
//!
//! The newest generation counts of which a copy has its first record whole; of its copies, the longer one. What follows the
//! last whole record of a copy is a torn tail if the other copy ends cleanly: that crash struck while this one was written. If
//! neither does, that is damage.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use drystone_base::{File, Malformed, OpenMode};
use drystone_engine::EngineError;

use super::edit::Edit;
use super::record::{self, HEADER_BYTES, Refused};
use super::{COPIES, Manifest, parse_name, path_of, remove_generation};
use crate::error::{corrupt, io_error};
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
    let mut wrong = None;
    for (generation, present) in generations.into_iter().rev() {
        let copies = read_generation(store, generation, present)?;
        if copies.iter().any(|copy| !copy.edits.is_empty()) {
            return believe(store, generation, copies, all);
        }
        wrong = wrong.or(copies
            .into_iter()
            .find_map(|copy| copy.wrong)
            .map(|why| (generation, why)));
    }
    // A crash while the first generation was made leaves no whole one, and no SST: those come later.
    if names.iter().any(|name| name.ends_with(".sst")) {
        let (generation, why) =
            wrong.unwrap_or_else(|| (1, Malformed::new("manifest", "one beside the SSTs", "none")));
        let path = path_of(store.dir(), generation, COPIES[0]);
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
        let file = store.open(&path, OpenMode::Read)?;
        read_copy(&path, &*file, generation)
    };
    Ok([read(0)?, read(1)?])
}

fn believe(
    store: &Store,
    generation: u64,
    copies: [ReadCopy; 2],
    generations: Vec<u64>,
) -> Result<Found, EngineError> {
    if let [Some(_), Some(why)] = [&copies[0].wrong, &copies[1].wrong] {
        let path = path_of(store.dir(), generation, COPIES[1]);
        return Err(corrupt(&path, copies[1].valid_len, why.clone()));
    }
    let is_alike = copies[0].edits.len() == copies[1].edits.len();
    let is_clean = copies.iter().all(|copy| copy.wrong.is_none());
    let [a, b] = copies;
    let longer = if b.edits.len() > a.edits.len() { b } else { a };
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
    pub(crate) fn open(self, store: &Arc<Store>, full: &Edit) -> Result<Manifest, EngineError> {
        if !self.is_sound {
            let newest = self.generations.last().copied().unwrap_or(0);
            let manifest = Manifest::write_anew(store, newest + 1, full)?;
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
            is_poisoned: false,
        })
    }
}

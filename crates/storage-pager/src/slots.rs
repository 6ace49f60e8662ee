//! The two slots of superblocks, of two copies each: choosing, mending, switching.
//!
//! # What a crash can leave
//! A switch to generation n writes copy 0 of slot n % 2, syncs, writes copy 1, syncs. The slot held generation n - 2.
//! - Within the first write: copy 0 is torn, copy 1 is n - 2, whole. The other slot is newest: n - 1.
//! - Between the two, or within the second write: copy 0 is n, whole and durable, so n is newest.
//!
//! A first write that failed leaves one of these, too, until it is done again: copy 0 is torn, or n - 2, or n, whose
//! pages are there and stay (`space.rs`: doubtful). So it may be tried again, with another state as n.
//!
//! So a crash never leaves a slot without a whole copy, and a slot that has none is damage: see [`LostSuperblock`].
//! A copy that cannot be read counts as damaged while its twin is whole, but only after several attempts: copy 0 may be
//! the only one that holds n, and a read that fails in passing must not have it written over.
//! Mending writes only copies that differ from the best of their slot, each with a sync of its own, and only after a
//! sync has made durable what was read. So a crash within it leaves one of the states above.

use crate::block::{BLOCK_BYTES, BlockNo};
use crate::data_file::DataFile;
use crate::error::{Malformed, PagerError};
use crate::superblock::{FORMAT_VERSION, Superblock, Unusable, copy_offset};
use drystone_base::planted::is_planted;

/// What to do when both copies of a superblock are damaged and the other superblock is whole.
///
/// No crash leaves that, so it is damage to both; and nobody can tell from the file alone whether the newest state is
/// lost, or the one before it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum LostSuperblock {
    /// Opening fails with [`PagerError::LostSuperblock`].
    #[default]
    Refuse,
    /// The state of the other superblock is taken. For a caller who knows that it is not too old, because a log still
    /// has everything after its LSN, or who would rather have an old state than none.
    TakeOther,
}

/// One of the four places of superblocks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SuperblockCopy {
    /// Where it is.
    pub block: BlockNo,
    /// The generation that it holds now.
    pub generation: u64,
}

/// Reads of a copy before it counts as one that cannot be read.
const READ_ATTEMPTS: usize = 3;

/// A copy, or why it is not whole. [`PagerError::Io`]: a bad sector, which writing may heal.
type Copy = Result<Superblock, PagerError>;

/// The four copies, as they were read.
#[derive(Debug)]
pub(crate) struct Slots {
    copies: [[Copy; 2]; 2],
}

impl Slots {
    /// Reads all four.
    ///
    /// # Errors
    /// Only [`PagerError::UnsupportedVersion`]: what is wrong with a copy is kept in its place.
    pub(crate) fn read(file: &DataFile) -> Result<Slots, PagerError> {
        let slots = Slots {
            copies: [
                [read_copy(file, 0, 0), read_copy(file, 0, 1)],
                [read_copy(file, 1, 0), read_copy(file, 1, 1)],
            ],
        };
        let copies = slots.copies.iter().flatten();
        let mut newer = copies.filter_map(|copy| match copy {
            Err(PagerError::UnsupportedVersion { found, .. }) => Some(*found),
            _ => None,
        });
        newer
            .next()
            .map_or(Ok(()), |found| Err(unsupported(file, found)))?;
        Ok(slots)
    }

    /// The superblock of the newest state. `None` when it may be lost: [`Slots::into_error`] says how.
    pub(crate) fn newest(&self, lost: LostSuperblock) -> Option<&Superblock> {
        match (best_of(&self.copies[0]), best_of(&self.copies[1])) {
            (Some(even), Some(odd)) if even.generation > odd.generation => Some(even),
            (Some(_), Some(odd)) => Some(odd),
            (Some(only), None) | (None, Some(only)) => {
                let may_take = lost == LostSuperblock::TakeOther && !self.is_unreadable();
                may_take.then_some(only)
            }
            (None, None) => None,
        }
    }

    /// Why there is no newest superblock: a slot that cannot be read, both of one lost, or all of them.
    pub(crate) fn into_error(self, file: &DataFile) -> PagerError {
        let is_unreadable = self.is_unreadable();
        let left = self.copies.iter().find_map(best_of);
        match left.map(|left| (left.generation, left.lsn)) {
            Some((generation, lsn)) if !is_unreadable => PagerError::LostSuperblock {
                path: file.path().to_owned(),
                generation,
                lsn,
            },
            _ => self.into_flaw(file, is_unreadable),
        }
    }

    /// The two superblocks are of one file.
    pub(crate) fn check(&self, file: &DataFile) -> Result<(), PagerError> {
        let (Some(even), Some(odd)) = (best_of(&self.copies[0]), best_of(&self.copies[1])) else {
            return Ok(());
        };
        let (older, newer) = if even.generation < odd.generation {
            (even, odd)
        } else {
            (odd, even)
        };
        if older.uuid == newer.uuid && older.lsn <= newer.lsn {
            return Ok(());
        }
        let place = |one: &Superblock| format!("{} at generation {}", one.lsn, one.generation);
        let why = Malformed::new(
            "superblocks",
            "two of one file, with ascending LSNs",
            format!("{}, {}", place(older), place(newer)),
        );
        Err(file.corrupt(0, why))
    }

    /// Writes the best copy of each slot over its twin, where that differs. Returns what was written over.
    pub(crate) fn mend(&self, file: &DataFile) -> Result<Vec<SuperblockCopy>, PagerError> {
        let mut mended = Vec::new();
        for (slot, copies) in (0..).zip(&self.copies) {
            let Some(best) = best_of(copies) else {
                continue;
            };
            for (copy, found) in (0..).zip(copies) {
                let is_whole = found.as_ref().is_ok_and(|found| found == best);
                if !is_whole && !is_planted("pager-superblock-unmended") {
                    write_copy(file, best, slot, copy)?;
                    mended.push(SuperblockCopy {
                        block: BlockNo(slot * 2 + copy),
                        generation: best.generation,
                    });
                }
            }
        }
        Ok(mended)
    }

    /// What is wrong with copies that differ from their twin, or cannot be read. For `verify`.
    pub(crate) fn into_findings(self, file: &DataFile) -> Vec<PagerError> {
        let mut findings = Vec::new();
        for (slot, copies) in (0..).zip(self.copies) {
            let best = best_of(&copies).map(|best| best.generation);
            for (copy, found) in (0..).zip(copies) {
                match found {
                    Err(finding) => findings.push(finding),
                    Ok(found) if Some(found.generation) != best => {
                        let generation = found.generation.to_string();
                        let why = Malformed::new("superblock's copy", "as its twin", generation);
                        findings.push(file.corrupt(copy_offset(slot, copy), why));
                    }
                    Ok(_) => {}
                }
            }
        }
        findings
    }

    /// Whether a slot is without a whole copy because one could not be read: another time it may be.
    fn is_unreadable(&self) -> bool {
        let is_unreadable = |copy: &Copy| matches!(copy, Err(PagerError::Io { .. }));
        self.copies
            .iter()
            .any(|slot| slot.iter().all(Result::is_err) && slot.iter().any(is_unreadable))
    }

    /// The first copy's flaw; of those that could not be read, if `is_unreadable`.
    fn into_flaw(self, file: &DataFile, is_unreadable: bool) -> PagerError {
        let mut flaws = self.copies.into_iter().flatten().filter_map(Result::err);
        let flaw = flaws.find(|flaw| matches!(flaw, PagerError::Io { .. }) == is_unreadable);
        flaw.unwrap_or_else(|| {
            let why = Malformed::new("superblock", "a whole copy in each slot", "none in one");
            file.corrupt(0, why)
        })
    }
}

/// The whole copy of the newest generation in a slot.
fn best_of(copies: &[Copy; 2]) -> Option<&Superblock> {
    let whole = copies.iter().flatten();
    whole.max_by_key(|superblock| superblock.generation)
}

/// Makes `superblock` the newest state. A failed write of the first copy leaves the state as it is. Any other failure
/// poisons: then the new state is on the medium, or nobody knows.
pub(crate) fn switch(file: &DataFile, superblock: &Superblock) -> Result<(), PagerError> {
    let slot = superblock.generation % 2;
    file.write(&superblock.encode(), copy_offset(slot, 0))?;
    if !is_planted("pager-superblock-copies-together") {
        file.sync()?;
    }
    write_copy(file, superblock, slot, 1)
}

fn write_copy(
    file: &DataFile,
    superblock: &Superblock,
    slot: u64,
    copy: u64,
) -> Result<(), PagerError> {
    let written = file.write(&superblock.encode(), copy_offset(slot, copy));
    written.inspect_err(|_| file.poison())?;
    file.sync()
}

fn read_copy(file: &DataFile, slot: u64, copy: u64) -> Copy {
    let offset = copy_offset(slot, copy);
    let bytes = read_block(file, offset)?;
    let superblock = Superblock::decode(&bytes).map_err(|why| match why {
        Unusable::Newer(found) => unsupported(file, found),
        Unusable::Malformed(why) => file.corrupt(offset, why),
    })?;
    if superblock.generation % 2 == slot {
        return Ok(superblock);
    }
    let found = superblock.generation.to_string();
    let why = Malformed::new("generation of a superblock", "one of this slot", found);
    Err(file.corrupt(offset, why))
}

/// Reads a block, again if that fails.
fn read_block(file: &DataFile, offset: u64) -> Result<[u8; BLOCK_BYTES], PagerError> {
    let mut bytes = [0; BLOCK_BYTES];
    let mut read = file.read_or_zeros(&mut bytes, offset);
    for _ in 1..READ_ATTEMPTS {
        read = read.or_else(|_| file.read_or_zeros(&mut bytes, offset));
    }
    read.map(|()| bytes)
}

fn unsupported(file: &DataFile, found: u32) -> PagerError {
    PagerError::UnsupportedVersion {
        path: file.path().to_owned(),
        found,
        supported: FORMAT_VERSION,
    }
}

//! The two slots of superblocks, of two copies each: choosing, mending, switching.
//!
//! # What a crash can leave
//! A switch to generation n writes copy 0 of slot n % 2, syncs, writes copy 1, syncs. The slot held generation n - 2.
//! - Within the first write: copy 0 is torn, copy 1 is n - 2, whole. The other slot is newest: n - 1.
//! - Between the two, or within the second write: copy 0 is n, whole and durable, so n is newest.
//!
//! So a crash never leaves a slot without a whole copy, and a slot that has none is damage: see [`LostSuperblock`].
//! Mending writes only copies that differ from the best of their slot, each with a sync of its own, and only after a
//! sync has made durable what was read. So a crash within it leaves one of the states above.

use crate::block::{BLOCK_BYTES, BlockNo};
use crate::data_file::DataFile;
use crate::error::{Malformed, PagerError};
use crate::superblock::{FORMAT_VERSION, Superblock, Unusable, copy_offset};

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

type Copy = Result<Superblock, Unusable>;

/// The four copies, as they were read.
#[derive(Debug)]
pub(crate) struct Slots {
    copies: [[Copy; 2]; 2],
}

impl Slots {
    pub(crate) fn read(file: &DataFile) -> Result<Slots, PagerError> {
        let slots = Slots {
            copies: [
                [read_copy(file, 0, 0)?, read_copy(file, 0, 1)?],
                [read_copy(file, 1, 0)?, read_copy(file, 1, 1)?],
            ],
        };
        slots.check_versions(file)?;
        Ok(slots)
    }

    /// The superblock of the newest state.
    pub(crate) fn newest(
        &self,
        file: &DataFile,
        lost: LostSuperblock,
    ) -> Result<Superblock, PagerError> {
        match (self.best(0), self.best(1)) {
            (Some(even), Some(odd)) => {
                check_twins(file, even, odd)?;
                Ok(if even.generation > odd.generation {
                    even
                } else {
                    odd
                }
                .clone())
            }
            (Some(only), None) | (None, Some(only)) if lost == LostSuperblock::TakeOther => {
                Ok(only.clone())
            }
            (Some(only), None) | (None, Some(only)) => Err(PagerError::LostSuperblock {
                path: file.path().to_owned(),
                generation: only.generation,
                lsn: only.lsn,
            }),
            (None, None) => Err(file.corrupt(0, self.why_none())),
        }
    }

    /// Writes the best copy of each slot over its twin, where that differs. Returns what was written over.
    pub(crate) fn mend(&self, file: &DataFile) -> Result<Vec<SuperblockCopy>, PagerError> {
        let mut mended = Vec::new();
        for (slot, copies) in (0..).zip(&self.copies) {
            let Some(best) = self.best(slot) else {
                continue;
            };
            for (copy, found) in (0..).zip(copies) {
                if found.as_ref() != Ok(best) {
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
    pub(crate) fn findings(&self, file: &DataFile) -> Vec<PagerError> {
        let mut findings = Vec::new();
        for (slot, copies) in (0..).zip(&self.copies) {
            for (copy, found) in (0..).zip(copies) {
                let why = match found {
                    Err(Unusable::Malformed(why)) => why.clone(),
                    Ok(found) if self.best(slot) != Some(found) => Malformed::new(
                        "generation of a superblock's copy",
                        "its twin's",
                        found.generation.to_string(),
                    ),
                    _ => continue,
                };
                findings.push(file.corrupt(copy_offset(slot, copy), why));
            }
        }
        findings
    }

    /// The whole copy of the newest generation in one slot.
    fn best(&self, slot: u64) -> Option<&Superblock> {
        let copies = if slot == 0 {
            &self.copies[0]
        } else {
            &self.copies[1]
        };
        let whole = copies.iter().rev().filter_map(|copy| copy.as_ref().ok());
        whole.max_by_key(|superblock| superblock.generation)
    }

    fn check_versions(&self, file: &DataFile) -> Result<(), PagerError> {
        for copy in self.copies.iter().flatten() {
            if let Err(Unusable::Newer(found)) = copy {
                return Err(PagerError::UnsupportedVersion {
                    path: file.path().to_owned(),
                    found: *found,
                    supported: FORMAT_VERSION,
                });
            }
        }
        Ok(())
    }

    /// What is wrong with the first copy, when all four are damaged.
    fn why_none(&self) -> Malformed {
        match &self.copies[0][0] {
            Err(Unusable::Malformed(why)) => why.clone(),
            _ => Malformed::new("superblock", "one whole copy of four", "none"),
        }
    }
}

/// Makes `superblock` the newest state. A failure poisons: nobody knows then which state is on the medium.
pub(crate) fn switch(file: &DataFile, superblock: &Superblock) -> Result<(), PagerError> {
    let slot = superblock.generation % 2;
    write_copy(file, superblock, slot, 0)?;
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

fn read_copy(file: &DataFile, slot: u64, copy: u64) -> Result<Copy, PagerError> {
    let mut bytes = [0; BLOCK_BYTES];
    file.read_or_zeros(&mut bytes, copy_offset(slot, copy))?;
    let superblock = match Superblock::decode(&bytes) {
        Ok(superblock) => superblock,
        Err(why) => return Ok(Err(why)),
    };
    if superblock.generation % 2 == slot {
        return Ok(Ok(superblock));
    }
    let found = superblock.generation.to_string();
    let why = Malformed::new("generation of a superblock", "one of this slot", found);
    Ok(Err(why.into()))
}

/// Whether two superblocks can be of one file.
fn check_twins(file: &DataFile, even: &Superblock, odd: &Superblock) -> Result<(), PagerError> {
    let (older, newer) = if even.generation < odd.generation {
        (even, odd)
    } else {
        (odd, even)
    };
    if older.uuid == newer.uuid && older.lsn <= newer.lsn {
        return Ok(());
    }
    let why = Malformed::new(
        "superblocks",
        "two of one file, with ascending LSNs",
        format!(
            "{} at generation {}, {} at {}",
            older.lsn, older.generation, newer.lsn, newer.generation
        ),
    );
    Err(file.corrupt(0, why))
}

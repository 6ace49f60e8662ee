//! Every subset of what is pending, to be tried one by one.
//!
//! What is pending is cut into as fine parts as fit: sectors of 512 bytes if there are no more of them than the limit,
//! else of 4096, else whole changes, else runs of neighbouring changes. A subset is a number: bit `n` says whether part
//! `n` survives. Parts are in the order in which they were written, so that a subset that keeps the first `n` alone is
//! the disk as it was then.

use super::crash::sectors;
use super::file_state::{DataChange, FileState, Pending};
use super::image::Image;
use super::names::Names;
use super::step::FileId;
use super::volume::Volume;

/// More subsets than of so many parts nobody has time for.
const PARTS_MAX: u8 = 24;

/// A change of a name, or a part of a change of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Part {
    /// Number of the step that made it.
    at: u64,
    /// The bytes of the write; all of them for other changes.
    start: usize,
    end: usize,
}

/// The subsets of what is pending at a place of a [`super::Replay`], by number: from none of it to all.
#[derive(Clone, Debug)]
pub struct Subsets {
    parts: Vec<Part>,
    /// How many bits a subset has; more parts than that share bits.
    bits: usize,
    /// [`Volume::turns`] of the volume.
    turns: u64,
}

impl Subsets {
    /// The parts of what is pending on `volume`, `limit` at most.
    pub(super) fn of(volume: &Volume, limit: u8) -> Subsets {
        let limit = usize::from(limit.min(PARTS_MAX));
        let cuts = [Some(512), Some(4096), None];
        let mut parts = Vec::new();
        for sector_bytes in cuts {
            parts = parts_of(volume, sector_bytes);
            if parts.len() <= limit {
                break;
            }
        }
        Subsets {
            bits: parts.len().min(limit),
            parts,
            turns: volume.turns(),
        }
    }

    /// How many parts are pending. Where they are more than the limit, neighbours share their fate.
    #[must_use]
    pub fn parts(&self) -> usize {
        self.parts.len()
    }

    /// How many subsets there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        1 << self.bits
    }

    /// Of the first subsets, how many give the same disks as `before`, some operations ago, did.
    #[must_use]
    pub fn known_from(&self, before: &Subsets) -> u64 {
        let grown = self.turns == before.turns
            && self.parts.starts_with(&before.parts)
            && self.bits == self.parts.len();
        if grown { before.count() } else { 0 }
    }

    /// The volume of which `subset` survived; bits beyond the last are ignored.
    pub(super) fn crash(&self, volume: &Volume, subset: u64) -> Volume {
        let names = self.names(&volume.names, subset);
        volume.after_crash(names, |_, file| self.data(file, subset))
    }

    fn names(&self, names: &Names, subset: u64) -> Names {
        let mut pending = names.pending.iter();
        names.after_crash(|| {
            let at = pending.next().expect("asked once for each").at;
            self.parts_at(at).any(|(idx, _)| self.survives(idx, subset))
        })
    }

    fn data(&self, file: &FileState, subset: u64) -> Image {
        let mut image = file.durable.clone();
        for pending in &file.pending {
            for (idx, part) in self.parts_at(pending.at) {
                if self.survives(idx, subset) {
                    part.apply(&pending.change, &mut image);
                }
            }
        }
        image
    }

    /// The parts of one step.
    fn parts_at(&self, at: u64) -> impl Iterator<Item = (usize, &Part)> {
        let first = self.parts.partition_point(|part| part.at < at);
        let rest = self.parts[first..].iter().enumerate();
        rest.take_while(move |(_, part)| part.at == at)
            .map(move |(idx, part)| (first + idx, part))
    }

    fn survives(&self, part: usize, subset: u64) -> bool {
        let bit = part * self.bits / self.parts.len();
        subset >> bit & 1 == 1
    }
}

impl Part {
    fn apply(&self, change: &DataChange, image: &mut Image) {
        match change {
            DataChange::Write { offset, bytes } => {
                image.write_at(&bytes[self.start..self.end], offset + self.start as u64);
            }
            DataChange::SetLen(_) => change.apply(image),
        }
    }
}

/// All that is pending, in order, with writes cut at the bounds of sectors.
fn parts_of(volume: &Volume, sector_bytes: Option<u64>) -> Vec<Part> {
    let names = volume.names.pending.iter().map(|name| Part {
        at: name.at,
        start: 0,
        end: 0,
    });
    let mut parts: Vec<Part> = names.collect();
    let data = |(_, file): (FileId, &FileState)| -> Vec<Part> {
        let parts = file.pending.iter();
        parts.flat_map(|change| cut(change, sector_bytes)).collect()
    };
    parts.extend(volume.all_files().flat_map(data));
    parts.sort_by_key(|part| (part.at, part.start));
    parts
}

fn cut(pending: &Pending, sector_bytes: Option<u64>) -> Vec<Part> {
    let at = pending.at;
    let whole = |end| Part { at, start: 0, end };
    match (&pending.change, sector_bytes) {
        (DataChange::SetLen(_), _) => vec![whole(0)],
        (DataChange::Write { bytes, .. }, None) => vec![whole(bytes.len())],
        (DataChange::Write { offset, bytes }, Some(sector_bytes)) => {
            sectors(*offset, bytes.len(), sector_bytes)
                .map(|range| Part {
                    at,
                    start: range.start,
                    end: range.end,
                })
                .collect()
        }
    }
}

#[cfg(test)]
mod tests;

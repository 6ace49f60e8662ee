//! Harm to the medium: what rots, gets lost, or comes back from the past.

use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;

use super::hazard::Hazard;
use super::image::Image;
use super::operation::Disk;
use super::step::{FileId, MediumChange, Step};
use super::zone::Zone;
use crate::draw::Draw;

/// What a medium may do to a file behind everybody's back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Harm {
    /// One bit flips.
    FlipBit,
    /// A sector of 512 or 4096 bytes becomes zeros.
    ZeroSector,
    /// A sector of 512 or 4096 bytes becomes random bytes.
    GarbleSector,
    /// A sector of 512 or 4096 bytes cannot be read any more.
    BreakSector,
    /// A sector of 512 or 4096 bytes is what it was some syncs ago. Needs
    /// [`super::SimFileSystem::keep_generations`].
    StaleSector,
    /// A block of 4096 bytes holds what another block of its file does: a write that went astray.
    CopyBlock,
    /// The file loses its end.
    Truncate,
    /// The file is as a whole what it was some syncs ago. Needs [`super::SimFileSystem::keep_generations`].
    RollBack,
    /// The clean pages of all files leave the cache, so that reads see the medium.
    DropCache,
}

impl Harm {
    /// Every harm.
    pub const ALL: [Harm; 9] = [
        Harm::FlipBit,
        Harm::ZeroSector,
        Harm::GarbleSector,
        Harm::BreakSector,
        Harm::StaleSector,
        Harm::CopyBlock,
        Harm::Truncate,
        Harm::RollBack,
        Harm::DropCache,
    ];

    /// Its class.
    #[must_use]
    pub fn hazard(self) -> Hazard {
        match self {
            Harm::FlipBit | Harm::ZeroSector | Harm::GarbleSector => Hazard::Rot,
            Harm::BreakSector => Hazard::BadSector,
            Harm::StaleSector => Hazard::Stale,
            Harm::CopyBlock => Hazard::MisdirectedWrite,
            Harm::Truncate => Hazard::Truncation,
            Harm::RollBack => Hazard::RollBack,
            Harm::DropCache => Hazard::Eviction,
        }
    }
}

impl fmt::Display for Harm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Harm::FlipBit => "a bit flips",
            Harm::ZeroSector => "a sector becomes zeros",
            Harm::GarbleSector => "a sector becomes garbage",
            Harm::BreakSector => "a sector cannot be read any more",
            Harm::StaleSector => "a sector is what it was some syncs ago",
            Harm::CopyBlock => "a block holds what another one does",
            Harm::Truncate => "a file loses its end",
            Harm::RollBack => "a file is what it was some syncs ago",
            Harm::DropCache => "clean pages leave the cache",
        })
    }
}

/// How long sectors may be.
const SECTOR_BYTES: [u64; 2] = [512, 4096];
/// How many places are looked at for one that can be harmed.
const TRIES: usize = 32;
/// What is copied as a whole by [`Harm::CopyBlock`].
const BLOCK_BYTES: u64 = 4096;

/// What was harmed.
pub(super) struct Harmed {
    pub(super) path: PathBuf,
    pub(super) bytes: Range<u64>,
}

impl Disk {
    /// Harms a file of `zone` where `draw` says; `None` when there is nothing that could be harmed so.
    pub(super) fn harm(&mut self, harm: Harm, zone: &Zone, draw: &mut Draw) -> Option<Harmed> {
        if harm == Harm::DropCache {
            self.perform(Some(Step::DropCache));
            return Some(Harmed {
                path: PathBuf::new(),
                bytes: 0..u64::MAX,
            });
        }
        let targets = self.targets(zone);
        if targets.is_empty() {
            return None;
        }
        let (path, file) = draw.pick(&targets);
        let bytes = self.harm_file(harm, *file, zone, draw)?;
        let path = path.to_path_buf();
        Some(Harmed { path, bytes })
    }

    /// The files that have bytes in a zone.
    fn targets(&self, zone: &Zone) -> Vec<(Arc<Path>, FileId)> {
        let files = self.volume.names.files();
        let inside = files.filter(|(path, file)| {
            let len = self.volume.file(*file).cached.len();
            path.starts_with(zone.path()) && len > zone.range().start
        });
        inside
            .map(|(path, file)| (Arc::clone(path), file))
            .collect()
    }

    /// Harms bytes of a file that has some in the zone; which.
    fn harm_file(
        &mut self,
        harm: Harm,
        file: FileId,
        zone: &Zone,
        draw: &mut Draw,
    ) -> Option<Range<u64>> {
        let len = self.volume.file(file).cached.len();
        let zone = zone.range().start..zone.range().end.min(len);
        let offset = zone.start + draw.below(zone.end - zone.start);
        let sector = sector_around(offset, *draw.pick(&SECTOR_BYTES), &zone);
        match harm {
            Harm::FlipBit => {
                let sector = offset..offset + 1;
                let bit = 1 << draw.below(8);
                let flipped = self.bytes_of(file, &sector)[0] ^ bit;
                self.overwrite(file, sector, vec![flipped])
            }
            Harm::ZeroSector => self.overwrite(file, sector.clone(), vec![0; len_of(&sector)]),
            Harm::GarbleSector => {
                let garbage = draw.bytes(len_of(&sector));
                self.overwrite(file, sector, garbage)
            }
            Harm::BreakSector => {
                self.bad_sectors.push((file, sector.clone()));
                Some(sector)
            }
            Harm::StaleSector => {
                (0..TRIES).find_map(|_| self.make_stale(file, sector_in(&zone, draw), draw))
            }
            Harm::CopyBlock => (0..TRIES).find_map(|_| self.copy_block(file, &zone, draw)),
            Harm::Truncate => {
                self.damage(file, MediumChange::Truncate { len: offset });
                // Whatever the file has there, or was to have: no single copy of something.
                Some(offset..u64::MAX)
            }
            Harm::RollBack => self.roll_back(file, draw),
            Harm::DropCache => unreachable!("concerns no single file"),
        }
    }

    pub(super) fn damage(&mut self, file: FileId, change: MediumChange) {
        self.perform(Some(Step::Damage { file, change }));
    }

    fn overwrite(&mut self, file: FileId, at: Range<u64>, bytes: Vec<u8>) -> Option<Range<u64>> {
        let change = MediumChange::Overwrite {
            offset: at.start,
            bytes: Bytes::from(bytes),
        };
        self.damage(file, change);
        Some(at)
    }

    fn bytes_of(&self, file: FileId, range: &Range<u64>) -> Vec<u8> {
        bytes_of(&self.volume.file(file).cached, range)
    }

    /// Puts older bytes of a sector back, where any kept generation has others.
    fn make_stale(
        &mut self,
        file: FileId,
        sector: Range<u64>,
        draw: &mut Draw,
    ) -> Option<Range<u64>> {
        let now = self.bytes_of(file, &sector);
        let older = self.generations.of(file);
        let mut older: Vec<Vec<u8>> = older.map(|image| bytes_of(image, &sector)).collect();
        older.retain(|bytes| *bytes != now);
        if older.is_empty() {
            return None;
        }
        let bytes = older.swap_remove(draw.index(older.len()));
        self.overwrite(file, sector, bytes)
    }

    /// Writes a block of a zone over another one; `None` where they hold the same.
    fn copy_block(
        &mut self,
        file: FileId,
        zone: &Range<u64>,
        draw: &mut Draw,
    ) -> Option<Range<u64>> {
        let mut block = || {
            let offset = zone.start + draw.below(zone.end - zone.start);
            sector_around(offset, BLOCK_BYTES, zone)
        };
        let (from, to) = (block(), block());
        let len = len_of(&from).min(len_of(&to)) as u64;
        let (from, to) = (from.start..from.start + len, to.start..to.start + len);
        let bytes = self.bytes_of(file, &from);
        match bytes == self.bytes_of(file, &to) {
            true => None,
            false => self.overwrite(file, to, bytes),
        }
    }

    fn roll_back(&mut self, file: FileId, draw: &mut Draw) -> Option<Range<u64>> {
        let older: Vec<Image> = self.generations.of(file).cloned().collect();
        if older.is_empty() {
            return None;
        }
        let by = draw.pick(&older).clone();
        self.damage(file, MediumChange::Replace { by });
        Some(0..u64::MAX)
    }
}

/// Any sector of a zone.
fn sector_in(zone: &Range<u64>, draw: &mut Draw) -> Range<u64> {
    let offset = zone.start + draw.below(zone.end - zone.start);
    sector_around(offset, *draw.pick(&SECTOR_BYTES), zone)
}

/// The sector in which a byte lies, as far as it is in the zone.
fn sector_around(offset: u64, sector_bytes: u64, zone: &Range<u64>) -> Range<u64> {
    let start = offset - offset % sector_bytes;
    start.max(zone.start)..(start + sector_bytes).min(zone.end)
}

fn len_of(range: &Range<u64>) -> usize {
    usize::try_from(range.end - range.start).expect("at most a sector")
}

/// Bytes of an image; zeros past its end.
fn bytes_of(image: &Image, range: &Range<u64>) -> Vec<u8> {
    let mut bytes = vec![0; len_of(range)];
    image.read_at(&mut bytes, range.start);
    bytes
}

#[cfg(test)]
mod tests;

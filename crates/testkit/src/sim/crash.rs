//! What is left of unsynced changes when power is cut.
//!
//! # Source
//! Pillai et al., "All file systems are not created equal" (OSDI 2014), for what file systems reorder; Rebello et al.,
//! "Can applications recover from fsync failures?" (USENIX ATC 2020), for what syncs leave.

use std::fmt;
use std::ops::Range;

use super::file_state::{DataChange, FileState, Pending};
use super::hazard::Hazard;
use super::image::Image;
use super::names::Names;
use crate::draw::Draw;

/// Which unsynced changes survive a power cut. Choices within a policy are drawn from a seed.
///
/// What was synced survives under every policy of [`CrashPolicy::ALL`]. Bytes that no write since the last sync touched
/// never change under them, also not within a sector of which other bytes were written. [`CrashPolicy::BLASTS`] are
/// worse disks than a database has to survive: what they break must be *found*.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CrashPolicy {
    /// Nothing unsynced survives.
    LoseAll,
    /// Everything survives, in order: a process was killed, but power stayed on.
    KeepAll,
    /// A random subset of the writes, and of the names.
    Writes,
    /// A random subset of the 512-byte sectors of each write: torn and reordered.
    Sectors512,
    /// As `Sectors512`, with sectors of 4096 bytes.
    Sectors4096,
    /// Everything but the end of the very last write, which is torn at a random byte.
    TornLast,
    /// Writes within the durable length survive; every extension is lost.
    LengthsLost,
    /// All data survives; no name does that its folder's sync has not made durable.
    NamesLost,
    /// Names and lengths survive; the data does not: what was extended reads as zeros.
    DataLost,
    /// As `Sectors512`, but what was being written and is lost becomes random bytes, zeros, or what lies beside it.
    Garbage,
    /// Every file and name draws its own fate.
    Mixed,
    /// As `Sectors512`, but a sector that was being written may become garbage, zeros or what lies beside it as a
    /// whole, with the durable bytes in it.
    Blast512,
    /// As `Blast512`, with sectors of 4096 bytes.
    Blast4096,
    /// As `Blast512`, with sectors of 16384 bytes.
    Blast16384,
    /// One of all subsets of what is pending, cut into at most so many parts: into sectors where they are few enough.
    /// See [`crate::CrashPoints::exhaustive`].
    Subset(u8),
}

impl CrashPolicy {
    /// The policies of a disk that keeps what it promises.
    pub const ALL: [CrashPolicy; 11] = [
        CrashPolicy::LoseAll,
        CrashPolicy::KeepAll,
        CrashPolicy::Writes,
        CrashPolicy::Sectors512,
        CrashPolicy::Sectors4096,
        CrashPolicy::TornLast,
        CrashPolicy::LengthsLost,
        CrashPolicy::NamesLost,
        CrashPolicy::DataLost,
        CrashPolicy::Garbage,
        CrashPolicy::Mixed,
    ];

    /// The policies of a disk that may harm what is durable beside what is being written.
    pub const BLASTS: [CrashPolicy; 3] = [
        CrashPolicy::Blast512,
        CrashPolicy::Blast4096,
        CrashPolicy::Blast16384,
    ];

    /// Whether the seed decides anything: without it, one draw says all.
    #[must_use]
    pub fn is_random(self) -> bool {
        !matches!(
            self,
            CrashPolicy::LoseAll
                | CrashPolicy::KeepAll
                | CrashPolicy::LengthsLost
                | CrashPolicy::NamesLost
                | CrashPolicy::DataLost
        )
    }

    /// Whether bytes that were synced survive it.
    #[must_use]
    pub fn keeps_durable(self) -> bool {
        !CrashPolicy::BLASTS.contains(&self)
    }

    /// The class of what it does.
    #[must_use]
    pub fn hazard(self) -> Hazard {
        match self.keeps_durable() {
            true => Hazard::PowerCut,
            false => Hazard::Blast,
        }
    }

    /// A number of its own, for drawing.
    pub(crate) fn number(self) -> u64 {
        let named = CrashPolicy::ALL.iter().chain(&CrashPolicy::BLASTS);
        let count = named.clone().count() as u64;
        match self {
            CrashPolicy::Subset(limit) => count + u64::from(limit),
            _ => named.take_while(|policy| **policy != self).count() as u64,
        }
    }
}

/// Its name, without characters that a shell would take for its own.
impl fmt::Display for CrashPolicy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            CrashPolicy::Subset(limit) => write!(f, "Subset{limit}"),
            policy => write!(f, "{policy:?}"),
        }
    }
}

/// How often, in a hundred, a change survives where a policy leaves it to chance.
const SURVIVES_PERCENT: u64 = 60;

/// How often, in a hundred, a sector that was being written is spoiled as a whole, where a policy does that.
const BLASTS_PERCENT: u64 = 30;

/// One power cut in the making.
pub(super) struct Survival<'a> {
    policy: CrashPolicy,
    /// The step that `TornLast` tears.
    last_change: u64,
    draw: &'a mut Draw,
}

impl Survival<'_> {
    pub(super) fn new(policy: CrashPolicy, last_change: u64, draw: &mut Draw) -> Survival<'_> {
        Survival {
            policy,
            last_change,
            draw,
        }
    }

    /// Names that are left.
    pub(super) fn names(&mut self, names: &Names) -> Names {
        match self.policy {
            CrashPolicy::LoseAll | CrashPolicy::NamesLost => names.after_crash(|| false),
            CrashPolicy::KeepAll
            | CrashPolicy::TornLast
            | CrashPolicy::LengthsLost
            | CrashPolicy::DataLost => names.after_crash(|| true),
            _ if self.draw.chance(50) => self.first_names(names),
            _ => names.after_crash(|| self.draw.chance(SURVIVES_PERCENT)),
        }
    }

    /// A journal's way: the changes up to some point, and none after it.
    fn first_names(&mut self, names: &Names) -> Names {
        let mut left = self.draw.below(names.pending.len() as u64 + 1);
        names.after_crash(|| {
            let survives = left > 0;
            left = left.saturating_sub(1);
            survives
        })
    }

    /// The bytes of one file that are left.
    pub(super) fn data(&mut self, file: &FileState) -> Image {
        let policy = match self.policy {
            CrashPolicy::Mixed => *self.draw.pick(&CrashPolicy::ALL[..10]),
            policy => policy,
        };
        let mut image = file.durable.clone();
        match policy {
            CrashPolicy::LoseAll | CrashPolicy::Mixed | CrashPolicy::Subset(_) => {}
            CrashPolicy::KeepAll | CrashPolicy::NamesLost => apply_all(&file.pending, &mut image),
            CrashPolicy::Writes => self.some_writes(&file.pending, &mut image),
            CrashPolicy::Sectors512 => self.some_sectors(file, 512, &mut image),
            CrashPolicy::Sectors4096 => self.some_sectors(file, 4096, &mut image),
            CrashPolicy::TornLast => self.all_but_the_last(&file.pending, &mut image),
            CrashPolicy::LengthsLost => {
                apply_all(&file.pending, &mut image);
                image.set_len(image.len().min(file.durable.len()));
            }
            CrashPolicy::DataLost => image.set_len(file.cached.len()),
            CrashPolicy::Garbage => self.garbage(&file.pending, &mut image),
            CrashPolicy::Blast512 => self.blast(file, 512, &mut image),
            CrashPolicy::Blast4096 => self.blast(file, 4096, &mut image),
            CrashPolicy::Blast16384 => self.blast(file, 16384, &mut image),
        }
        image
    }

    fn some_writes(&mut self, pending: &[Pending], image: &mut Image) {
        for pending in pending {
            if self.draw.chance(SURVIVES_PERCENT) {
                pending.change.apply(image);
            }
        }
    }

    fn some_sectors(&mut self, file: &FileState, sector_bytes: u64, image: &mut Image) {
        keep_some_sectors(&file.pending, sector_bytes, self.draw, image);
        if self.draw.chance(50) {
            image.set_len(image.len().max(file.cached.len()));
        }
    }

    fn all_but_the_last(&mut self, pending: &[Pending], image: &mut Image) {
        for pending in pending {
            match &pending.change {
                DataChange::Write { offset, bytes } if pending.at == self.last_change => {
                    let kept = self.draw.index(bytes.len() + 1);
                    image.write_at(&bytes[..kept], *offset);
                }
                change => change.apply(image),
            }
        }
    }

    fn garbage(&mut self, pending: &[Pending], image: &mut Image) {
        for pending in pending {
            match &pending.change {
                DataChange::Write { offset, bytes } => {
                    for sector in sectors(*offset, bytes.len(), 512) {
                        let at = offset + sector.start as u64;
                        if self.draw.chance(SURVIVES_PERCENT) {
                            image.write_at(&bytes[sector], at);
                        } else if self.draw.chance(50) {
                            self.spoil(at..at + sector.len() as u64, image);
                        }
                    }
                }
                change => change.apply(image),
            }
        }
    }

    /// Some of what was written, and then some of the sectors around it spoiled as a whole.
    fn blast(&mut self, file: &FileState, sector_bytes: u64, image: &mut Image) {
        self.some_sectors(file, 512, image);
        let end = file.cached.len().max(file.durable.len());
        for pending in &file.pending {
            let DataChange::Write { offset, bytes } = &pending.change else {
                continue;
            };
            for sector in sectors(*offset, bytes.len(), sector_bytes) {
                let at = offset + sector.start as u64;
                let first = at - at % sector_bytes;
                if self.draw.chance(BLASTS_PERCENT) {
                    self.spoil(first..end.min(first + sector_bytes), image);
                }
            }
        }
    }

    /// Makes bytes random, zeros, or those beside them.
    fn spoil(&mut self, bytes: Range<u64>, image: &mut Image) {
        let len = usize::try_from(bytes.end.saturating_sub(bytes.start)).expect("a sector");
        let spoiled = match self.draw.below(3) {
            0 => self.draw.bytes(len),
            1 => vec![0; len],
            _ => neighbour(&bytes, len, image),
        };
        image.write_at(&spoiled, bytes.start);
    }
}

/// What lies before some bytes, or after the first ones of a file; zeros past its end.
fn neighbour(bytes: &Range<u64>, len: usize, image: &Image) -> Vec<u8> {
    let from = bytes.start.checked_sub(len as u64).unwrap_or(bytes.end);
    let mut beside = vec![0; len];
    image.read_at(&mut beside, from);
    beside
}

/// What a sync leaves on the medium that fails halfway.
pub(super) fn some_sectors_of(file: &FileState, seed: u64) -> Image {
    let mut image = file.durable.clone();
    keep_some_sectors(&file.pending, 512, &mut Draw::new(seed), &mut image);
    image
}

fn keep_some_sectors(pending: &[Pending], sector_bytes: u64, draw: &mut Draw, image: &mut Image) {
    for pending in pending {
        match &pending.change {
            DataChange::Write { offset, bytes } => {
                for sector in sectors(*offset, bytes.len(), sector_bytes) {
                    if draw.chance(SURVIVES_PERCENT) {
                        image.write_at(&bytes[sector.clone()], offset + sector.start as u64);
                    }
                }
            }
            DataChange::SetLen(len) if draw.chance(SURVIVES_PERCENT) => image.set_len(*len),
            DataChange::SetLen(_) => {}
        }
    }
}

fn apply_all(pending: &[Pending], image: &mut Image) {
    for pending in pending {
        pending.change.apply(image);
    }
}

/// The parts of a write of `len` bytes at `offset` that lie in one sector each, as ranges of the written bytes.
pub(super) fn sectors(
    offset: u64,
    len: usize,
    sector_bytes: u64,
) -> impl Iterator<Item = Range<usize>> {
    let mut start = 0;
    std::iter::from_fn(move || {
        if start == len {
            return None;
        }
        let left = sector_bytes - (offset + start as u64) % sector_bytes;
        let left = usize::try_from(left).expect("a sector fits in memory");
        let end = len.min(start + left);
        let sector = start..end;
        start = end;
        Some(sector)
    })
}

#[cfg(test)]
mod tests;

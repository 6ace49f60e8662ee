//! What is left of unsynced changes when power is cut.
//!
//! # Source
//! Pillai et al., "All file systems are not created equal" (OSDI 2014), for what file systems reorder; Rebello et al.,
//! "Can applications recover from fsync failures?" (USENIX ATC 2020), for what syncs leave.

use std::ops::Range;

use super::file_state::{DataChange, FileState, Pending};
use super::image::Image;
use super::names::Names;
use crate::draw::Draw;

/// Which unsynced changes survive a power cut. Choices within a policy are drawn from a seed.
///
/// What was synced survives under every policy. Bytes that no write since the last sync touched never change, also
/// not within a sector of which other bytes were written.
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
    /// As `Sectors512`, but what was being written and is lost becomes random bytes.
    Garbage,
    /// Every file and name draws its own fate.
    Mixed,
}

impl CrashPolicy {
    /// Every policy.
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
}

/// How often, in a hundred, a change survives where a policy leaves it to chance.
const SURVIVES_PERCENT: u64 = 60;

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
            CrashPolicy::LoseAll | CrashPolicy::Mixed => {}
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
        for pending in &file.pending {
            match &pending.change {
                DataChange::Write { offset, bytes } => {
                    for sector in sectors(*offset, bytes.len(), sector_bytes) {
                        if self.draw.chance(SURVIVES_PERCENT) {
                            image.write_at(&bytes[sector.clone()], offset + sector.start as u64);
                        }
                    }
                }
                DataChange::SetLen(len) if self.draw.chance(SURVIVES_PERCENT) => {
                    image.set_len(*len)
                }
                DataChange::SetLen(_) => {}
            }
        }
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
                            image.write_at(&self.draw.bytes(sector.len()), at);
                        }
                    }
                }
                change => change.apply(image),
            }
        }
    }
}

fn apply_all(pending: &[Pending], image: &mut Image) {
    for pending in pending {
        pending.change.apply(image);
    }
}

/// The parts of a write of `len` bytes at `offset` that lie in one sector each, as ranges of the written bytes.
fn sectors(offset: u64, len: usize, sector_bytes: u64) -> impl Iterator<Item = Range<usize>> {
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

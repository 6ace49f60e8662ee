//! What a fault makes of a step.

use std::io;
use std::ops::Range;

use super::errno::Errno;
use super::fault::{Effect, OpKind};
use super::image::FILE_BYTES_MAX;
use super::operation::{Disk, refused, struck};
use super::step::{FileId, Step, SyncFailure};

/// What is done in place of a step, and what the caller is told: of a write, how many bytes were taken.
type Bent = (Option<Step>, io::Result<usize>);

impl Step {
    /// The step as it was meant.
    pub(super) fn whole(self) -> Bent {
        let count = self.written();
        (Some(self), Ok(count))
    }

    /// The bytes of the file that it writes; all for what is no write.
    pub(super) fn bytes(&self) -> Range<u64> {
        match self {
            Step::Write { offset, bytes, .. } => *offset..*offset + bytes.len() as u64,
            _ => 0..u64::MAX,
        }
    }

    /// How many bytes it writes.
    pub(super) fn written(&self) -> usize {
        match self {
            Step::Write { bytes, .. } => bytes.len(),
            _ => 0,
        }
    }

    /// The first `count` bytes of a write; nothing of any other step.
    fn beginning(self, count: usize) -> Option<Step> {
        match self {
            Step::Write {
                file,
                offset,
                bytes,
            } => Some(Step::Write {
                file,
                offset,
                bytes: bytes.slice(..count),
            }),
            _ => None,
        }
    }
}

impl Effect {
    /// The bytes that it may harm, of an operation on these.
    pub(super) fn reach(self, bytes: Range<u64>) -> Range<u64> {
        match self {
            Effect::MisdirectedWrite { by } | Effect::MisdirectedBelowCache { by } => {
                let start = bytes.start.saturating_add_signed(by);
                let end = bytes.end.saturating_add_signed(by);
                bytes.start.min(start)..bytes.end.max(end)
            }
            _ => bytes,
        }
    }
}

impl Disk {
    /// What a fault makes of a step. An effect that does not fit the step has none.
    pub(super) fn bend(&mut self, on: OpKind, effect: Effect, step: Step) -> Bent {
        match effect {
            Effect::Error(kind) => (None, Err(struck(on, kind))),
            Effect::Errno(errno) => (None, Err(refused(on, errno))),
            Effect::Partial(kind) => (self.part_of(step), Err(struck(on, kind))),
            effect => match step {
                Step::Sync { file } => self.bend_sync(effect, file),
                Step::Write { .. } => self.bend_write(effect, step),
                step => step.whole(),
            },
        }
    }

    fn bend_sync(&self, effect: Effect, file: FileId) -> Bent {
        let fail = |how| Some(Step::FailSync { file, how });
        let error = || Err(struck(OpKind::Sync, io::ErrorKind::Other));
        match effect {
            Effect::SyncMarkedClean => (fail(SyncFailure::MarkedClean), error()),
            Effect::SyncReverted => (fail(SyncFailure::Reverted), error()),
            Effect::SyncLate => (fail(SyncFailure::Late), Ok(0)),
            Effect::SyncPartly => {
                let seed = self.draw_for(5).number();
                (fail(SyncFailure::Partly { seed }), error())
            }
            Effect::SyncFull => {
                let full = Err(refused(OpKind::Sync, Errno::Enospc));
                (fail(SyncFailure::MarkedClean), full)
            }
            _ => Step::Sync { file }.whole(),
        }
    }

    fn bend_write(&self, effect: Effect, step: Step) -> Bent {
        let count = step.written();
        match effect {
            Effect::Short if count > 1 => {
                let taken = 1 + self.draw_for(3).index(count - 1);
                (step.beginning(taken), Ok(taken))
            }
            Effect::LostWrite => (None, Ok(count)),
            Effect::LostBelowCache => (step.landing(None), Ok(count)),
            Effect::MisdirectedBelowCache { by } => (step.landing(Some(by)), Ok(count)),
            Effect::MisdirectedWrite { by } => (step.moved(by), Ok(count)),
            _ => step.whole(),
        }
    }

    /// A random beginning of a write; nothing of any other step.
    pub(super) fn part_of(&self, step: Step) -> Option<Step> {
        let count = step.written();
        step.beginning(self.draw_for(3).index(count + 1))
    }
}

impl Step {
    /// A write that lands elsewhere, for all to see.
    fn moved(self, by: i64) -> Option<Step> {
        match self {
            Step::Write {
                file,
                offset,
                bytes,
            } => Some(Step::Write {
                file,
                offset: moved(offset, by, bytes.len()),
                bytes,
            }),
            _ => None,
        }
    }

    /// A write that the medium gets elsewhere, or nowhere, and reads see where it belongs.
    pub(super) fn landing(self, by: Option<i64>) -> Option<Step> {
        match self {
            Step::Write {
                file,
                offset,
                bytes,
            } => Some(Step::DivertWrite {
                file,
                offset,
                lands: by.map(|by| moved(offset, by, bytes.len())),
                bytes,
            }),
            _ => None,
        }
    }
}

/// Where a misdirected write of `len` bytes lands.
fn moved(offset: u64, by: i64, len: usize) -> u64 {
    offset
        .saturating_add_signed(by)
        .min(FILE_BYTES_MAX - len as u64)
}

//! Faults on demand: which operation goes wrong, how often, and how.

use std::fmt;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::errno::Errno;
use super::hazard::Hazard;

/// An operation that a fault may strike.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OpKind {
    /// `open`, in any mode.
    Open,
    /// `read_at`, `read_exact_at`.
    Read,
    /// `write_all_at`.
    Write,
    /// `set_len`.
    SetLen,
    /// `sync` of a file.
    Sync,
    /// `sync_dir`.
    SyncDir,
    /// `create_dir_all`.
    CreateDir,
    /// `rename`.
    Rename,
    /// `remove_file`.
    Remove,
    /// `list_dir`, `exists`, `len`.
    Look,
}

impl OpKind {
    /// Every kind.
    pub const ALL: [OpKind; 10] = [
        OpKind::Open,
        OpKind::Read,
        OpKind::Write,
        OpKind::SetLen,
        OpKind::Sync,
        OpKind::SyncDir,
        OpKind::CreateDir,
        OpKind::Rename,
        OpKind::Remove,
        OpKind::Look,
    ];
}

/// How an operation goes wrong. An effect that does not fit the operation has none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It fails and does nothing. For a sync this leaves everything as unsynced as before.
    Error(io::ErrorKind),
    /// As `Error`, by the system's name.
    Errno(Errno),
    /// A write fails after a random part of it was done. Other operations just fail.
    Partial(io::ErrorKind),
    /// A read or write does a random part of what it was asked for, and succeeds; the rest is another operation, since
    /// [`drystone_base::File`] goes on by itself.
    Short,
    /// It takes so long, by the clock of the disk, and succeeds.
    Slow(Duration),
    /// A sync fails; the pages count as clean: nothing is written now or by a later sync, which succeeds; reads see
    /// the new bytes until [`super::SimFileSystem::drop_cache`] or a restart. As ext4 (ordered) and XFS do.
    SyncMarkedClean,
    /// As `SyncMarkedClean`, but a random part of what was pending did reach the medium.
    SyncPartly,
    /// As `SyncMarkedClean`, with `StorageFull`: the room for what had been written was not there after all. As file
    /// systems do that allocate only then.
    SyncFull,
    /// A sync succeeds but writes nothing; the next sync of the file fails. As ext4 (data=journal) does.
    SyncLate,
    /// A sync fails and reads see the last durable bytes again. As Btrfs does.
    SyncReverted,
    /// A write succeeds and nothing is written, now or later; reads see the old bytes.
    LostWrite,
    /// A write succeeds and reads see it, but the medium never gets it: the old bytes are back after
    /// [`super::SimFileSystem::drop_cache`] or a restart, syncs or not.
    LostBelowCache,
    /// A read succeeds but gives what is this many bytes further on (or back; never before the start of the file).
    MisdirectedRead {
        /// How far off, in bytes.
        by: i64,
    },
    /// A write succeeds but lands this many bytes further on (or back; never before the start of the file).
    MisdirectedWrite {
        /// How far off, in bytes.
        by: i64,
    },
    /// As `MisdirectedWrite` on the medium, while reads see it where it belongs until
    /// [`super::SimFileSystem::drop_cache`] or a restart.
    MisdirectedBelowCache {
        /// How far off, in bytes.
        by: i64,
    },
}

impl Effect {
    /// The class of what goes wrong.
    #[must_use]
    pub fn hazard(self) -> Hazard {
        match self {
            Effect::Error(io::ErrorKind::Interrupted) | Effect::Errno(Errno::Eintr) => {
                Hazard::Piecemeal
            }
            Effect::Error(_) | Effect::Errno(_) | Effect::Partial(_) => Hazard::Refusal,
            Effect::Short => Hazard::Piecemeal,
            Effect::Slow(_) => Hazard::SlowDisk,
            Effect::SyncMarkedClean
            | Effect::SyncPartly
            | Effect::SyncFull
            | Effect::SyncReverted => Hazard::SyncFailure,
            Effect::SyncLate => Hazard::LyingSync,
            Effect::LostWrite | Effect::LostBelowCache => Hazard::LostWrite,
            Effect::MisdirectedRead { .. } => Hazard::MisdirectedRead,
            Effect::MisdirectedWrite { .. } | Effect::MisdirectedBelowCache { .. } => {
                Hazard::MisdirectedWrite
            }
        }
    }

    /// Whether the operation is tried again by itself, for ever if need be.
    fn interrupts(self) -> bool {
        matches!(
            self,
            Effect::Error(io::ErrorKind::Interrupted) | Effect::Errno(Errno::Eintr)
        )
    }
}

/// One fault: strikes the operations of a kind, on all paths or some, from the n-th on, once or more often.
///
/// ```
/// use drystone_testkit::{Errno, Fault, OpKind};
///
/// // The third and fourth sync or write under the log from now on fail.
/// let fault = Fault::errno(OpKind::Sync, Errno::Eio).or(OpKind::Write).under("db/log").nth(3).times(2);
/// assert_eq!(fault.to_string(), "Sync or Write no. 3 under db/log: Errno(Eio), 2 times");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    on: Vec<OpKind>,
    effect: Effect,
    under: Option<PathBuf>,
    /// Operations to leave alone first.
    skip: u64,
    /// Operations to strike; `None` for ever.
    left: Option<u64>,
}

impl Fault {
    /// The next operation of kind `on`, on any path, goes wrong, once.
    #[must_use]
    pub fn new(on: OpKind, effect: Effect) -> Fault {
        Fault {
            on: vec![on],
            effect,
            under: None,
            skip: 0,
            left: Some(1),
        }
    }

    /// The next operation of kind `on` fails with `kind`, once. `ErrorKind::Other` stands for EIO.
    #[must_use]
    pub fn error(on: OpKind, kind: io::ErrorKind) -> Fault {
        Fault::new(on, Effect::Error(kind))
    }

    /// The next operation of kind `on` fails with `errno`, once.
    #[must_use]
    pub fn errno(on: OpKind, errno: Errno) -> Fault {
        Fault::new(on, Effect::Errno(errno))
    }

    /// Also operations of this kind, counted together.
    #[must_use]
    pub fn or(mut self, on: OpKind) -> Fault {
        self.on.push(on);
        self
    }

    /// Only on this path, or inside this folder.
    #[must_use]
    pub fn under(mut self, path: impl Into<PathBuf>) -> Fault {
        self.under = Some(path.into());
        self
    }

    /// Not the next one, but the `nth` from now on, counted from 1.
    #[must_use]
    pub fn nth(mut self, nth: u64) -> Fault {
        self.skip = nth.saturating_sub(1);
        self
    }

    /// `count` operations in a row, not one.
    #[must_use]
    pub fn times(mut self, count: u64) -> Fault {
        self.left = Some(count);
        self
    }

    /// All operations from there on.
    ///
    /// # Panics
    /// For an interruption: the operation would be tried again for ever.
    #[must_use]
    pub fn for_ever(mut self) -> Fault {
        assert!(
            !self.effect.interrupts(),
            "what is interrupted for ever hangs"
        );
        self.left = None;
        self
    }

    /// The class of what it does.
    #[must_use]
    pub fn hazard(&self) -> Hazard {
        self.effect.hazard()
    }

    /// The paths that it is limited to.
    #[must_use]
    pub fn limited_to(&self) -> Option<&Path> {
        self.under.as_deref()
    }

    fn matches(&self, on: OpKind, path: &Path) -> bool {
        let under = self.under.as_deref();
        self.left != Some(0)
            && self.on.contains(&on)
            && under.is_none_or(|under| path.starts_with(under))
    }

    /// Counts an operation that matches; whether it is struck.
    fn strikes(&mut self) -> bool {
        if self.skip > 0 {
            self.skip -= 1;
            return false;
        }
        if let Some(left) = &mut self.left {
            *left -= 1;
        }
        true
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (idx, on) in self.on.iter().enumerate() {
            let or = if idx > 0 { " or " } else { "" };
            write!(f, "{or}{on:?}")?;
        }
        write!(f, " no. {}", self.skip + 1)?;
        if let Some(under) = &self.under {
            write!(f, " under {}", under.display())?;
        }
        write!(f, ": {:?}", self.effect)?;
        match self.left {
            None => f.write_str(", for ever"),
            Some(1) => Ok(()),
            Some(count) => write!(f, ", {count} times"),
        }
    }
}

/// A fault that struck.
#[derive(Clone, Copy, Debug)]
pub(super) struct Strike {
    pub(super) effect: Effect,
    /// The item of a plan that it came from.
    pub(super) item: Option<usize>,
}

/// The faults that wait to happen.
#[derive(Clone, Debug, Default)]
pub(super) struct Faults {
    list: Vec<(Fault, Option<usize>)>,
    struck: u64,
}

impl Faults {
    pub(super) fn add(&mut self, fault: Fault, item: Option<usize>) {
        self.list.push((fault, item));
    }

    pub(super) fn clear(&mut self) {
        self.list.clear();
    }

    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// How many operations went wrong so far.
    pub(super) fn struck(&self) -> u64 {
        self.struck
    }

    /// What is to happen to an operation; every fault that waits for it counts it.
    pub(super) fn strike(&mut self, on: OpKind, path: &Path) -> Option<Strike> {
        let mut strike = None;
        for (fault, item) in &mut self.list {
            if fault.matches(on, path) && fault.strikes() {
                let effect = fault.effect;
                strike = strike.or(Some(Strike {
                    effect,
                    item: *item,
                }));
            }
        }
        self.struck += u64::from(strike.is_some());
        strike
    }
}

#[cfg(test)]
mod tests;

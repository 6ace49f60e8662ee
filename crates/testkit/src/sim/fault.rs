//! Faults on demand: which operation goes wrong, how often, and how.

use std::io;
use std::path::{Path, PathBuf};

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

/// How an operation goes wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// It fails and does nothing. For a sync this leaves everything as unsynced as before.
    Error(io::ErrorKind),
    /// A write fails after a random part of it was done. Other operations just fail.
    Partial(io::ErrorKind),
    /// A sync fails; the pages count as clean: nothing is written now or by a later sync, which succeeds; reads see
    /// the new bytes until [`super::SimFileSystem::drop_cache`] or a restart. As ext4 (ordered) and XFS do.
    SyncMarkedClean,
    /// A sync succeeds but writes nothing; the next sync of the file fails. As ext4 (data=journal) does.
    SyncLate,
    /// A sync fails and reads see the last durable bytes again. As Btrfs does.
    SyncReverted,
    /// A write succeeds and nothing is written, now or later; reads see the old bytes.
    LostWrite,
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
}

/// One fault: strikes the operations of a kind, on all paths or some, from the n-th on, once or more often.
///
/// ```
/// use drystone_testkit::{Fault, OpKind};
/// use std::io::ErrorKind;
///
/// // The third and fourth sync of the log from now on fail.
/// let fault = Fault::error(OpKind::Sync, ErrorKind::Other).under("db/log").nth(3).times(2);
/// # let _ = fault;
/// ```
#[derive(Clone, Debug)]
pub struct Fault {
    on: OpKind,
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
            on,
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
    #[must_use]
    pub fn for_ever(mut self) -> Fault {
        self.left = None;
        self
    }

    fn matches(&self, on: OpKind, path: &Path) -> bool {
        let under = self.under.as_deref();
        self.on == on && self.left != Some(0) && under.is_none_or(|under| path.starts_with(under))
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

/// The faults that wait to happen.
#[derive(Debug, Default)]
pub(super) struct Faults {
    list: Vec<Fault>,
    struck: u64,
}

impl Faults {
    pub(super) fn add(&mut self, fault: Fault) {
        self.list.push(fault);
    }

    pub(super) fn clear(&mut self) {
        self.list.clear();
    }

    /// How many operations went wrong so far.
    pub(super) fn struck(&self) -> u64 {
        self.struck
    }

    /// What is to happen to an operation; every fault that waits for it counts it.
    pub(super) fn strike(&mut self, on: OpKind, path: &Path) -> Option<Effect> {
        let mut effect = None;
        for fault in &mut self.list {
            if fault.matches(on, path) && fault.strikes() {
                effect = effect.or(Some(fault.effect));
            }
        }
        self.struck += u64::from(effect.is_some());
        effect
    }
}

//! One file: what is on the medium, and what is only in the cache.
//!
//! # Invariants
//! - I1. Unless `stale_cache` is set, `cached` is `durable` with all of `pending` applied in order.
//! - I2. `pending` ascends by `at`, the number of the step.

use bytes::Bytes;

use super::crash;
use super::image::Image;
use super::step::{MediumChange, SyncFailure};

/// A change that no sync has made durable.
#[derive(Clone, Debug)]
pub(super) struct Pending {
    /// Number of the step that made it.
    pub(super) at: u64,
    pub(super) change: DataChange,
}

#[derive(Clone, Debug)]
pub(super) enum DataChange {
    Write { offset: u64, bytes: Bytes },
    SetLen(u64),
}

impl DataChange {
    pub(super) fn apply(&self, image: &mut Image) {
        match self {
            DataChange::Write { offset, bytes } => image.write_at(bytes, *offset),
            DataChange::SetLen(len) => image.set_len(*len),
        }
    }
}

#[derive(Clone, Debug, Default)]
pub(super) struct FileState {
    pub(super) durable: Image,
    /// What reads see.
    pub(super) cached: Image,
    pub(super) pending: Vec<Pending>,
    /// A failed sync or a lost write left bytes in the cache that no later sync writes.
    stale_cache: bool,
    /// The next sync reports the failure of an earlier one.
    pub(super) owes_error: bool,
}

impl FileState {
    /// A file after a restart: only what is durable.
    pub(super) fn restarted(durable: Image) -> FileState {
        FileState {
            cached: durable.clone(),
            durable,
            ..FileState::default()
        }
    }

    /// Whether a crash could leave anything other than what reads and syncs see. An error that is owed is the cache's
    /// too: nobody remembers it without power.
    pub(super) fn is_settled(&self) -> bool {
        self.pending.is_empty() && !self.stale_cache && !self.owes_error
    }

    pub(super) fn change(&mut self, at: u64, change: DataChange) {
        change.apply(&mut self.cached);
        self.pending.push(Pending { at, change });
    }

    /// A write of which reads see one thing and the medium gets another.
    pub(super) fn divert(&mut self, at: u64, seen: &DataChange, written: Option<DataChange>) {
        seen.apply(&mut self.cached);
        self.stale_cache = true;
        self.pending
            .extend(written.map(|change| Pending { at, change }));
    }

    pub(super) fn sync(&mut self) {
        if !self.stale_cache {
            self.durable = self.cached.clone();
        } else {
            apply_all(&self.pending, &mut self.durable);
        }
        self.pending.clear();
    }

    pub(super) fn fail_sync(&mut self, how: SyncFailure) {
        match how {
            SyncFailure::MarkedClean => self.stale_cache = true,
            SyncFailure::Late => {
                self.stale_cache = true;
                self.owes_error = true;
            }
            SyncFailure::Reverted => self.cached = self.durable.clone(),
            SyncFailure::Partly { seed } => {
                self.durable = crash::some_sectors_of(self, seed);
                self.stale_cache = true;
            }
        }
        self.pending.clear();
    }

    /// Forgets cached pages that are clean: reads then see what is durable, with what is pending.
    pub(super) fn drop_cache(&mut self) {
        self.cached = self.durable.clone();
        apply_all(&self.pending, &mut self.cached);
        self.stale_cache = false;
    }

    /// Changes the medium itself, behind the cache's back and in it.
    pub(super) fn damage(&mut self, change: &MediumChange) {
        change.apply(&mut self.durable);
        change.apply(&mut self.cached);
    }
}

fn apply_all(pending: &[Pending], image: &mut Image) {
    for pending in pending {
        pending.change.apply(image);
    }
}

//! Holds: names under which records are kept from being trimmed, each within a bound.

use std::sync::Arc;

use drystone_base::Lsn;

use crate::error::WalError;
use crate::log::Log;
use crate::shared::Shared;

/// Keeps the records from some number on from being trimmed, until it is dropped: for a replica, a change stream, a
/// backup that must not fall behind. See [`Log::hold`].
///
/// What it keeps is bounded: see [`Hold::is_lost`]. It lives as long as the process; who needs the log after a reopen
/// takes the hold again before the first [`Log::trim`], or lets [`LogOptions::retain_bytes`](crate::LogOptions) bridge
/// the time until then.
#[derive(Debug)]
pub struct Hold {
    shared: Arc<Shared>,
    id: u64,
}

/// A hold, as [`Log::holds`] shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldStats {
    /// What it was called.
    pub name: String,
    /// The oldest record that it needs.
    pub needs: Lsn,
    /// The most that it may keep from being trimmed, in bytes of segment files.
    pub bytes_max: u64,
    /// Whether what it needs was trimmed, because it would have been too much.
    pub is_lost: bool,
}

impl Hold {
    pub(crate) fn take(
        shared: Arc<Shared>,
        name: &str,
        from: Lsn,
        bytes_max: u64,
    ) -> Result<Hold, WalError> {
        let needs = from.max(Lsn(1));
        let id = {
            let mut state = shared.state.lock();
            check_left(needs, state.oldest)?;
            state.holds.add(name, needs, bytes_max)
        };
        Ok(Hold { shared, id })
    }

    /// The oldest record that it needs.
    #[must_use]
    pub fn needs(&self) -> Lsn {
        self.shared.state.lock().holds.needs(self.id)
    }

    /// Says that the records before `next` are no longer needed; later trims and steps of the log may take them. Also
    /// back, as far as records are left; and a hold that was lost holds again from there on.
    ///
    /// # Errors
    /// [`WalError::Trimmed`], which names the oldest record that is left; the hold stays as it was.
    pub fn advance(&self, next: Lsn) -> Result<(), WalError> {
        let next = next.max(Lsn(1));
        let mut state = self.shared.state.lock();
        check_left(next, state.oldest)?;
        state.holds.set(self.id, next);
        Ok(())
    }

    /// Whether the record that it needs was trimmed, because more than its bound would have had to be kept.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        let state = self.shared.state.lock();
        state.holds.needs(self.id) < state.oldest
    }
}

impl Drop for Hold {
    fn drop(&mut self) {
        self.shared.state.lock().holds.remove(self.id);
    }
}

fn check_left(wanted: Lsn, oldest: Lsn) -> Result<(), WalError> {
    if wanted < oldest {
        return Err(WalError::Trimmed { wanted, oldest });
    }
    Ok(())
}

/// The holds of a log.
#[derive(Debug, Default)]
pub(crate) struct Holds {
    entries: Vec<Entry>,
    next_id: u64,
}

#[derive(Debug)]
struct Entry {
    id: u64,
    name: String,
    needs: Lsn,
    bytes_max: u64,
}

impl Holds {
    fn add(&mut self, name: &str, needs: Lsn, bytes_max: u64) -> u64 {
        self.next_id += 1;
        self.entries.push(Entry {
            id: self.next_id,
            name: name.to_owned(),
            needs,
            bytes_max,
        });
        self.next_id
    }

    fn needs(&self, id: u64) -> Lsn {
        let entry = self.entries.iter().find(|entry| entry.id == id);
        entry.map_or(Lsn::MAX, |entry| entry.needs)
    }

    fn set(&mut self, id: u64, needs: Lsn) {
        if let Some(entry) = self.entries.iter_mut().find(|entry| entry.id == id) {
            entry.needs = needs;
        }
    }

    fn remove(&mut self, id: u64) {
        self.entries.retain(|entry| entry.id != id);
    }

    /// Whether one of them needs the oldest segment, which ends before `until`, where `bytes` would be kept for it. One
    /// that was lost before (it needs records older than `oldest`) keeps nothing.
    pub(crate) fn keep(&self, oldest: Lsn, until: Lsn, bytes: u64) -> bool {
        let mut entries = self.entries.iter();
        entries.any(|entry| {
            let needs = oldest <= entry.needs && entry.needs < until;
            needs && bytes <= entry.bytes_max
        })
    }

    pub(crate) fn stats(&self, oldest: Lsn) -> Vec<HoldStats> {
        let entries = self.entries.iter();
        let stats = entries.map(|entry| HoldStats {
            name: entry.name.clone(),
            needs: entry.needs,
            bytes_max: entry.bytes_max,
            is_lost: entry.needs < oldest,
        });
        stats.collect()
    }
}

impl Log {
    /// Keeps the records from `from` on ([`Lsn::ZERO`] as `Lsn(1)`) from being trimmed, until the hold is dropped or moved
    /// on, as long as trims are held back by no more than `bytes_max` bytes of segment files. Beyond that it is lost:
    /// the log is trimmed as if it were not there, and readers of what it needed get [`WalError::Trimmed`].
    ///
    /// `name` is for people: see [`Log::holds`].
    ///
    /// # Errors
    /// [`WalError::Trimmed`] when `from` is gone already.
    pub fn hold(&self, name: &str, from: Lsn, bytes_max: u64) -> Result<Hold, WalError> {
        Hold::take(Arc::clone(self.shared()), name, from, bytes_max)
    }

    /// The holds that there are, in the order in which they were taken.
    #[must_use]
    pub fn holds(&self) -> Vec<HoldStats> {
        let state = self.shared().state.lock();
        state.holds.stats(state.oldest)
    }
}

//! Gathering: a leader waits a moment for those who are about to come, so that they need not wait for another sync.
//!
//! Without that, threads that commit over and over fall into two groups of which each waits for the other's sync: half of
//! them are woken when the other half's group has just been taken. A group that waits until the woken ones are back,
//! some microseconds beside a sync of a hundred, holds them all.
//!
//! # Invariants
//! - G1. Who is alone waits for nobody: nobody is expected who was not waiting when the last group ended.
//! - G2. A leader waits for half of what the last sync took, and so many turns of other threads, at most; and where the
//!   expected do not come, leaders do so ever more rarely.
//!
//! # Source
//! The idea is `commit_delay` and `commit_siblings` of PostgreSQL. There people set how long and for how many; here both are
//! what the last group shows.

use std::time::Duration;

use drystone_base::Lsn;
use drystone_base::sync::MutexGuard;
use drystone_base::sync::thread::yield_now;

use crate::shared::{PoisonOnUnwind, Shared};
use crate::state::State;

/// How often a leader lets other threads run, at most. In models each is a step, and time stands still.
const YIELDS_MAX: u32 = if cfg!(any(shuttle, loom)) { 3 } else { 100 };

/// For how many groups nobody gathers, at most, after a gathering that was in vain.
const PAUSE_MAX: u32 = 63;

/// Who waits for syncs, as far as leaders must know.
#[derive(Debug, Default)]
pub(crate) struct Crowd {
    /// The last record of the synced group in flight, or synced last. Groups that are only written are none of these: whoever
    /// waits for a sync waits on.
    upto: Lsn,
    /// How many wait for the synced group after that.
    waiting: u32,
    /// How many waited for the group up to `upto` when it was taken.
    in_flight: u32,
    /// How many waited at all when the last group ended. Those that it woke may be back soon.
    expected: u32,
    /// How long the last sync took.
    sync_time: Duration,
    /// How many groups are still written without gathering.
    pause: u32,
    /// How many that will be after the next gathering in vain.
    next_pause: u32,
}

impl Crowd {
    /// Somebody waits for the sync of a record, unless the group in flight brings that.
    pub(crate) fn enter(&mut self, lsn: Lsn) {
        if lsn > self.upto {
            self.waiting += 1;
        }
    }

    /// A group up to this record is about to be written and synced.
    pub(crate) fn begin_group(&mut self, upto: Lsn) {
        self.upto = upto;
        self.in_flight = std::mem::take(&mut self.waiting);
    }

    /// A group was written and synced in this time.
    pub(crate) fn end_group(&mut self, time: Duration) {
        self.expected = self.in_flight + self.waiting;
        self.sync_time = time;
    }

    fn is_complete(&self) -> bool {
        self.waiting >= self.expected
    }

    /// Whether a leader is to gather.
    fn begin(&mut self) -> bool {
        if self.is_complete() {
            return false;
        }
        let is_on = self.pause == 0;
        self.pause = self.pause.saturating_sub(1);
        is_on
    }

    fn end(&mut self) {
        if self.is_complete() {
            self.next_pause = 0;
            return;
        }
        self.pause = self.next_pause;
        self.next_pause = (2 * self.next_pause + 1).min(PAUSE_MAX);
    }
}

impl Shared {
    /// Waits for those who are expected. The caller has the writer, so nobody leads meanwhile.
    pub(crate) fn gather(&self, state: &mut MutexGuard<'_, State>) {
        if !state.crowd.begin() {
            return;
        }
        let time_max = state.crowd.sync_time / 2;
        let mut end = None;
        for _ in 0..YIELDS_MAX {
            let is_over = MutexGuard::unlocked(state, || {
                let unwinding = PoisonOnUnwind(self);
                let now = self.clock.monotonic();
                yield_now();
                std::mem::forget(unwinding);
                now >= *end.get_or_insert(now.saturating_add(time_max))
            });
            if is_over || state.crowd.is_complete() {
                break;
            }
        }
        state.crowd.end();
    }
}

#[cfg(test)]
mod tests;

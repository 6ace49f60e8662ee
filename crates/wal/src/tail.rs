//! Waiting for what becomes durable: how readers learn of it, by sleeping or as tasks that are woken.

use std::task::{Context, Waker};
use std::time::Duration;

use drystone_base::Lsn;

use crate::error::WalError;
use crate::shared::Shared;
use crate::state::State;
use crate::wakers::{self, WakerId};

/// What there is for a reader that has read all it could.
#[derive(Debug)]
pub(crate) enum More {
    /// More to read.
    Durable,
    /// Nothing now.
    NotYet,
    /// Nothing ever: the log was closed.
    Never,
}

impl Shared {
    /// What there is for a reader that wants `next`.
    ///
    /// # Errors
    /// [`WalError::Poisoned`] when that will not become durable.
    fn more(&self, state: &State, next: Lsn) -> Result<More, WalError> {
        if self.durable() >= next {
            return Ok(More::Durable);
        }
        state.check_poison()?;
        Ok(match state.is_closed {
            true => More::Never,
            false => More::NotYet,
        })
    }

    /// Waits until `next` is durable, for `time` at most. The end is that of the environment's clock; where that stands
    /// still, the wait takes as long on the real one.
    pub(crate) fn wait_for_more(&self, next: Lsn, time: Duration) -> Result<More, WalError> {
        let is_bounded = time < Duration::MAX;
        let deadline = is_bounded.then(|| self.clock.monotonic().saturating_add(time));
        loop {
            // The clock is not asked under the latch.
            let left = deadline.map(|end| end.saturating_sub(self.clock.monotonic()));
            let mut state = self.state.lock();
            let more = self.more(&state, next)?;
            if !matches!(more, More::NotYet) {
                return Ok(more);
            }
            match left {
                None => self.tails.wait(&mut state),
                Some(Duration::ZERO) => return Ok(more),
                Some(left) => {
                    if self.tails.wait_for(&mut state, left).timed_out() {
                        return self.more(&state, next);
                    }
                }
            }
        }
    }

    /// As [`Shared::wait_for_more`], without the wait: where there is nothing now, the task is woken when there is.
    pub(crate) fn park_for_more(
        &self,
        next: Lsn,
        id: &mut Option<WakerId>,
        context: &Context<'_>,
    ) -> Result<More, WalError> {
        // Made before the latch is taken, and the one that was there before is dropped after it: both are the task's code.
        let waker: Waker = context.waker().clone();
        let mut state = self.state.lock();
        let more = self.more(&state, next)?;
        let before = match more {
            More::NotYet => state.wakers.park(id, waker),
            More::Durable | More::Never => None,
        };
        drop(state);
        drop(before);
        Ok(more)
    }

    /// Tells readers that nothing more will come, and lets go of the archive.
    pub(crate) fn end_tails(&self) {
        let (woken, archiving) = {
            let mut state = self.state.lock();
            state.is_closed = true;
            (state.wakers.take(), state.archiving.take())
        };
        self.tails.notify_all();
        wakers::wake(woken);
        drop(archiving);
    }
}

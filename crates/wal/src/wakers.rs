//! Tasks of async code that wait for the next durable record.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::task::Waker;

/// Who is to be woken when more is durable, at most one waker for each reader.
#[derive(Debug, Default)]
pub(crate) struct Wakers {
    parked: Vec<(WakerId, Waker)>,
    next: u64,
}

/// Names a reader among those that ever waited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct WakerId(u64);

impl Wakers {
    /// Keeps `waker` for a reader. A reader that has no id yet gets one. Returns the waker that the reader left before, to
    /// be dropped where no latch is held: what a waker does then is its own affair, too.
    #[must_use]
    pub(crate) fn park(&mut self, id: &mut Option<WakerId>, waker: Waker) -> Option<Waker> {
        let next = &mut self.next;
        let id = *id.get_or_insert_with(|| {
            *next += 1;
            WakerId(*next)
        });
        match self.parked.iter_mut().find(|(parked, _)| *parked == id) {
            Some((_, parked)) => Some(std::mem::replace(parked, waker)),
            None => {
                self.parked.push((id, waker));
                None
            }
        }
    }

    /// Forgets a reader that is gone. Returns its waker, as [`Wakers::park`] does.
    #[must_use]
    pub(crate) fn leave(&mut self, id: WakerId) -> Option<Waker> {
        let idx = self.parked.iter().position(|(parked, _)| *parked == id)?;
        Some(self.parked.swap_remove(idx).1)
    }

    /// Hands out all of them. They are woken without a latch: what a waker does is its own affair.
    pub(crate) fn take(&mut self) -> Vec<(WakerId, Waker)> {
        std::mem::take(&mut self.parked)
    }
}

/// Wakes them, all of them: where one panics, the panic goes on once the others were woken.
pub(crate) fn wake(wakers: Vec<(WakerId, Waker)>) {
    let mut panic = None;
    for (_, waker) in wakers {
        // Nothing of the log's is seen by a waker, nor by who comes after it, in a state between two.
        let woken = catch_unwind(AssertUnwindSafe(|| waker.wake()));
        panic = panic.or(woken.err());
    }
    if let Some(panic) = panic {
        resume_unwind(panic);
    }
}

#[cfg(test)]
mod tests;

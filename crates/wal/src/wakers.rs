//! Tasks of async code that wait for the next durable record.

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
    /// Keeps `waker` for a reader, in the place of the one that it left before. A reader that has no id yet gets one.
    pub(crate) fn park(&mut self, id: &mut Option<WakerId>, waker: &Waker) {
        let next = &mut self.next;
        let id = *id.get_or_insert_with(|| {
            *next += 1;
            WakerId(*next)
        });
        match self.parked.iter_mut().find(|(parked, _)| *parked == id) {
            Some((_, parked)) => parked.clone_from(waker),
            None => self.parked.push((id, waker.clone())),
        }
    }

    /// Forgets a reader that is gone.
    pub(crate) fn leave(&mut self, id: WakerId) {
        self.parked.retain(|(parked, _)| *parked != id);
    }

    /// Hands out all of them. They are woken without a latch: what a waker does is its own affair.
    pub(crate) fn take(&mut self) -> Vec<(WakerId, Waker)> {
        std::mem::take(&mut self.parked)
    }
}

/// Wakes them.
pub(crate) fn wake(wakers: Vec<(WakerId, Waker)>) {
    for (_, waker) in wakers {
        waker.wake();
    }
}

//! When the log writes markers, and makes `Async` commits durable: what `step`, `trim` and `settle` ask of the writer.

use drystone_base::Lsn;

use crate::error::WalError;
use crate::shared::Shared;
use crate::writer::Reach;

impl Shared {
    /// Makes `Async` commits durable whose time has come.
    pub(crate) fn sync_due(&self) -> Result<(), WalError> {
        let now = self.clock.monotonic();
        let mut state = self.state.lock();
        let Some(due) = state.due else { return Ok(()) };
        if due.upto > self.durable() && now < due.at {
            return Ok(());
        }
        state.due = None;
        self.wait_for(state, due.upto, Reach::Durable)
    }

    /// Writes the idle marker if nothing was appended since the call before.
    pub(crate) fn mark_when_quiet(&self) -> Result<(), WalError> {
        let mut state = self.state.lock();
        state.check_poison()?;
        let appended = state.appended;
        let was_quiet = std::mem::replace(&mut state.seen_by_step, appended) == appended;
        drop(state);
        match was_quiet {
            true => self.write_marker(),
            false => Ok(()),
        }
    }

    /// Writes a marker if everything is durable and no marker says so yet.
    pub(crate) fn write_marker(&self) -> Result<(), WalError> {
        let state = self.state.lock();
        state.check_poison()?;
        let last = state.appended;
        if self.durable() < last || state.marked >= last {
            return Ok(());
        }
        drop(state);
        self.mark(last)
    }

    /// Writes the marker that a retired segment waits for, whose own it replaces: see `State::missing_marker`. On a poisoned
    /// log that segment waits until the next open.
    pub(crate) fn write_missing_marker(&self) -> Result<(), WalError> {
        let state = self.state.lock();
        let missing = state.missing_marker();
        let can = !state.is_poisoned && missing.is_some_and(|upto| upto <= self.durable());
        drop(state);
        match missing {
            Some(upto) if can => match self.mark(upto) {
                Err(WalError::Poisoned) => Ok(()), // it failed meanwhile
                marked => marked,
            },
            _ => Ok(()),
        }
    }

    /// Writes a marker for all that is durable, which is `upto` at least. Of no effect while a group is in flight: whoever
    /// needs the marker asks again. [`WalError::Poisoned`] on a poisoned log, whoever has looked before: a group may have
    /// failed since.
    fn mark(&self, upto: Lsn) -> Result<(), WalError> {
        let mut state = self.state.lock();
        // Again where another thread takes the note away at this moment, whose own marker was written.
        while !state.is_noted {
            drop(state);
            self.note_writing()?;
            state = self.state.lock();
        }
        if state.marked >= upto {
            return Ok(());
        }
        // Under the same latch as the writer is taken: a sync of what a failed one left in doubt would say that it is durable.
        state.check_poison()?;
        let Some(writer) = state.writer.take() else {
            return Ok(());
        };
        // More may be durable by the time that the latch is held again.
        let mut marked = Lsn::ZERO;
        self.work(&mut state, writer, Vec::new(), |writer, _| {
            writer.write_marker()?;
            marked = writer.durable;
            Ok(())
        })?;
        state.marked = state.marked.max(marked);
        drop(state);
        self.remove_note();
        Ok(())
    }
}

#[cfg(test)]
mod tests;

//! Early writes: records that are on their way to the medium before anybody waits for them.
//!
//! Who commits much and has more to do before it waits says so ([`Log::start_sync`]): the medium then works beside it. And
//! where much has gathered that nobody waits for, background work writes it, so that appends seldom have to.

use drystone_base::sync::MutexGuard;

use crate::error::WalError;
use crate::log::Log;
use crate::shared::Shared;
use crate::state::State;
use crate::writer::Reach;

/// Background work writes what gathers from this part of [`LogOptions::buffer_bytes_max`](crate::LogOptions) on.
const EARLY_SHARE: usize = 8;

impl Log {
    /// Hands all appended records to the operating system, and lets it begin to write them to the medium: for a caller who
    /// does something else before [`Log::sync_to`], which then waits less. Returns at once where another thread is writing.
    /// Nothing is durable by it that the caller may count on. Cost: one write, and where a segment begins a sync of the one before.
    /// It calls no waker, so a caller may hold latches of its own: a task that waits for what becomes durable on the way is
    /// woken by the next call that syncs, or by [`Log::step_files`].
    ///
    /// # Errors
    /// As [`Log::flush`].
    pub fn start_sync(&self) -> Result<(), WalError> {
        let shared = self.shared();
        shared.write_early(shared.state.lock())
    }
}

impl Shared {
    /// Writes what has gathered, where it is much, and what was promised to be durable by now.
    pub(crate) fn step_writes(&self) -> Result<(), WalError> {
        self.write_gathered()?;
        self.sync_due()
    }

    fn write_gathered(&self) -> Result<(), WalError> {
        let state = self.state.lock();
        match state.group.bytes < self.options.buffer_bytes_max / EARLY_SHARE {
            true => Ok(()),
            false => self.write_early(state),
        }
    }

    fn write_early(&self, mut state: MutexGuard<'_, State>) -> Result<(), WalError> {
        state.check_poison()?;
        if state.group.bytes == 0 {
            return Ok(()); // nothing to write, and so nothing to start
        }
        match state.writer.take() {
            Some(writer) => self.lead(&mut state, writer, Reach::Started),
            None => Ok(()),
        }
    }
}

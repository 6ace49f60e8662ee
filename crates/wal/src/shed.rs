//! Shedding: spare segments are given back to the file system once nobody has needed them for a while.
//!
//! While much is committed, each trim frees as many segments as a merge took, and as many are needed until the next one:
//! what is kept of them need not be filled with zeros again, which costs as much of the disk's time as the records do, and
//! makes commits wait behind it.

use std::time::Duration;

use drystone_base::Lsn;

use crate::error::WalError;
use crate::log::Log;
use crate::options::Progress;
use crate::segment::Spare;
use crate::shared::Shared;

/// How many spares a log keeps in which nothing happens.
const QUIET_SPARES: usize = 2;

/// How long nothing must have been appended before the others go.
const QUIET_TIME: Duration = Duration::from_secs(10);

/// When something was appended last, as far as steps have seen.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct LastSeen {
    appended: Lsn,
    at: Duration,
}

impl Log {
    /// Removes the files of all spare segments: for an owner who wants the folder small. The next segment has to be prepared
    /// anew.
    ///
    /// # Errors
    /// [`WalError::Io`]. What could not be removed is no spare any more; the next open removes or takes it.
    pub fn shed_spares(&self) -> Result<(), WalError> {
        while self.shared().shed_one(0)? == Progress::More {}
        Ok(())
    }
}

impl Shared {
    /// Removes a spare that is too many where nothing was appended for a while.
    pub(crate) fn shed_when_quiet(&self) -> Result<Progress, WalError> {
        let now = self.clock.monotonic();
        {
            let mut state = self.state.lock();
            if state.last_seen.appended != state.appended {
                let appended = state.appended;
                state.last_seen = LastSeen { appended, at: now };
            }
            if now.saturating_sub(state.last_seen.at) < QUIET_TIME {
                return Ok(Progress::Idle);
            }
        }
        // One at least: the next segment is prepared ahead also where no trimmed one is kept, and that one is not too many.
        self.shed_one(QUIET_SPARES.min(self.options.spare_segments_max).max(1))
    }

    /// Removes one spare where there are more than `kept`: of another length than usual first, for those of the usual one are
    /// prepared again.
    fn shed_one(&self, kept: usize) -> Result<Progress, WalError> {
        let house = self.house.lock();
        let shed: Option<Spare> = {
            let mut state = self.state.lock();
            let standard = self.options.segment_bytes;
            let odd = (state.spares.iter()).position(|spare| spare.capacity != standard);
            let last = state.spares.len().saturating_sub(1);
            let is_too_many = state.spares.len() > kept;
            is_too_many.then(|| state.spares.swap_remove(odd.unwrap_or(last)))
        };
        match shed {
            None => Ok(Progress::Idle),
            Some(spare) => {
                house.folder().remove(&spare.file.path)?;
                Ok(Progress::More)
            }
        }
    }
}

#[cfg(test)]
mod tests;

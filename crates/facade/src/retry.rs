//! Running a transaction again after a conflict, with a pause that grows.

use std::time::Duration;

use drystone_base::sync::thread;
use drystone_mvcc::StoreError;

use crate::error::{Error, Result};

/// The first pause; each further one is twice as long, up to [`PAUSE_MAX`].
const PAUSE_MIN: Duration = Duration::from_micros(20);
const PAUSE_MAX: Duration = Duration::from_millis(5);
/// Conflicts that are met by running again at once: most are over by then.
const IMMEDIATE: u32 = 2;

/// Counts the attempts of one transaction.
#[derive(Debug)]
pub(crate) struct Retries {
    attempts: u32,
    attempts_max: u32,
}

impl Retries {
    pub(crate) fn new(attempts_max: u32) -> Retries {
        Retries {
            attempts: 0,
            attempts_max,
        }
    }

    /// Pauses before the next attempt when `error` is a conflict and attempts are left; else returns the error.
    pub(crate) fn wait_after(&mut self, error: StoreError) -> Result<()> {
        if !matches!(error, StoreError::Conflict { .. }) {
            return Err(error.into());
        }
        self.attempts += 1;
        if self.attempts >= self.attempts_max {
            return Err(Error::retries_exhausted(self.attempts, error));
        }
        pause(self.attempts);
        Ok(())
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the facade owns the threads, and may let one sleep"
)]
fn pause(attempts: u32) {
    if attempts > IMMEDIATE {
        let doublings = (attempts - IMMEDIATE - 1).min(16);
        thread::sleep(PAUSE_MIN.saturating_mul(1 << doublings).min(PAUSE_MAX));
    }
}

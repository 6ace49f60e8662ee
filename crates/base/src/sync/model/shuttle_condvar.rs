//! Stand-in for `parking_lot::Condvar`, which `shuttle-parking_lot` does not have.
//!
//! The inner latch is held from before the caller's is let go until the wait has begun, and notifying takes it: so no
//! notification is lost in between.

use std::time::Duration;

use shuttle_parking_lot::MutexGuard;

/// A condition variable.
#[derive(Debug, Default)]
pub struct Condvar {
    latch: shuttle::sync::Mutex<()>,
    condvar: shuttle::sync::Condvar,
}

/// Whether a wait ended by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaitTimeoutResult(bool);

impl WaitTimeoutResult {
    /// Whether nobody notified it.
    #[must_use]
    pub fn timed_out(&self) -> bool {
        self.0
    }
}

impl Condvar {
    /// A condition variable that nobody waits for.
    #[must_use]
    pub const fn new() -> Condvar {
        Condvar {
            latch: shuttle::sync::Mutex::new(()),
            condvar: shuttle::sync::Condvar::new(),
        }
    }

    /// Lets the latch go, waits for a notification, and takes it again.
    pub fn wait<T>(&self, guard: &mut MutexGuard<'_, T>) {
        let latch = self.latch.lock().unwrap_or_else(|error| error.into_inner());
        MutexGuard::unlocked(guard, || drop(self.condvar.wait(latch)));
    }

    /// Lets the latch go, lets others go on, and takes it again. The model has no clock: a timeout may always have
    /// been the faster one, and the orders in which it was not are among those in which others go first.
    pub fn wait_for<T>(&self, guard: &mut MutexGuard<'_, T>, _: Duration) -> WaitTimeoutResult {
        MutexGuard::unlocked(guard, shuttle::thread::yield_now);
        WaitTimeoutResult(true)
    }

    /// Wakes one that waits.
    pub fn notify_one(&self) {
        let _latch = self.latch.lock();
        self.condvar.notify_one();
    }

    /// Wakes all that wait.
    pub fn notify_all(&self) {
        let _latch = self.latch.lock();
        self.condvar.notify_all();
    }
}

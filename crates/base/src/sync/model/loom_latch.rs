//! Stand-ins for `parking_lot`'s exclusive latch and its condition variable, made of `loom`'s.

use std::ops::{Deref, DerefMut};
use std::sync::PoisonError;
use std::time::Duration;

use loom::sync;

/// A latch.
#[derive(Debug)]
pub struct Mutex<T> {
    inner: sync::Mutex<T>,
}

/// Holds a latch. The inner guard is there except while it waits.
#[derive(Debug)]
pub struct MutexGuard<'a, T> {
    latch: &'a Mutex<T>,
    inner: Option<sync::MutexGuard<'a, T>>,
}

/// A condition variable.
#[derive(Debug, Default)]
pub struct Condvar {
    inner: sync::Condvar,
}

/// That a wait ended by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaitTimeoutResult;

impl WaitTimeoutResult {
    /// Whether nobody notified it.
    #[must_use]
    pub fn timed_out(&self) -> bool {
        true
    }
}

impl<T> Mutex<T> {
    /// A latch around `value`.
    pub fn new(value: T) -> Mutex<T> {
        Mutex {
            inner: sync::Mutex::new(value),
        }
    }

    /// Waits until nobody else has it.
    pub fn lock(&self) -> MutexGuard<'_, T> {
        MutexGuard {
            latch: self,
            inner: Some(self.lock_inner()),
        }
    }

    /// What it guards; nobody else can have it.
    pub fn get_mut(&mut self) -> &mut T {
        self.inner.get_mut().unwrap_or_else(PoisonError::into_inner)
    }

    /// What it guarded.
    pub fn into_inner(self) -> T {
        self.inner
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_inner(&self) -> sync::MutexGuard<'_, T> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T: Default> Default for Mutex<T> {
    fn default() -> Mutex<T> {
        Mutex::new(T::default())
    }
}

impl<T> MutexGuard<'_, T> {
    /// Lets the latch go while `work` runs.
    pub fn unlocked<R>(guard: &mut Self, work: impl FnOnce() -> R) -> R {
        guard.inner = None;
        let result = work();
        guard.inner = Some(guard.latch.lock_inner());
        result
    }
}

impl<T> Deref for MutexGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        self.inner.as_ref().expect("nobody looks while it waits")
    }
}

impl<T> DerefMut for MutexGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        self.inner.as_mut().expect("nobody looks while it waits")
    }
}

impl Condvar {
    /// A condition variable that nobody waits for.
    #[must_use]
    pub fn new() -> Condvar {
        Condvar::default()
    }

    /// Lets the latch go, waits for a notification, and takes it again.
    pub fn wait<T>(&self, guard: &mut MutexGuard<'_, T>) {
        if let Some(inner) = guard.inner.take() {
            let taken = self.inner.wait(inner);
            guard.inner = Some(taken.unwrap_or_else(PoisonError::into_inner));
        }
    }

    /// Lets the latch go, lets others go on, and takes it again: the model has no clock, so that the time is over.
    pub fn wait_for<T>(&self, guard: &mut MutexGuard<'_, T>, _: Duration) -> WaitTimeoutResult {
        MutexGuard::unlocked(guard, loom::thread::yield_now);
        WaitTimeoutResult
    }

    /// Wakes one that waits.
    pub fn notify_one(&self) {
        self.inner.notify_one();
    }

    /// Wakes all that wait.
    pub fn notify_all(&self) {
        self.inner.notify_all();
    }
}

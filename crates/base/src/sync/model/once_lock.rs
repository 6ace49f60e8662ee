//! Stand-in for `std::sync::OnceLock`: the value lies in one of `std`'s, behind a flag that the scheduler sees.
//!
//! The flag is stored with `Release` after the value and loaded with `Acquire` before it, as `std` promises; whoever
//! initializes holds a latch, so that the others wait for it where the scheduler can see them wait.

use std::fmt;

use super::Mutex;
use crate::sync::atomic::{AtomicBool, Ordering};

/// A cell that is written once.
pub struct OnceLock<T> {
    is_set: AtomicBool,
    setting: Mutex<()>,
    value: std::sync::OnceLock<T>,
}

impl<T> OnceLock<T> {
    /// An empty cell.
    #[cfg(shuttle)]
    #[must_use]
    pub const fn new() -> OnceLock<T> {
        OnceLock {
            is_set: AtomicBool::new(false),
            setting: shuttle_parking_lot::const_mutex(()),
            value: std::sync::OnceLock::new(),
        }
    }

    /// An empty cell.
    #[cfg(loom)]
    #[must_use]
    pub fn new() -> OnceLock<T> {
        OnceLock {
            is_set: AtomicBool::new(false),
            setting: Mutex::new(()),
            value: std::sync::OnceLock::new(),
        }
    }

    /// The value, if there is one.
    pub fn get(&self) -> Option<&T> {
        match self.is_set.load(Ordering::Acquire) {
            true => self.value.get(),
            false => None,
        }
    }

    /// Writes the value.
    ///
    /// # Errors
    /// Returns `value` where there is one already.
    pub fn set(&self, value: T) -> Result<(), T> {
        let _setting = self.setting.lock();
        let result = self.value.set(value);
        self.is_set.store(true, Ordering::Release);
        result
    }

    /// The value; `init` makes it if there is none.
    pub fn get_or_init(&self, init: impl FnOnce() -> T) -> &T {
        if let Some(value) = self.get() {
            return value;
        }
        let _setting = self.setting.lock();
        let value = self.value.get_or_init(init);
        self.is_set.store(true, Ordering::Release);
        value
    }

    /// Takes the value out.
    pub fn take(&mut self) -> Option<T> {
        // Nobody else has the cell, so that what the flag says does not matter until it is shared again.
        self.is_set = AtomicBool::new(false);
        self.value.take()
    }
}

impl<T> Default for OnceLock<T> {
    fn default() -> OnceLock<T> {
        OnceLock::new()
    }
}

impl<T: fmt::Debug> fmt::Debug for OnceLock<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("OnceLock").field(&self.get()).finish()
    }
}

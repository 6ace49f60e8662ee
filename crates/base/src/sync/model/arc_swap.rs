//! Stand-ins for `arc_swap`: a latch around an `Arc`, which each load copies. What is replaced is dropped by whoever
//! replaced it, or by the last who loaded it, as there.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use super::Mutex;

/// An `Arc` that is replaced as a whole.
pub struct ArcSwap<T> {
    value: Mutex<Arc<T>>,
}

/// What [`ArcSwap::load`] returns.
#[derive(Debug)]
pub struct Loaded<T>(T);

/// An `Arc` or nothing, replaced as a whole.
pub struct ArcSwapOption<T> {
    value: Mutex<Option<Arc<T>>>,
}

impl<T> ArcSwap<T> {
    /// A cell that holds `value`.
    pub fn new(value: Arc<T>) -> ArcSwap<T> {
        ArcSwap {
            value: Mutex::new(value),
        }
    }

    /// A cell that holds an `Arc` of `value`.
    pub fn from_pointee(value: T) -> ArcSwap<T> {
        ArcSwap::new(Arc::new(value))
    }

    /// What it holds now.
    pub fn load(&self) -> Loaded<Arc<T>> {
        Loaded(self.load_full())
    }

    /// What it holds now.
    pub fn load_full(&self) -> Arc<T> {
        Arc::clone(&*self.value.lock())
    }

    /// Replaces what it holds.
    pub fn store(&self, value: Arc<T>) {
        let replaced = std::mem::replace(&mut *self.value.lock(), value);
        drop(replaced); // after the latch is free: what is dropped may take others
    }
}

impl<T> Deref for Loaded<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> ArcSwapOption<T> {
    /// A cell that holds `value`.
    pub fn new(value: Option<Arc<T>>) -> ArcSwapOption<T> {
        ArcSwapOption {
            value: Mutex::new(value),
        }
    }

    /// What it holds now.
    pub fn load_full(&self) -> Option<Arc<T>> {
        self.value.lock().as_ref().map(Arc::clone)
    }

    /// Replaces what it holds.
    pub fn store(&self, value: Option<Arc<T>>) {
        let replaced = std::mem::replace(&mut *self.value.lock(), value);
        drop(replaced);
    }
}

impl<T: fmt::Debug> fmt::Debug for ArcSwap<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ArcSwap").field(&self.load_full()).finish()
    }
}

impl<T: fmt::Debug> fmt::Debug for ArcSwapOption<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ArcSwapOption")
            .field(&self.load_full())
            .finish()
    }
}

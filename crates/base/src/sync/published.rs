//! Published: one pointer that many read and few replace.
//!
//! # Invariants
//! - B1. The pointer is never null, and owns one count of what it points to. What it pointed to before is in `retired`, with
//!   that count, until a replacement finds that no hazard names it.
//! - B2. It is replaced under `retired`. So whoever holds that finds it counted.
#![expect(
    unsafe_code,
    reason = "as `hazard.rs`: loading the layers of the store took two locked instructions of each read"
)]

use std::ops::Deref;
use std::ptr::NonNull;
use std::sync::Arc;

use super::Mutex;
use super::atomic::{AtomicPtr, Ordering};
use super::hazard::{self, Hazard};

/// A shared value that is replaced as a whole. Reading it counts nothing and waits for nobody.
///
/// What was replaced is dropped by the replacement; where somebody reads it at that moment, by the next one.
#[derive(Debug)]
pub struct Published<T> {
    pointer: AtomicPtr<T>,
    /// Latch `published`: what was replaced and may still be read.
    retired: Mutex<Vec<Arc<T>>>,
}

/// What was published when it was loaded, to be looked at and let go.
#[derive(Debug)]
pub struct Loaded<'a, T>(Holding<'a, T>);

#[derive(Debug)]
enum Holding<'a, T> {
    Protected(Hazard<'a, T>),
    Counted(Arc<T>),
}

impl<T> Published<T> {
    /// Publishes `value`.
    #[must_use]
    pub fn new(value: Arc<T>) -> Published<T> {
        Published {
            pointer: AtomicPtr::new(Arc::into_raw(value).cast_mut()),
            retired: Mutex::new(Vec::new()),
        }
    }

    /// What is published, for a moment: hold it for long, and what it was replaced by lives longer, too.
    #[inline]
    #[must_use]
    pub fn load(&self) -> Loaded<'_, T> {
        Loaded(match hazard::protect(&self.pointer) {
            Some(hazard) => Holding::Protected(hazard),
            None => Holding::Counted(self.load_latched()),
        })
    }

    /// What is published, for any time.
    #[inline]
    #[must_use]
    pub fn load_full(&self) -> Arc<T> {
        match hazard::protect(&self.pointer) {
            Some(hazard) => count(hazard.at()),
            None => self.load_latched(),
        }
    }

    #[cold]
    fn load_latched(&self) -> Arc<T> {
        let _retired = self.retired.lock();
        let pointer = self.pointer.load(Ordering::Acquire);
        count(NonNull::new(pointer).expect("B1: there is always something published"))
    }

    /// Publishes `value` in place of what was.
    pub fn store(&self, value: Arc<T>) {
        let mut retired = self.retired.lock();
        let new = Arc::into_raw(value).cast_mut();
        // `Release`: whoever sees the pointer sees what it points to.
        let old = self.pointer.swap(new, Ordering::AcqRel);
        // SAFETY: it comes from `Arc::into_raw`, and its count was the pointer's (B1).
        retired.push(unsafe { Arc::from_raw(old) });
        let free = hazard::take_unprotected(&mut retired, |one| Arc::as_ptr(one).cast());
        drop(retired);
        drop(free);
    }
}

/// One more count of what is published, or was and is protected.
#[inline]
fn count<T>(at: NonNull<T>) -> Arc<T> {
    // SAFETY: it comes from `Arc::into_raw` (B1), and there is a count: the pointer's, which who holds the latch keeps
    // from going, or that of `retired`, which a hazard keeps there.
    unsafe {
        Arc::increment_strong_count(at.as_ptr());
        Arc::from_raw(at.as_ptr())
    }
}

impl<T> Deref for Loaded<'_, T> {
    type Target = T;

    #[inline]
    fn deref(&self) -> &T {
        match &self.0 {
            // SAFETY: B1: what the hazard names keeps the count that was the pointer's.
            Holding::Protected(hazard) => unsafe { hazard.at().as_ref() },
            Holding::Counted(value) => value,
        }
    }
}

impl<T> Drop for Published<T> {
    fn drop(&mut self) {
        let pointer = self.pointer.load(Ordering::Acquire);
        // SAFETY: as in `store`. Nobody reads it any more: whoever did borrowed it.
        drop(unsafe { Arc::from_raw(pointer) });
    }
}

// SAFETY: it is a place for an `Arc`, which `&self` hands out and takes in.
unsafe impl<T: Send + Sync> Send for Published<T> {}
// SAFETY: as above.
unsafe impl<T: Send + Sync> Sync for Published<T> {}

#[cfg(all(test, not(any(shuttle, loom))))]
mod tests;

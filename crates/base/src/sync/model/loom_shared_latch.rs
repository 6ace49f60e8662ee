//! Stand-ins for `parking_lot`'s shared latch and its guards, made of `loom`'s.

use std::ops::{Deref, DerefMut};
use std::sync::PoisonError;

use loom::sync;

/// A latch that many may hold to read, or one to write.
#[derive(Debug)]
pub struct RwLock<T> {
    inner: sync::RwLock<T>,
}

/// Holds a latch to read.
#[derive(Debug)]
pub struct RwLockReadGuard<'a, T> {
    inner: sync::RwLockReadGuard<'a, T>,
}

/// Holds a latch to write.
#[derive(Debug)]
pub struct RwLockWriteGuard<'a, T> {
    inner: sync::RwLockWriteGuard<'a, T>,
}

/// Holds a latch to read a part of what it guards.
pub struct MappedRwLockReadGuard<'a, U> {
    part: Box<dyn Deref<Target = U> + 'a>,
}

/// A guard, and how to come from what it guards to the part that is meant.
struct Part<'a, T, F> {
    guard: RwLockReadGuard<'a, T>,
    find: F,
}

impl<T> RwLock<T> {
    /// A latch around `value`.
    pub fn new(value: T) -> RwLock<T> {
        RwLock {
            inner: sync::RwLock::new(value),
        }
    }

    /// Waits until nobody writes.
    pub fn read(&self) -> RwLockReadGuard<'_, T> {
        RwLockReadGuard {
            inner: self.inner.read().unwrap_or_else(PoisonError::into_inner),
        }
    }

    /// Waits until nobody else has it.
    pub fn write(&self) -> RwLockWriteGuard<'_, T> {
        RwLockWriteGuard {
            inner: self.inner.write().unwrap_or_else(PoisonError::into_inner),
        }
    }
}

impl<T: Default> Default for RwLock<T> {
    fn default() -> RwLock<T> {
        RwLock::new(T::default())
    }
}

impl<'a, T> RwLockReadGuard<'a, T> {
    /// The part that `find` finds, or the guard again where there is none. It is looked for at each access.
    ///
    /// # Errors
    /// The guard, where `find` finds nothing.
    pub fn try_map<U: 'a>(
        guard: Self,
        find: impl Fn(&T) -> Option<&U> + 'a,
    ) -> Result<MappedRwLockReadGuard<'a, U>, Self> {
        if find(&guard).is_none() {
            return Err(guard);
        }
        Ok(MappedRwLockReadGuard {
            part: Box::new(Part { guard, find }),
        })
    }
}

impl<T> Deref for RwLockReadGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.inner
    }
}

impl<T> Deref for RwLockWriteGuard<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.inner
    }
}

impl<T> DerefMut for RwLockWriteGuard<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.inner
    }
}

impl<T, U, F: Fn(&T) -> Option<&U>> Deref for Part<'_, T, F> {
    type Target = U;

    fn deref(&self) -> &U {
        (self.find)(&self.guard).expect("it was there, and nobody writes")
    }
}

impl<U> Deref for MappedRwLockReadGuard<'_, U> {
    type Target = U;

    fn deref(&self) -> &U {
        &self.part
    }
}

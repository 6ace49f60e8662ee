//! Graveyard: handles that no pointer is any more, but that somebody may still protect.
//!
//! Few at a time: to ask who protects what costs some microseconds, however many there are to be asked for. What lies here
//! is beyond the cache's budget: at most `BURIED_MAX` frames, or
//! `BURIED_BYTES_MAX` and one frame, and those that are being read.

use std::ptr::NonNull;

use bytes::Bytes;

/// A handle that was unlinked, and owns what it points to.
#[derive(Debug)]
pub(super) struct Buried(NonNull<Bytes>);

// SAFETY: it is a box of bytes in all but type.
unsafe impl Send for Buried {}

impl Buried {
    /// Takes what `Box::into_raw` gave.
    pub(super) fn new(handle: NonNull<Bytes>) -> Buried {
        Buried(handle)
    }

    #[cfg(not(any(shuttle, loom)))]
    fn len(&self) -> usize {
        // SAFETY: it is not dropped before this is.
        unsafe { self.0.as_ref() }.len()
    }
}

impl Drop for Buried {
    fn drop(&mut self) {
        // SAFETY: it comes from `Box::into_raw`, was unlinked, and is owned by this alone. Whoever drops it made sure that
        // nobody protects it.
        drop(unsafe { Box::from_raw(self.0.as_ptr()) });
    }
}

#[cfg(not(any(shuttle, loom)))]
pub(super) use self::shared::{bury, sweep};

#[cfg(not(any(shuttle, loom)))]
mod shared {
    use drystone_base::sync::{Mutex, hazard};

    use super::Buried;

    pub(super) const BURIED_MAX: usize = 16;
    pub(super) const BURIED_BYTES_MAX: usize = 64 << 10;

    /// Latch `graveyard`. One for the process: what is in it is no pager's any more.
    static GRAVEYARD: Mutex<Graveyard> = Mutex::new(Graveyard {
        handles: Vec::new(),
        bytes: 0,
    });

    struct Graveyard {
        handles: Vec<Buried>,
        bytes: usize,
    }

    /// Drops a handle that was unlinked, once nobody protects it.
    pub(in super::super) fn bury(handle: Option<Buried>) {
        let Some(handle) = handle else {
            return;
        };
        let mut graveyard = GRAVEYARD.lock();
        graveyard.bytes += handle.len();
        graveyard.handles.push(handle);
        let is_full = graveyard.handles.len() >= BURIED_MAX || graveyard.bytes >= BURIED_BYTES_MAX;
        let free = is_full.then(|| graveyard.clear());
        drop(graveyard);
        drop(free);
    }

    /// Drops all that nobody protects.
    pub(in super::super) fn sweep() {
        let mut graveyard = GRAVEYARD.lock();
        if graveyard.handles.is_empty() {
            return;
        }
        let free = graveyard.clear();
        drop(graveyard);
        drop(free);
    }

    impl Graveyard {
        fn clear(&mut self) -> Vec<Buried> {
            let address = |buried: &Buried| buried.0.as_ptr().cast_const().cast();
            let free = hazard::take_unprotected(&mut self.handles, address);
            self.bytes = self.handles.iter().map(Buried::len).sum();
            free
        }
    }
}

#[cfg(any(shuttle, loom))]
pub(super) use self::models::{bury, sweep};

/// In models nobody protects anything.
#[cfg(any(shuttle, loom))]
mod models {
    use super::Buried;

    pub(in super::super) fn bury(handle: Option<Buried>) {
        drop(handle);
    }

    pub(in super::super) fn sweep() {}
}

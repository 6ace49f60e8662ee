//! Buffers: memory for what is read from the file, on its way into frames.
//!
//! A page is proved, and perhaps decompressed, before it gets a frame. What it passes through stays in the processor's
//! caches from one read to the next, and is neither allocated nor zeroed again.

use drystone_base::sync::Mutex;

/// Buffers that wait to be used are at most so many: one for each thread that reads, two where pages are compressed.
const IDLE_MAX: usize = 16;

/// A longer buffer is not kept. So up to 2 MiB of them are idle, beside the cache's budget: [`PagerOptions::cache_bytes`](crate::PagerOptions).
const KEPT_BYTES: usize = 128 << 10;

/// Buffers for any number of threads.
#[derive(Debug, Default)]
pub(crate) struct Buffers {
    /// Latch: held for moments.
    idle: Mutex<Vec<Vec<u8>>>,
}

impl Buffers {
    /// Lends a buffer of at least `len` bytes, which hold anything.
    pub(crate) fn with<T>(&self, len: usize, work: impl FnOnce(&mut Vec<u8>) -> T) -> T {
        let mut buffer = self.idle.lock().pop().unwrap_or_default();
        if buffer.len() < len {
            buffer.resize(len, 0);
        }
        let done = work(&mut buffer);
        if buffer.capacity() <= KEPT_BYTES {
            let mut idle = self.idle.lock();
            if idle.len() < IDLE_MAX {
                idle.push(buffer);
            }
        }
        done
    }
}

#[cfg(test)]
mod tests;

//! Every order of the steps of a reader that announces what it follows, and of who unlinks and frees it.
#![expect(unsafe_code, reason = "what it models is when memory may be freed")]

use std::sync::atomic::{AtomicPtr as StdPtr, Ordering as StdOrdering};

use ::loom::cell::UnsafeCell;
use ::loom::sync::Arc;
use ::loom::thread;

use super::*;
use crate::sync::check_orders;

/// What is linked: one to be replaced, and what replaces it.
struct Shared {
    source: AtomicPtr<UnsafeCell<u64>>,
    word: AtomicPtr<()>,
    old: StdPtr<UnsafeCell<u64>>,
}

// SAFETY: the cells are loom's, which finds accesses that are not in order.
unsafe impl Send for Shared {}
// SAFETY: as above.
unsafe impl Sync for Shared {}

fn linked(value: u64) -> *mut UnsafeCell<u64> {
    Box::into_raw(Box::new(UnsafeCell::new(value)))
}

#[test]
fn loom_what_a_reader_follows_is_not_freed_under_it() {
    check_orders("a reader beside who unlinks and frees", || {
        let old = linked(1);
        let shared = Arc::new(Shared {
            source: AtomicPtr::new(old),
            word: AtomicPtr::new(ptr::null_mut()),
            old: StdPtr::new(old),
        });
        let reader = {
            let shared = Arc::clone(&shared);
            thread::spawn(move || {
                // Twice: what is announced next also says that the reader is done with what it read before.
                for _ in 0..2 {
                    let at = announce(&shared.word, &shared.source).expect("something is linked");
                    // SAFETY: the other thread frees it once the word does not name it.
                    let value = unsafe { at.as_ref() }.with(|value| unsafe { *value });
                    assert!(value == 1 || value == 2, "it was freed");
                    shared.word.store(ptr::null_mut(), Ordering::Release);
                }
            })
        };
        shared.source.store(linked(2), Ordering::Release);
        assert!(imp::heavy_fence());
        if shared.word.load(Ordering::Acquire).cast() != old {
            // Stands for freeing it: a write, which loom holds against every read that is not ordered with it.
            let old = shared.old.load(StdOrdering::Relaxed);
            // SAFETY: nobody reads it any more; that is what this shows.
            unsafe { &*old }.with_mut(|value| unsafe { *value = 0 });
        }
        reader.join().expect("the reader ends");
        let new = shared.source.load(Ordering::Acquire);
        for one in [new, shared.old.load(StdOrdering::Relaxed)] {
            // SAFETY: both were made by `linked`, and all threads have ended.
            drop(unsafe { Box::from_raw(one) });
        }
    });
}

//! Hazards: readers say what they look at, in a word of their own thread's, and nobody frees that meanwhile.
//!
//! A reader that counts itself in and out of shared memory pays for two locked instructions, behind which nothing else
//! starts. Here it stores the address it is about to follow, looks once more whether that is still the one to follow,
//! and clears the word when it is done: three plain accesses to memory that is its own or about to be read anyway. Whoever
//! unlinks something pays instead: it keeps it until no word names it.
//!
//! ```text
//! reader:   p = source     word = p    ~~light fence~~    source is still p ?  ->  *p may be read
//! retirer:  source = new               ==heavy fence==    word is p ?          ->  keep p, else free it
//! ```
//!
//! # Invariants
//! - H1. A word is stored to by one thread at a time: the one that has its record.
//! - H2. Between a reader's fence and the heavy fence there is an order. If the reader's comes first, the retirer finds the
//!   word set; if the retirer's, the reader finds the source changed, and follows nothing.
//! - H3. Records are never freed. That of a thread that has ended goes to the next one that begins.
//!
//! # Fences
//! On Linux the reader's fence binds the compiler alone, and the heavy one (`membarrier`) makes every processor that runs
//! a thread of this process pass a full one. Elsewhere, and in models, both are full.
//!
//! The system may refuse `membarrier` later on: a sandbox that the process enters, memory that runs out. From then on both
//! fences are full; but a thread may be between a light one and its second look just then. So each thread notes in its
//! record that it has passed a full fence since, and until all have, or have ended, nothing is freed. One that reads nothing
//! any more keeps what is retired for as long as it lives.
//!
//! # Source
//! Michael, "Hazard pointers: safe memory reclamation for lock-free objects" (IEEE TPDS 15, 2004); the asymmetric fence is
//! that of Meta's folly.
#![cfg_attr(
    not(any(shuttle, loom)),
    expect(
        unsafe_code,
        reason = "point reads of 1M hot rows are a fifth faster without the locked instructions of latches and counts"
    )
)]

use std::marker::PhantomData;
use std::ptr::{self, NonNull};

use super::atomic::{AtomicPtr, Ordering};
use crate::planted::is_planted;

/// Something that is not freed as long as this lives. What `T` is, and whether it may be read, is between whoever links
/// and whoever follows.
#[derive(Debug)]
pub struct Hazard<'a, T> {
    word: &'static AtomicPtr<()>,
    at: NonNull<T>,
    /// Also keeps it on its thread.
    source: PhantomData<(&'a AtomicPtr<T>, *const ())>,
}

impl<T> Hazard<'_, T> {
    /// What it protects.
    #[inline]
    #[must_use]
    pub fn at(&self) -> NonNull<T> {
        self.at
    }
}

impl<T> Drop for Hazard<'_, T> {
    /// `Release`: what was read comes before it, for a retirer that finds the word cleared.
    #[inline]
    fn drop(&mut self) {
        self.word.store(ptr::null_mut(), Ordering::Release);
    }
}

/// What `source` points to, not to be freed by those who ask [`take_unprotected`] first. `None`: it points to nothing, or
/// this thread protects as much as it can already, and must find another way.
#[inline]
#[must_use]
pub fn protect<T>(source: &AtomicPtr<T>) -> Option<Hazard<'_, T>> {
    let word = imp::free_word()?;
    let at = announce(word, source)?;
    Some(Hazard {
        word,
        at,
        source: PhantomData,
    })
}

/// Takes those out of `retired` that no thread protects, for the caller to drop. Each must have been unlinked from where
/// [`protect`] finds it before this is called; `address` is what was linked there.
#[must_use]
pub fn take_unprotected<R>(retired: &mut Vec<R>, address: impl Fn(&R) -> *const ()) -> Vec<R> {
    if !imp::heavy_fence() {
        return Vec::new();
    }
    let words = imp::announced();
    let is_free = |one: &mut R| !words.contains(&address(one));
    retired.extract_if(.., is_free).collect()
}

/// Says what is about to be followed, until that is what there still is to follow.
#[inline]
fn announce<T>(word: &AtomicPtr<()>, source: &AtomicPtr<T>) -> Option<NonNull<T>> {
    // Whether it is still there is asked below.
    let mut seen = source.load(Ordering::Relaxed);
    loop {
        let Some(at) = NonNull::new(seen) else {
            word.store(ptr::null_mut(), Ordering::Release);
            return None;
        };
        // `Release`, as all stores to a word: a retirer that finds any of them comes after all that was read before.
        word.store(seen.cast(), Ordering::Release);
        imp::light_fence();
        // `Acquire`: pairs with the `Release` of who linked it, so that it is seen whole.
        seen = source.load(Ordering::Acquire);
        if seen == at.as_ptr() || is_planted("base-hazard-not-looked-again") {
            return Some(at);
        }
    }
}

#[cfg(any(shuttle, loom))]
use self::imp_models as imp;
#[cfg(not(any(shuttle, loom)))]
use self::imp_threads as imp;

#[cfg(not(any(shuttle, loom)))]
mod imp_threads {
    //! Records of threads, in a list that only grows.

    use std::ptr;
    use std::sync::atomic::{AtomicBool, AtomicPtr, AtomicU8, Ordering, compiler_fence, fence};

    /// How much one thread can protect at a time: a value in a page, the layers it was found in, and as much again where
    /// the reader of the value reads.
    const WORDS: usize = 8;

    /// One thread's words. Aligned, so that no thread waits for another's.
    #[repr(align(128))]
    struct Record {
        words: [AtomicPtr<()>; WORDS],
        is_taken: AtomicBool,
        /// Whether its thread, or one that had it before, knows that light fences are full ones now.
        knows_refusal: AtomicBool,
        /// Written before the record is linked.
        next: AtomicPtr<Record>,
    }

    static RECORDS: AtomicPtr<Record> = AtomicPtr::new(ptr::null_mut());

    /// The record of a thread, given back when it ends.
    struct Mine(&'static Record);

    thread_local! {
        static MINE: Mine = Mine(take_record());
    }

    impl Drop for Mine {
        fn drop(&mut self) {
            self.0.is_taken.store(false, Ordering::Release);
        }
    }

    /// A word of this thread's that names nothing. `None` also for a thread that is ending.
    #[inline]
    pub(super) fn free_word() -> Option<&'static AtomicPtr<()>> {
        let record = MINE.try_with(|mine| mine.0).ok()?;
        let is_free = |word: &&AtomicPtr<()>| word.load(Ordering::Relaxed).is_null();
        record.words.iter().find(is_free)
    }

    #[cold]
    fn take_record() -> &'static Record {
        choose_fences();
        let take = |record: &&'static Record| !record.is_taken.swap(true, Ordering::Acquire);
        let record = records().find(take).unwrap_or_else(link_record);
        // Pairs with that of `refuse`: either it finds the record taken, or this thread finds the fences full.
        fence(Ordering::SeqCst);
        record
    }

    fn link_record() -> &'static Record {
        let record: &'static Record = Box::leak(Box::new(Record {
            words: Default::default(),
            is_taken: AtomicBool::new(true),
            knows_refusal: AtomicBool::new(false),
            next: AtomicPtr::new(ptr::null_mut()),
        }));
        let mut first = RECORDS.load(Ordering::Relaxed);
        loop {
            record.next.store(first, Ordering::Relaxed);
            let linked = RECORDS.compare_exchange_weak(
                first,
                ptr::from_ref(record).cast_mut(),
                Ordering::Release,
                Ordering::Relaxed,
            );
            match linked {
                Ok(_) => return record,
                Err(newer) => first = newer,
            }
        }
    }

    fn records() -> impl Iterator<Item = &'static Record> {
        // SAFETY: null, or a record, which is never freed (H3), and whole before it was linked with `Release`.
        let record_at = |at: *mut Record| unsafe { at.as_ref() };
        let first = record_at(RECORDS.load(Ordering::Acquire));
        std::iter::successors(first, move |record| {
            record_at(record.next.load(Ordering::Relaxed))
        })
    }

    /// All that is protected by anybody. After the heavy fence.
    pub(super) fn announced() -> Vec<*const ()> {
        let words = records().flat_map(|record| &record.words);
        // `Acquire`: pairs with the `Release` of a reader that is done.
        let words = words.map(|word| word.load(Ordering::Acquire).cast_const());
        words.filter(|word| !word.is_null()).collect()
    }

    // Which fences: none, and so full ones, until the first thread has asked the system.
    const UNKNOWN: u8 = 0;
    const FULL: u8 = 1;
    pub(super) const ASYMMETRIC: u8 = 2;
    /// Full ones, after asymmetric ones. There is no way back.
    const REFUSED: u8 = 3;
    pub(super) static FENCES: AtomicU8 = AtomicU8::new(UNKNOWN);

    fn choose_fences() {
        if FENCES.load(Ordering::Acquire) == UNKNOWN {
            let chosen = if membarrier(Membarrier::Register) {
                ASYMMETRIC
            } else {
                FULL
            };
            // Another thread may have chosen meanwhile, and been refused since.
            let _chosen =
                FENCES.compare_exchange(UNKNOWN, chosen, Ordering::Release, Ordering::Relaxed);
        }
    }

    #[inline]
    pub(super) fn light_fence() {
        if FENCES.load(Ordering::Relaxed) == ASYMMETRIC {
            compiler_fence(Ordering::SeqCst);
        } else {
            full_fence();
        }
    }

    fn full_fence() {
        fence(Ordering::SeqCst);
        if FENCES.load(Ordering::Relaxed) == REFUSED {
            // `Release`: whoever finds it set sees all that this thread announced before. A thread that is ending has no
            // record any more, and announces nothing.
            let _ended = MINE.try_with(|mine| mine.0.knows_refusal.store(true, Ordering::Release));
        }
    }

    /// False where not all threads have passed one, so that nothing may be freed.
    pub(super) fn heavy_fence() -> bool {
        choose_fences();
        fence(Ordering::SeqCst);
        match FENCES.load(Ordering::Relaxed) {
            FULL => true,
            REFUSED => is_refusal_known(),
            _ => membarrier(Membarrier::Fence) || refuse(),
        }
    }

    /// What is left to do without `membarrier`.
    #[cold]
    fn refuse() -> bool {
        FENCES.store(REFUSED, Ordering::Relaxed);
        fence(Ordering::SeqCst);
        is_refusal_known()
    }

    /// Whether no thread relies on light fences any more.
    fn is_refusal_known() -> bool {
        // `Acquire`: pairs with the `Release` of a thread that knows, or has ended.
        records().all(|record| {
            record.knows_refusal.load(Ordering::Acquire) || !record.is_taken.load(Ordering::Acquire)
        })
    }

    #[derive(Clone, Copy)]
    enum Membarrier {
        Register,
        Fence,
    }

    /// Stands for a sandbox that refuses it.
    #[cfg(test)]
    pub(super) static IS_REFUSED: AtomicBool = AtomicBool::new(false);

    #[cfg(all(target_os = "linux", not(miri)))]
    fn membarrier(what: Membarrier) -> bool {
        #[cfg(test)]
        if IS_REFUSED.load(Ordering::Relaxed) {
            return false;
        }
        let command = match what {
            Membarrier::Register => libc::MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED,
            Membarrier::Fence => libc::MEMBARRIER_CMD_PRIVATE_EXPEDITED,
        };
        // SAFETY: the call takes three numbers and touches no memory of ours.
        unsafe { libc::syscall(libc::SYS_membarrier, command, 0, 0) == 0 }
    }

    #[cfg(not(all(target_os = "linux", not(miri))))]
    fn membarrier(_what: Membarrier) -> bool {
        false
    }
}

#[cfg(any(shuttle, loom))]
mod imp_models {
    //! In models nobody protects anything, so that they go the other way, which models can follow. What `announce` does
    //! has a model of its own.

    use super::AtomicPtr;

    pub(super) fn free_word() -> Option<&'static AtomicPtr<()>> {
        None
    }

    pub(super) fn announced() -> Vec<*const ()> {
        Vec::new()
    }

    #[cfg(loom)]
    pub(super) fn light_fence() {
        ::loom::sync::atomic::fence(super::Ordering::SeqCst);
    }

    #[cfg(shuttle)]
    pub(super) fn light_fence() {}

    pub(super) fn heavy_fence() -> bool {
        #[cfg(loom)]
        ::loom::sync::atomic::fence(super::Ordering::SeqCst);
        true
    }
}

#[cfg(all(test, loom))]
mod loom;
#[cfg(all(test, not(any(shuttle, loom))))]
mod tests;

//! Latches, atomics and cells that threads share: the one place where the core takes them from.
//!
//! | build | what these names are |
//! | --- | --- |
//! | any other | `parking_lot`'s, `std`'s and `arc_swap`'s own: re-exports, which cost nothing |
//! | `--cfg shuttle` | of the scheduler of `shuttle`, which tries one order of steps after another |
//! | `--cfg loom` | of `loom`, which tries every order and every value that a weak memory may show |
//!
//! `Arc` and `Weak` stay `std`'s: their counts order nothing that the latches around them do not.
//! `docs/TESTING.md` says how to run the models; `cargo xtask tidy` sees to it that the core imports from here.

pub mod hazard;
#[cfg(any(shuttle, loom))]
mod model;
mod published;

#[cfg(not(any(shuttle, loom)))]
pub use arc_swap::{ArcSwap, ArcSwapOption};
#[cfg(not(any(shuttle, loom)))]
pub use parking_lot::{
    Condvar, MappedRwLockReadGuard, Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard,
};
#[cfg(not(any(shuttle, loom)))]
pub use std::sync::OnceLock;

pub use self::published::{Loaded, Published};

#[cfg(loom)]
pub use self::model::check_orders;
#[cfg(any(shuttle, loom))]
pub use self::model::{
    ArcSwap, ArcSwapOption, Condvar, MappedRwLockReadGuard, Mutex, MutexGuard, OnceLock, RwLock,
    RwLockReadGuard, RwLockWriteGuard,
};

/// Atomics, as in `std::sync::atomic`.
pub mod atomic {
    #[cfg(loom)]
    use loom::sync::atomic as source;
    #[cfg(shuttle)]
    use shuttle::sync::atomic as source;
    #[cfg(not(any(shuttle, loom)))]
    use std::sync::atomic as source;

    pub use source::{
        AtomicBool, AtomicI64, AtomicPtr, AtomicU8, AtomicU16, AtomicU32, AtomicU64, AtomicUsize,
        Ordering,
    };
}

/// Threads, as in `std::thread`. Only the facade and tests start any.
pub mod thread {
    #[cfg(loom)]
    use loom::thread as source;
    #[cfg(shuttle)]
    use shuttle::thread as source;
    #[cfg(not(any(shuttle, loom)))]
    use std::thread as source;

    #[cfg(not(loom))] // which has no time
    pub use source::sleep;
    pub use source::{Builder, JoinHandle, yield_now};
}

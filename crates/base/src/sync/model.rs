//! What `shuttle` and `loom` lack, made of what they have: the names and the behaviour of the crates they stand in for.

mod arc_swap;
#[cfg(loom)]
mod loom_latch;
#[cfg(loom)]
mod loom_shared_latch;
mod once_lock;
#[cfg(loom)]
mod orders;
#[cfg(shuttle)]
mod shuttle_condvar;

pub use self::arc_swap::{ArcSwap, ArcSwapOption};
#[cfg(loom)]
pub use self::loom_latch::{Condvar, Mutex, MutexGuard};
#[cfg(loom)]
pub use self::loom_shared_latch::{
    MappedRwLockReadGuard, RwLock, RwLockReadGuard, RwLockWriteGuard,
};
pub use self::once_lock::OnceLock;
#[cfg(loom)]
pub use self::orders::check_orders;
#[cfg(shuttle)]
pub use self::shuttle_condvar::Condvar;
#[cfg(shuttle)]
pub use shuttle_parking_lot::{
    MappedRwLockReadGuard, Mutex, MutexGuard, RwLock, RwLockReadGuard, RwLockWriteGuard,
};

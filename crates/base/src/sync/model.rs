//! What `shuttle` and `loom` lack, made of what they have: the names and the behaviour of the crates they stand in for.

mod arc_swap;
#[cfg(loom)]
mod loom_latch;
mod once_lock;
#[cfg(shuttle)]
mod shuttle_condvar;

pub use self::arc_swap::{ArcSwap, ArcSwapOption};
#[cfg(loom)]
pub use self::loom_latch::{Condvar, Mutex, MutexGuard};
pub use self::once_lock::OnceLock;
#[cfg(shuttle)]
pub use self::shuttle_condvar::Condvar;
#[cfg(shuttle)]
pub use shuttle_parking_lot::{Mutex, MutexGuard};

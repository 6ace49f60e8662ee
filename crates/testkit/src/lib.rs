//! A simulated disk, crash points, a model oracle and law suites: what proves Drystone's parts, and yours.
//!
//! - [`SimFileSystem`]: a disk from a seed, that forgets what was not synced when power is cut ([`CrashPolicy`]), and
//!   fails on demand ([`Fault`]). A [`Trace`] of it can be crashed at every operation without running the work again.
//!
//! Everything here draws from seeds, and names the seed when it fails.

mod draw;
mod sim;

pub use draw::{Draw, mix};
pub use sim::{CrashPolicy, Cut, Effect, Fault, Image, OpKind, Replay, SimFileSystem, Trace};

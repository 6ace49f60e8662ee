//! The simulated disk: files that obey the contract of [`drystone_base::FileSystem`] to the letter and no further.
//!
//! In reading order: [`image`] is one file's bytes, copied on write; [`file_state`] a file's durable bytes and what is
//! not synced yet; [`names`] the same for folders; [`volume`] all files and names, changed by one [`step`] at a time;
//! [`crash`] what is left of a volume when power is cut; [`fault`] what else may go wrong; [`operation`] one operation,
//! and what becomes of it; [`disk`] the whole, with [`damage`] to it; [`files`] the traits that it implements; [`trace`]
//! a recorded history, to crash anywhere in it without running the work again.

mod clock;
mod crash;
mod damage;
mod disk;
mod fault;
mod file_state;
mod files;
mod image;
mod names;
mod operation;
mod step;
mod trace;
mod volume;

pub use clock::{ClockEvent, Latency, SimClock};
pub use crash::CrashPolicy;
pub use disk::SimFileSystem;
pub use fault::{Effect, Fault, OpKind};
pub use image::Image;
pub use operation::Cut;
pub use trace::{Replay, Trace};
